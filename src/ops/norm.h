#pragma once
// Normalisation over the innermost axis. To normalise each head by itself, reshape to [..., heads, head_dim] first.

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// x / sqrt(mean(x^2) + epsilon) * weight (Zhang & Sennrich 2019). weight [columns] or absent (1).
Variable rms_norm(const Variable& x, const Variable& weight, double epsilon);

/// (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al. 2016). weight and bias [columns], each may be
/// absent.
Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double epsilon);

}  // namespace shenbi::ops
