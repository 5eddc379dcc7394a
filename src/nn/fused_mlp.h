#pragma once
// The feed-forward block of the inference path. A lane computes some columns of gate and up, applies the activation to
// them and quantises them for `down` without waiting for the other lanes: one barrier, before `down`.

#include <cstddef>

#include "nn/fused_linear.h"
#include "nn/spec.h"

namespace shenbi::nn {

/// Scratch of a pass, shared by all layers.
struct MlpScratch {
  float* gate = nullptr;  ///< [tokens, width]
  float* up = nullptr;    ///< [tokens, width]
  FusedInput* middle = nullptr;
};

struct FusedMlp {
  MlpSpec spec;
  FusedLinear gate, up, down;
  FormSet input_forms;   ///< what gate and up want
  FormSet middle_forms;  ///< what down wants

  /// out [tokens, d] = down(act(gate(x)) * up(x)). Ends behind a barrier.
  void run(Lane& lane, const FusedInput& x, size_t tokens, const MlpScratch& scratch, float* out,
           size_t d) const noexcept;
};

/// act(gate) * up, or act(up) without a gate, over `n` numbers; into `up`.
void activate(const MlpSpec& spec, const float* gate, float* up, size_t n) noexcept;

}  // namespace shenbi::nn
