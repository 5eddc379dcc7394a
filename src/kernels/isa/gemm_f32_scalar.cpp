// gemm_f32.inl for scalar.

#include "kernels/isa/lanes_scalar.h"

#include "kernels/isa/gemm_f32.inl"

namespace shenbi::kernels {
const GemmTable* gemm_f32_scalar() noexcept { return &kGemm; }
}  // namespace shenbi::kernels
