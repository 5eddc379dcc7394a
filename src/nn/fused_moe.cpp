#include "nn/fused_moe.h"

#include <algorithm>

#include "kernels/rows.h"

namespace shenbi::nn {
namespace {

/// Outputs of one task: wide enough to hide the cost of taking it, narrow enough to share one expert among lanes.
constexpr size_t kStrip = 64;
static_assert(kStrip % kColumnUnit == 0);

template <class T>
void grow(std::vector<T>& values, size_t count) {
  if (values.size() < count) values.resize(count);
}

void scores_to_weights(const MoeSpec& spec, const float* scores, const uint32_t* choices, float* weights,
                       const float* probabilities) noexcept {
  const size_t used = spec.num_used;
  for (size_t c = 0; c < used; ++c) weights[c] = scores[choices[c]];
  switch (spec.router) {
    case RouterKind::kSoftmaxThenTopK:
      for (size_t c = 0; c < used; ++c) weights[c] = probabilities[choices[c]];
      break;
    case RouterKind::kTopKThenSoftmax:
      kernels::softmax(weights, used, weights);
      break;
    case RouterKind::kSigmoid:
      kernels::activate(kernels::RowActivation::kSigmoid, weights, used, weights);
      break;
  }
  const float sum = spec.renormalise ? kernels::sum(weights, used) : 1.0f;
  for (size_t c = 0; c < used; ++c) weights[c] = weights[c] / sum * spec.weight_scale;
}

}  // namespace

void MoeScratch::reserve(const MoeSpec& spec, size_t tokens, size_t d, FormSet input_forms, FormSet middle_forms) {
  const size_t visits = tokens * spec.num_used, experts = spec.num_experts, width = spec.expert_width;
  grow(scores_, tokens * experts);
  grow(weights_, visits);
  grow(choices_, visits);
  grow(visits_, visits);
  grow(token_of_, visits);
  grow(first_, experts + 1);
  const size_t busy = std::min(experts, visits);
  inner_tasks_.reserve(busy * ((width + kStrip - 1) / kStrip));
  outer_tasks_.reserve(busy * ((d + kStrip - 1) / kStrip));
  grow(rows_, visits * d);
  grow(gate_, visits * width);
  grow(up_, visits * width);
  sorted_.reserve(visits, d, input_forms);
  middle_.reserve(visits, width, middle_forms);
  if (spec.shared == SharedExpert::kNone) return;
  grow(shared_, tokens * d);
  grow(shared_gate_, tokens);
}

/// The best experts of one token and their weights. Of equal scores the lower expert wins; NaN loses to everything.
void FusedMoe::choose(MoeScratch& scratch, size_t token) const noexcept {
  const size_t experts = spec.num_experts, used = spec.num_used;
  float* scores = scratch.scores_.data() + token * experts;
  router.add_bias(scores);
  uint32_t* chosen = scratch.choices_.data() + token * used;
  const auto better = [scores](uint32_t a, uint32_t b) {
    return scores[a] > scores[b] || (scores[b] != scores[b] && scores[a] == scores[a]);
  };
  size_t count = 0;
  for (uint32_t e = 0; e < experts; ++e) {
    if (count == used && !better(e, chosen[used - 1])) continue;
    size_t at = count < used ? count++ : used - 1;
    for (; at > 0 && better(e, chosen[at - 1]); --at) chosen[at] = chosen[at - 1];
    chosen[at] = e;
  }
  float* weights = scratch.weights_.data() + token * used;
  if (spec.router == RouterKind::kSoftmaxThenTopK) kernels::softmax(scores, experts, scores);
  scores_to_weights(spec, scores, chosen, weights, scores);
}

/// Counting sort of the visits by expert, and the tasks that follow from it.
void FusedMoe::sort(MoeScratch& scratch, size_t tokens, size_t d) const noexcept {
  const size_t experts = spec.num_experts, visits = tokens * spec.num_used;
  uint32_t* first = scratch.first_.data();
  std::fill_n(first, experts + 1, 0u);
  for (size_t i = 0; i < visits; ++i) ++first[scratch.choices_[i] + 1];
  for (size_t e = 0; e < experts; ++e) first[e + 1] += first[e];
  for (size_t i = 0; i < visits; ++i) {  // uses first[e] as the next free visit, then shifts back below
    const uint32_t visit = first[scratch.choices_[i]]++;
    scratch.visits_[i] = visit;
    scratch.token_of_[visit] = static_cast<uint32_t>(i / spec.num_used);
  }
  for (size_t e = experts; e > 0; --e) first[e] = first[e - 1];
  first[0] = 0;
  scratch.inner_tasks_.clear();
  scratch.outer_tasks_.clear();
  for (uint32_t e = 0; e < experts; ++e) {
    if (first[e] == first[e + 1]) continue;
    for (uint32_t r = 0; r < spec.expert_width; r += kStrip) scratch.inner_tasks_.push_back({e, r});
    for (uint32_t r = 0; r < d; r += kStrip) scratch.outer_tasks_.push_back({e, r});
  }
}

void FusedMoe::gather(MoeScratch& scratch, const float* x, size_t visits, size_t d, size_t visit) const noexcept {
  std::copy_n(x + scratch.token_of_[visit] * d, d, scratch.rows_.data() + visit * d);
  scratch.sorted_.prepare_rows(scratch.rows_.data(), visits, d, expert_forms, visit, visit + 1);
}

void FusedMoe::ask_inner(MoeScratch& scratch, size_t visits, size_t task) const noexcept {
  const size_t width = spec.expert_width;
  const MlpSpec mlp{.gated = true, .activation = spec.activation, .width = spec.expert_width};
  const auto [expert, begin] = scratch.inner_tasks_[task];
  const size_t end = std::min<size_t>(begin + kStrip, width), first = scratch.first_[expert];
  const size_t count = scratch.first_[expert + 1] - first;
  for (const auto& [linear, out] : {std::pair{&gate[expert], scratch.gate_.data()}, {&up[expert], scratch.up_.data()}})
    linear->matrix.multiply_rows(begin, end, linear->in(scratch.sorted_, visits).rows(first, count),
                                 out + first * width, width);
  for (size_t v = first; v < first + count; ++v)
    activate(mlp, scratch.gate_.data() + v * width + begin, scratch.up_.data() + v * width + begin, end - begin);
  scratch.middle_.prepare(scratch.up_.data(), visits, width, middle_forms, first, first + count, begin, end);
}

void FusedMoe::ask_outer(MoeScratch& scratch, size_t visits, size_t d, size_t task) const noexcept {
  const auto [expert, begin] = scratch.outer_tasks_[task];
  const size_t end = std::min<size_t>(begin + kStrip, d), first = scratch.first_[expert];
  const size_t count = scratch.first_[expert + 1] - first;
  down[expert].matrix.multiply_rows(begin, end, down[expert].in(scratch.middle_, visits).rows(first, count),
                                    scratch.rows_.data() + first * d, d);
}

/// out = sum of weight * answer, best choice first; then the shared expert.
void FusedMoe::combine(const MoeScratch& scratch, size_t token, float* out, size_t d) const noexcept {
  std::fill_n(out, d, 0.0f);
  for (size_t c = 0; c < spec.num_used; ++c) {
    const size_t i = token * spec.num_used + c;
    kernels::add_scaled(out, scratch.rows_.data() + scratch.visits_[i] * d, scratch.weights_[i], d, out);
  }
  if (spec.shared == SharedExpert::kNone) return;
  float factor = 1.0f;
  if (spec.shared == SharedExpert::kSigmoidGated)
    kernels::activate(kernels::RowActivation::kSigmoid, &scratch.shared_gate_[token], 1, &factor);
  kernels::add_scaled(out, scratch.shared_.data() + token * d, factor, d, out);
}

namespace {

/// One of `pieces` parts of a list of tasks. How many tasks there are is known while a piece is in hand, and not to a
/// lane that comes late: so pieces are counted, not tasks.
template <class Tasks, class Work>
void part(const Tasks& tasks, size_t piece, size_t pieces, Work&& work) noexcept {
  const size_t count = tasks.size(), end = count * (piece + 1) / pieces;
  for (size_t i = count * piece / pieces; i < end; ++i) work(i);
}

}  // namespace

void FusedMoe::run(Lane& lane, const float* x, const FusedInput& input, size_t tokens, MoeScratch& scratch,
                   const MlpScratch& mlp, float* out, size_t d) const noexcept {
  const size_t visits = tokens * spec.num_used, pieces = 16 * static_cast<size_t>(lane.count());
  if (spec.shared != SharedExpert::kNone) {
    const size_t inner = shared.inner_pieces(lane.count()), outer = shared.outer_pieces(lane.count());
    lane.pieces(inner, [&](size_t i) { shared.inner_piece(input, tokens, mlp, i, inner); });
    lane.pieces(outer, [&](size_t i) { shared.outer_piece(tokens, mlp, scratch.shared_.data(), d, i, outer); });
  }
  const size_t routers = router.matrix.pieces(lane.count());
  const auto ask_router = [&](size_t i) {
    router.multiply_piece(input, tokens, i, routers, scratch.scores_.data(), spec.num_experts);
    if (i == 0 && !shared_gate.empty()) shared_gate.multiply_piece(input, tokens, 0, 1, scratch.shared_gate_.data(), 1);
  };
  lane.pieces(routers, ask_router);
  lane.pieces(tokens, [&](size_t t) { choose(scratch, t); }, [&] { sort(scratch, tokens, d); });
  lane.pieces(visits, [&](size_t v) { gather(scratch, x, visits, d, v); });
  lane.pieces(pieces, [&](size_t p) {
    part(scratch.inner_tasks_, p, pieces, [&](size_t i) { ask_inner(scratch, visits, i); });
  });
  lane.pieces(pieces, [&](size_t p) {
    part(scratch.outer_tasks_, p, pieces, [&](size_t i) { ask_outer(scratch, visits, d, i); });
  });
  lane.pieces(tokens, [&](size_t t) { combine(scratch, t, out + t * d, d); });
}

}  // namespace shenbi::nn
