#pragma once
// Rotary positions (Su et al. 2021, arXiv 2104.09864).

#include <cstdint>
#include <span>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

struct RopeOptions {
  std::span<const float>
      inverse_frequencies;  ///< one for each pair of dims; the pairs may be fewer than half of the dims
  double magnitude = 1.0;   ///< multiplies cos and sin
  bool adjacent = false;    ///< pairs (2i, 2i + 1); else (i, i + pairs)
};

/// Turns pair i of each head of x [tokens, heads, dims] by positions[token] * inverse_frequencies[i]. Dims past the
/// pairs pass unchanged (and without the magnitude). Angles are computed in double.
Variable rope(const Variable& x, std::span<const int32_t> positions, const RopeOptions& options);

}  // namespace shenbi::ops
