#pragma once
// Functions of one number, applied to every element.

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

Variable silu(const Variable& x);          ///< x * sigmoid(x)
Variable gelu_erf(const Variable& x);      ///< x * Phi(x)                                  (Hendrycks & Gimpel 2016)
Variable gelu_tanh(const Variable& x);     ///< x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
Variable relu(const Variable& x);          ///< max(x, 0); the slope at 0 is 0
Variable relu_squared(const Variable& x);  ///< max(x, 0)^2                                 (So et al. 2021)
Variable sigmoid(const Variable& x);
/// cap * tanh(x / cap), cap > 0 (Gemma 2).
Variable softcap(const Variable& x, double cap);

}  // namespace shenbi::ops
