#pragma once
#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// exp(x) / sum(exp(x)) over the innermost axis.
Variable softmax(const Variable& x);

}  // namespace shenbi::ops
