#pragma once
#include <cstdint>
#include <span>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// A row with this label takes no part: prompt tokens, padding.
inline constexpr int32_t kIgnoredLabel = -100;

/// Sum over rows of -log softmax(logits)[label], divided by `denominator` (0: the number of labels that count).
/// Gradient accumulation passes the number of labels of the whole batch, so that cutting a batch does not change the
/// loss. logits [rows, classes]; a scalar comes back. Without any label that counts the loss is 0 and so is its
/// gradient. Throws Error{kInvalidArgument} naming a label that is neither a class nor kIgnoredLabel.
Variable cross_entropy(const Variable& logits, std::span<const int32_t> labels, double denominator = 0);

}  // namespace shenbi::ops
