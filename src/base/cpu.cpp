#include "base/cpu.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace shenbi {
namespace {

#if defined(__x86_64__)
// XCR0 bits that the operating system must have enabled (Intel SDM vol. 1, 13.3).
constexpr uint64_t kXcr0Avx = 0x6, kXcr0Avx512 = 0xE6, kXcr0Amx = 0x60000;

uint64_t xgetbv0() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

bool amx_granted() {
  // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): since Linux 5.16 tiles must be asked for, once a process.
  constexpr int kArchReqXcompPerm = 0x1023, kXtileData = 18;
  return ::syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
}

CpuFeatures probe() {
  CpuFeatures f;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return f;
  const bool osxsave = c & (1u << 27), fma = c & (1u << 12), f16c = c & (1u << 29);
  if (!osxsave) return f;
  const uint64_t xcr0 = xgetbv0();
  const bool os_avx = (xcr0 & kXcr0Avx) == kXcr0Avx, os_avx512 = (xcr0 & kXcr0Avx512) == kXcr0Avx512;
  uint32_t a7, b7, c7, d7;
  if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7)) return f;
  const uint32_t leaves = a7;
  f.avx2 = os_avx && fma && f16c && (b7 & (1u << 5)) && (b7 & (1u << 8));
  f.avx512 = os_avx512 && f.avx2 && (b7 & (1u << 16)) && (b7 & (1u << 17)) && (b7 & (1u << 30)) && (b7 & (1u << 31));
  f.avx512_vnni = f.avx512 && (c7 & (1u << 11));
  const bool tile = (d7 & (1u << 24)) && (xcr0 & kXcr0Amx) == kXcr0Amx;
  const bool tile_granted = tile && amx_granted();
  f.amx_int8 = tile_granted && (d7 & (1u << 25));
  f.amx_bf16 = tile_granted && (d7 & (1u << 22));
  if (leaves >= 1 && __get_cpuid_count(7, 1, &a7, &b7, &c7, &d7)) {
    f.avx_vnni = f.avx2 && (a7 & (1u << 4));
    f.avx512_bf16 = f.avx512 && (a7 & (1u << 5));
  }
  return f;
}
#elif defined(__aarch64__)
CpuFeatures probe() {
  CpuFeatures f;
  f.neon = true;
  f.neon_dotprod = ::getauxval(AT_HWCAP) & (1ul << 20);  // HWCAP_ASIMDDP
  return f;
}
#else
CpuFeatures probe() { return {}; }
#endif

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// This process's cgroup folder under v2, from the line "0::/path" of /proc/self/cgroup.
std::string cgroup_v2_folder() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("0::", 0) == 0) return "/sys/fs/cgroup" + line.substr(3);
  }
  return {};
}

// Smallest quota from the process's group up to the root: a parent's limit binds its children.
double cgroup_cpu_quota() {
  double quota = 0;
  const auto take = [&](double limit, double period) {
    if (limit > 0 && period > 0) quota = quota == 0 ? limit / period : std::min(quota, limit / period);
  };
  for (std::string folder = cgroup_v2_folder(); folder.size() >= 14; folder.resize(folder.find_last_of('/'))) {
    std::istringstream line(first_line(folder + "/cpu.max"));
    std::string limit;
    double period = 0;
    if (line >> limit >> period && limit != "max") take(std::atof(limit.c_str()), period);
    if (folder == "/sys/fs/cgroup") break;
  }
  const std::string v1 = "/sys/fs/cgroup/cpu/";
  take(std::atof(first_line(v1 + "cpu.cfs_quota_us").c_str()), std::atof(first_line(v1 + "cpu.cfs_period_us").c_str()));
  return quota;
}

}  // namespace

const CpuFeatures& cpu_features() noexcept {
  static const CpuFeatures features = probe();
  return features;
}

std::string cpu_model_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

ThreadBudget thread_budget() {
  ThreadBudget budget;
  budget.online = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  // A fixed cpu_set_t holds 1,024 CPUs; larger machines need the dynamic form.
  const int capacity = std::max(budget.online, 4096);
  cpu_set_t* set = CPU_ALLOC(capacity);
  const size_t bytes = CPU_ALLOC_SIZE(capacity);
  CPU_ZERO_S(bytes, set);
  budget.affinity = ::sched_getaffinity(0, bytes, set) == 0 ? std::max(1, CPU_COUNT_S(bytes, set)) : budget.online;
  CPU_FREE(set);
  budget.cgroup_quota = cgroup_cpu_quota();
  budget.threads = budget.affinity;
  budget.reason = fmt::format("{} of {} CPUs", budget.threads, budget.online);
  if (budget.affinity < budget.online) budget.reason += ": the process is bound to these";
  if (budget.cgroup_quota > 0 && budget.cgroup_quota < budget.affinity) {
    budget.threads = std::max(1, static_cast<int>(std::floor(budget.cgroup_quota)));
    budget.reason = fmt::format("{} of {} CPUs: container quota is {:.1f} CPUs", budget.threads, budget.online,
                                budget.cgroup_quota);
  }
  return budget;
}

uint64_t memory_limit_bytes() {
  uint64_t limit = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  for (std::string folder = cgroup_v2_folder(); folder.size() >= 14; folder.resize(folder.find_last_of('/'))) {
    const std::string line = first_line(folder + "/memory.max");
    if (!line.empty() && line != "max") limit = std::min<uint64_t>(limit, std::strtoull(line.c_str(), nullptr, 10));
    if (folder == "/sys/fs/cgroup") break;
  }
  const std::string v1 = first_line("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  if (!v1.empty()) limit = std::min<uint64_t>(limit, std::strtoull(v1.c_str(), nullptr, 10));
  return limit;
}

}  // namespace shenbi
