#pragma once
// Element by element: sums, products, multiples.

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// a + b, same shape.
Variable add(const Variable& a, const Variable& b);
/// a * b element by element, same shape. A gated MLP is multiply(activation(gate), up).
Variable multiply(const Variable& a, const Variable& b);
/// x[t, j] * weight[t]: `weight` has one number for each row of x (any shape of x.rows() elements).
Variable multiply_rows(const Variable& x, const Variable& weight);
/// factor * x
Variable scale(const Variable& x, double factor);

}  // namespace shenbi::ops
