// gemm_f32.inl for avx2.

#include "kernels/isa/lanes_avx2.h"

#include "kernels/isa/gemm_f32.inl"

namespace shenbi::kernels {
const GemmTable* gemm_f32_avx2() noexcept { return &kGemm; }
}  // namespace shenbi::kernels
