#pragma once
#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// The sum / the mean of all elements, as a scalar; added in double, in order. The mean of nothing is an error.
Variable sum(const Variable& x);
Variable mean(const Variable& x);

}  // namespace shenbi::ops
