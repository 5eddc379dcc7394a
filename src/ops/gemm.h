#pragma once
// Matrix products in both arithmetic types: f32 by the kernel, f64 (which only proofs use) by a plain loop.

#include <cstddef>
#include <cstdint>

#include "base/thread_team.h"

namespace shenbi::ops {

enum class GemmLayout : uint8_t {
  kNT,  ///< A [m, k], B [n, k]
  kNN,  ///< A [m, k], B [k, n]
  kTN,  ///< A [k, m], B [k, n]
};

/// As kernels::GemmF32: C = A * B or C += A * B; strides are elements between stored rows, 0 means dense.
template <class T>
struct Gemm {
  GemmLayout layout = GemmLayout::kNT;
  size_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  const T* b = nullptr;
  T* c = nullptr;
  size_t a_stride = 0, b_stride = 0, c_stride = 0;
  bool accumulate = false;
};

/// On the team, or on the calling thread alone when it is null.
void gemm(const Gemm<float>& product, ThreadTeam* team);
void gemm(const Gemm<double>& product, ThreadTeam* team);

}  // namespace shenbi::ops
