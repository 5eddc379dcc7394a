#pragma once
// Rounding to a storage type: what a value becomes that is kept in fewer bits.

#include "autograd/tape.h"

namespace shenbi::ops {

/// Each element as the nearest bf16 (ties to even), in the type of x. The gradient passes as if nothing had been
/// rounded.
autograd::Variable round_bf16(const autograd::Variable& x);

}  // namespace shenbi::ops
