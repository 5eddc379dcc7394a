#pragma once
// How well a model predicts a text: exp of the mean negative log-likelihood of its tokens.

#include <cstdint>
#include <functional>
#include <span>

#include "base/thread_team.h"
#include "engine/model.h"

namespace shenbi::eval {

struct PerplexityOptions {
  uint32_t context = 0;  ///< window in tokens; 0: min(2048, the model's)
  uint32_t stride = 0;   ///< new tokens a window scores; 0: half the window
};

struct Perplexity {
  double perplexity = 0;
  double mean_nll = 0;        ///< nats a token
  double standard_error = 0;  ///< of mean_nll
  size_t scored_tokens = 0;
};

/// Sliding windows: each window of `context` tokens scores its last `stride` tokens (the first window all but its first
/// token), so every token but the first is scored once, with at least context - stride tokens before it where the text
/// has them. `bos`, if the model adds one, begins every window.
Perplexity perplexity(const engine::Model& model, std::span<const int32_t> tokens, const PerplexityOptions& options,
                      ThreadTeam& team, const std::function<void(size_t done, size_t total)>& progress = {});

}  // namespace shenbi::eval
