#pragma once
// Scaled dot-product attention with grouped heads (Ainslie et al. 2023, arXiv 2305.13245), over many sequences at once.

#include <cstdint>
#include <vector>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

struct AttentionOptions {
  double scale = 1.0;               ///< multiplies q.k
  double softcap = 0;               ///< then cap * tanh(score / cap); 0 = none
  std::vector<float> alibi_slopes;  ///< then + slope[head] * (key position - query position); one a head, or none
  bool causal = true;
  size_t window = 0;  ///< causal only: a query sees keys of positions > own - window; 0 = all earlier ones
  /// The sequences that lie one after the other in the tokens: their lengths, in order. Nothing is seen across a
  /// border, which makes a batch and a packed batch the same thing. Empty: all tokens are one sequence.
  std::vector<size_t> lengths;
};

/// q [tokens, H, D], k [tokens, Hkv, D], v [tokens, Hkv, Dv] -> [tokens, H, Dv]; Hkv divides H, head h reads h / (H /
/// Hkv). Keeps q, k and v for the way back; the probabilities are computed anew, in tiles: memory does not grow with
/// the square of the length. Sums of a softmax are in double.
Variable attention(const Variable& q, const Variable& k, const Variable& v, const AttentionOptions& options);

}  // namespace shenbi::ops
