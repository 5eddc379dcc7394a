#include "nn/fused_norm.h"

#include "kernels/rows.h"

namespace shenbi::nn {

void FusedNorm::apply(const float* x, size_t rows, size_t columns, float* out) const noexcept {
  const float* w = weight.empty() ? nullptr : weight.data();
  if (spec.kind == NormKind::kRms) {
    kernels::rms_norm(x, columns, rows, columns, w, spec.epsilon, out, columns);
  } else {
    kernels::layer_norm(x, columns, rows, columns, w, bias.empty() ? nullptr : bias.data(), spec.epsilon, out, columns);
  }
}

}  // namespace shenbi::nn
