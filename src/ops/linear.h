#pragma once
// Matrix products with parameters.

#include <vector>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// y = x W^T + b. x [..., in], weight [out, in] as PyTorch stores it, bias [out] or absent -> [..., out].
Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {});

/// a [m, k] times b [k, n] -> [m, n].
Variable matmul(const Variable& a, const Variable& b);

/// One linear layer for each group of rows: rows [ends[e - 1], ends[e]) of x [n, in] meet weight[e] of weight
/// [groups, out, in] -> [n, out]. How experts compute once their tokens lie together. `ends` ascends to n.
Variable grouped_linear(const Variable& x, const Variable& weight, const std::vector<size_t>& ends);

}  // namespace shenbi::ops
