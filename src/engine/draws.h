#pragma once
// The tokens of one pass, drawn side by side: each sequence's draw looks at its own logits and its own history alone,
// so which lane makes it changes nothing.

#include <cstdint>
#include <exception>
#include <optional>
#include <span>

#include "base/thread_team.h"
#include "engine/sampler.h"

namespace shenbi::engine {

struct Draw {
  // --- what it is made from ---
  Sampler* sampler;
  std::span<float> logits;           ///< [vocab_size]; may be changed
  std::span<const int32_t> history;  ///< prompt and output so far
  size_t prompt_length;
  std::span<const uint64_t> allowed;  ///< as for Sampler::sample
  std::optional<int32_t> forced;      ///< taken instead of drawing one
  bool with_logprob = false;
  uint32_t top_logprobs = 0;
  // --- what comes out ---
  Sampler::Choice choice{};
  Sampler::TopLogprobs top;
  std::exception_ptr failure;  ///< instead of a choice
};

/// Makes all of them; with more than one, on the whole team. Not from inside a run of the team.
void make_draws(std::span<Draw* const> draws, ThreadTeam& team);

}  // namespace shenbi::engine
