#pragma once
#include <cstdint>
#include <span>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

/// Row ids[t] of weight [rows, ...] -> [ids, ...]: token embeddings, learned positions, and the gather of rows that
/// meet an expert. The same row may be taken many times. Throws Error{kInvalidArgument} naming an id that is out of
/// range.
Variable embedding(const Variable& weight, std::span<const int32_t> ids);

}  // namespace shenbi::ops
