#pragma once
// What this machine gives: instruction sets the CPU and the OS both allow, and how many threads really run at once.

#include <cstdint>
#include <string>

namespace shenbi {

struct CpuFeatures {
  bool avx2 = false;         ///< AVX2 + FMA + F16C + BMI2
  bool avx_vnni = false;     ///< 256-bit vpdpbusd (VEX)
  bool avx512 = false;       ///< F, BW, DQ, VL
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_int8 = false;     ///< tiles granted by the kernel as well (arch_prctl)
  bool amx_bf16 = false;
  bool neon = false;         ///< arm64 baseline
  bool neon_dotprod = false;
};

/// Probed once. Thread-safe.
const CpuFeatures& cpu_features() noexcept;

/// The CPU's own name, e.g. "AMD EPYC 9554".
std::string cpu_model_name();

/// How many threads can run at once here, and why.
struct ThreadBudget {
  int threads = 1;            ///< min(affinity, floor(cgroup quota)), at least 1
  int online = 1;             ///< logical CPUs of the machine
  int affinity = 1;           ///< logical CPUs this process may use
  double cgroup_quota = 0;    ///< CPUs' worth of time the container gets; 0 = unlimited
  std::string reason;         ///< one phrase for people, e.g. "2 of 64 CPUs: container quota is 2.0 CPUs"
};

/// Reads affinity and cgroup v1/v2 limits anew at each call. Spinning more threads than the quota is what makes
/// engines collapse inside containers, so every thread count in the program comes from here.
ThreadBudget thread_budget();

/// Memory this process may use: min(physical, cgroup limit), in bytes.
uint64_t memory_limit_bytes();

}  // namespace shenbi
