#include "engine/draws.h"

namespace shenbi::engine {
namespace {

void make(Draw& draw) noexcept {
  try {
    if (draw.top_logprobs > 0) draw.top = top_logprobs(draw.logits, draw.top_logprobs);
    if (draw.forced) {
      const double sum = draw.with_logprob ? log_sum_exp(draw.logits) : 0;
      const float own = draw.logits[static_cast<size_t>(*draw.forced)];
      draw.choice = {*draw.forced, draw.with_logprob ? static_cast<float>(own - sum) : 0};
      return;
    }
    const uint64_t step = draw.history.size() - draw.prompt_length;
    draw.choice =
        draw.sampler->sample(draw.logits, draw.history, draw.prompt_length, step, draw.with_logprob, draw.allowed);
  } catch (...) {
    draw.failure = std::current_exception();
  }
}

}  // namespace

void make_draws(std::span<Draw* const> draws, ThreadTeam& team) {
  if (draws.empty()) return;
  if (draws.size() == 1) return make(*draws[0]);
  team.run_pieces([&](Lane& lane) { lane.pieces(draws.size(), [&](size_t i) { make(*draws[i]); }); }, true);
}

}  // namespace shenbi::engine
