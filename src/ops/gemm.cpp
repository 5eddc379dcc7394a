#include "ops/gemm.h"

namespace shenbi::ops {

void gemm(const Gemm<float>& p, ThreadTeam* team) {
  kernels::gemm_f32({.layout = p.layout,
                     .m = p.m,
                     .n = p.n,
                     .k = p.k,
                     .a = p.a,
                     .b = p.b,
                     .c = p.c,
                     .a_stride = p.a_stride,
                     .b_stride = p.b_stride,
                     .c_stride = p.c_stride,
                     .accumulate = p.accumulate},
                    team);
}

// One chain of sums over ascending k an element. Only proofs run in f64, so nothing here is fast.
void gemm(const Gemm<double>& p, ThreadTeam*) {
  const bool a_turned = p.layout == GemmLayout::kTN, b_turned = p.layout == GemmLayout::kNT;
  const size_t a_stride = p.a_stride ? p.a_stride : (a_turned ? p.m : p.k);
  const size_t b_stride = p.b_stride ? p.b_stride : (b_turned ? p.k : p.n);
  const size_t c_stride = p.c_stride ? p.c_stride : p.n;
  for (size_t i = 0; i < p.m; ++i)
    for (size_t j = 0; j < p.n; ++j) {
      double sum = p.accumulate ? p.c[i * c_stride + j] : 0.0;
      for (size_t k = 0; k < p.k; ++k) {
        const double a = a_turned ? p.a[k * a_stride + i] : p.a[i * a_stride + k];
        const double b = b_turned ? p.b[j * b_stride + k] : p.b[k * b_stride + j];
        sum += a * b;
      }
      p.c[i * c_stride + j] = sum;
    }
}

}  // namespace shenbi::ops
