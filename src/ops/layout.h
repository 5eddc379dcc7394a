#pragma once
// Ops that move numbers and compute nothing.

#include <vector>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Shape;
using autograd::Variable;

/// The same numbers under another shape; shares the memory.
Variable reshape(const Variable& x, const Shape& shape);
/// x [a, b] -> [b, a].
Variable transpose(const Variable& x);
/// Items [begin, end) of one axis.
Variable slice(const Variable& x, size_t axis, size_t begin, size_t end);
/// The parts one after the other along one axis; all other sizes agree.
Variable concat(const std::vector<Variable>& parts, size_t axis);

}  // namespace shenbi::ops
