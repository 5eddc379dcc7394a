// attention.inl for scalar.

#include "kernels/isa/lanes_scalar.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/attention.inl"

namespace shenbi::kernels {
const AttentionTable* attention_scalar() noexcept { return &kAttention; }
}  // namespace shenbi::kernels
