#include "nn/fused_mlp.h"

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

void FusedMlp::run(Lane& lane, const FusedInput& x, size_t tokens, const MlpScratch& scratch, float* out,
                   size_t d) const noexcept {
  const size_t width = spec.width;
  const auto [begin, end] = lane.share(width, kColumnUnit);
  if (spec.gated) gate.multiply_rows(x, tokens, begin, end, scratch.gate, width);
  up.multiply_rows(x, tokens, begin, end, scratch.up, width);
  for (size_t t = 0; t < tokens; ++t) {
    const size_t at = t * width + begin;
    activate(spec, scratch.gate + at, scratch.up + at, end - begin);
  }
  scratch.middle->prepare_columns(lane, scratch.up, tokens, width, middle_forms, begin, end);
  lane.barrier();
  down.multiply(lane, *scratch.middle, out, d);
  lane.barrier();
}

}  // namespace shenbi::nn
