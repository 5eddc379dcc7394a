#include "nn/fused_mlp.h"

#include <algorithm>

#include "kernels/rows.h"

namespace shenbi::nn {
namespace {

kernels::RowActivation kind(Activation activation) noexcept {
  switch (activation) {
    case Activation::kSilu:
      return kernels::RowActivation::kSilu;
    case Activation::kGeluErf:
      return kernels::RowActivation::kGeluErf;
    case Activation::kGeluTanh:
      return kernels::RowActivation::kGeluTanh;
    case Activation::kRelu:
      return kernels::RowActivation::kRelu;
    case Activation::kReluSquared:
      return kernels::RowActivation::kReluSquared;
  }
  return kernels::RowActivation::kSilu;
}

}  // namespace

void activate(const MlpSpec& spec, const float* gate, float* up, size_t n) noexcept {
  if (spec.gated) {
    kernels::activate_gated(kind(spec.activation), gate, up, n, up);
  } else {
    kernels::activate(kind(spec.activation), up, n, up);
  }
}

size_t FusedMlp::inner_pieces(int lanes) const noexcept {
  return std::min<size_t>(up.matrix.pieces(lanes), (spec.width + kColumnUnit - 1) / kColumnUnit);
}

void FusedMlp::inner_piece(const FusedInput& x, size_t tokens, const MlpScratch& scratch, size_t piece,
                           size_t count) const noexcept {
  const size_t width = spec.width, units = (width + kColumnUnit - 1) / kColumnUnit;
  const size_t begin = units * piece / count * kColumnUnit;
  const size_t end = std::min(units * (piece + 1) / count * kColumnUnit, width);
  if (spec.gated) gate.multiply_rows(x, tokens, begin, end, scratch.gate, width);
  up.multiply_rows(x, tokens, begin, end, scratch.up, width);
  for (size_t t = 0; t < tokens; ++t) {
    const size_t at = t * width + begin;
    activate(spec, scratch.gate + at, scratch.up + at, end - begin);
  }
  scratch.middle->prepare(scratch.up, tokens, width, middle_forms, 0, tokens, begin, end);
}

}  // namespace shenbi::nn
