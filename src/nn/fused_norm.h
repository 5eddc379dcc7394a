#pragma once
// Norms of the inference path.

#include <cstddef>
#include <vector>

#include "nn/spec.h"

namespace shenbi::nn {

struct FusedNorm {
  NormSpec spec;
  std::vector<float> weight, bias;  ///< empty: none
  bool present = false;             ///< false: the layer has no such norm

  /// `rows` rows of `columns`, one after the other; out may be x. Precondition: present.
  void apply(const float* x, size_t rows, size_t columns, float* out) const noexcept;
};

}  // namespace shenbi::nn
