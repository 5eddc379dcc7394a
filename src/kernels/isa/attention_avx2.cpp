// attention.inl for avx2.

#include "kernels/isa/lanes_avx2.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/attention.inl"

namespace shenbi::kernels {
const AttentionTable* attention_avx2() noexcept { return &kAttention; }
}  // namespace shenbi::kernels
