// gemm_f32.inl for avx512.

#include "kernels/isa/lanes_avx512.h"

#include "kernels/isa/gemm_f32.inl"

namespace shenbi::kernels {
const GemmTable* gemm_f32_avx512() noexcept { return &kGemm; }
}  // namespace shenbi::kernels
