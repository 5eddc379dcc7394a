#pragma once
// f32 matrix products for training and for the composed path of the models: C = A * B or C += A * B, in the three
// layouts that a linear layer needs (forward NT, gradient of the input NN, gradient of the weight TN).
//
//   gemm_f32({.layout = GemmLayout::kNT, .m = tokens, .n = out_dim, .k = in_dim, .a = x, .b = weight, .c = y}, &team);
//
// Truth: each element of C is one chain of fma over ascending k, started at 0 or, accumulating, at the old C. So the
// result is the same, bit for bit, for every number of threads, instruction set and neighbouring row.

#include <cstddef>
#include <cstdint>

#include "base/thread_team.h"

namespace shenbi::kernels {

enum class GemmLayout : uint8_t {
  kNT,  ///< A [m, k], B [n, k]
  kNN,  ///< A [m, k], B [k, n]
  kTN,  ///< A [k, m], B [k, n]
};

/// Strides are floats between rows as stored; 0 means dense. C is [m, n] and overlaps neither A nor B.
struct GemmF32 {
  GemmLayout layout = GemmLayout::kNT;
  size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  float* c = nullptr;
  size_t a_stride = 0, b_stride = 0, c_stride = 0;
  bool accumulate = false;
};

/// Runs on the team, or on the calling thread alone if `team` is null. Not to be called inside a team's run. m, n or k
/// of 0 are fine (k = 0 stores zeros unless accumulating). Allocates its packing buffers, a few MB at most.
void gemm_f32(const GemmF32& product, ThreadTeam* team);

}  // namespace shenbi::kernels
