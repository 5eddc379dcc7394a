#pragma once
// The feed-forward block of the inference path, in two phases: a piece computes some columns of gate and up, applies
// the activation to them and quantises them; then `down`.

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

  /// Pieces of the first phase, and one of them.
  size_t inner_pieces(int lanes) const noexcept;
  void inner_piece(const FusedInput& x, size_t tokens, const MlpScratch& scratch, size_t piece,
                   size_t count) const noexcept;
  /// The second: out [tokens, d] = down(act(gate(x)) * up(x)).
  size_t outer_pieces(int lanes) const noexcept { return down.matrix.pieces(lanes); }
  void outer_piece(size_t tokens, const MlpScratch& scratch, float* out, size_t d, size_t piece,
                   size_t count) const noexcept {
    down.multiply_piece(*scratch.middle, tokens, piece, count, out, d);
  }
};

/// act(gate) * up, or act(up) without a gate, over `n` numbers; into `up`.
void activate(const MlpSpec& spec, const float* gate, float* up, size_t n) noexcept;

}  // namespace shenbi::nn
