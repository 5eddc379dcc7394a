#pragma once
// Matrix products in both arithmetic types: f32 by the kernel, f64 (which only proofs use) by a plain loop.

#include "kernels/gemm_f32.h"

namespace shenbi::ops {

using kernels::GemmLayout;

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
