// attention.inl for avx512.

#include "kernels/isa/lanes_avx512.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/attention.inl"

namespace shenbi::kernels {
const AttentionTable* attention_avx512() noexcept { return &kAttention; }
}  // namespace shenbi::kernels
