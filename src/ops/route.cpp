// The choice itself is not differentiable; the weights are, through the scores of all experts (softmax first) or of the
// chosen ones. With scores s of the chosen experts and z their sum: w = scale * s / z (renormalised) or scale * s, so
//   ds = scale * (g - sum(g * w / scale)) / z    or    scale * g.
#include "ops/route.h"

#include <algorithm>
#include <numeric>

#include "ops/op.h"
#include "ops/softmax_row.h"

namespace shenbi::ops {
namespace {

using Choices = std::vector<int32_t>;  ///< [tokens, num_used] expert of each choice

template <class T>
Choices choose(const T* logits, size_t tokens, size_t experts, size_t used) {
  // All three kinds are monotonic in the logit, so the logits decide.
  Choices choices(tokens * used);
  std::vector<int32_t> order(experts);
  for (size_t t = 0; t < tokens; ++t) {
    const T* row = logits + t * experts;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(used), order.end(),
                      [row](int32_t a, int32_t b) { return row[a] > row[b] || (!(row[a] < row[b]) && a < b); });
    std::copy_n(order.begin(), used, choices.begin() + static_cast<ptrdiff_t>(t * used));
  }
  return choices;
}

/// Scores of one token: over all experts (softmax first) or only over the chosen ones, depending on the kind.
template <class T>
struct Scores {
  std::vector<T> all, chosen;
  double sum = 0;
};

template <class T>
void score(const T* logits, size_t experts, const int32_t* choices, const RouteOptions& options, Scores<T>& scores) {
  scores.all.assign(logits, logits + experts);
  if (options.kind == RouteKind::kSoftmaxThenTopK) softmax_row(scores.all.data(), experts);
  if (options.kind == RouteKind::kSigmoid)
    for (T& score : scores.all) score = 1 / (1 + std::exp(-score));
  scores.chosen.resize(options.num_used);
  for (size_t c = 0; c < options.num_used; ++c) scores.chosen[c] = scores.all[static_cast<size_t>(choices[c])];
  if (options.kind == RouteKind::kTopKThenSoftmax) softmax_row(scores.chosen.data(), options.num_used);
  scores.sum = options.renormalise ? std::accumulate(scores.chosen.begin(), scores.chosen.end(), 0.0) : 1.0;
}

/// Gradient of one token's logits from the gradient `g` of its weights.
template <class T>
void score_gradient(const Scores<T>& scores, size_t experts, const int32_t* choices, const RouteOptions& options,
                    const T* g, std::vector<T>& ds, T* out) {
  double dot = 0;
  if (options.renormalise)
    for (size_t c = 0; c < options.num_used; ++c) dot += static_cast<double>(g[c]) * scores.chosen[c] / scores.sum;
  ds.resize(options.num_used);
  for (size_t c = 0; c < options.num_used; ++c)
    ds[c] = static_cast<T>(options.weight_scale * (g[c] - dot) / scores.sum);

  std::fill(out, out + experts, T{0});
  if (options.kind == RouteKind::kTopKThenSoftmax)
    softmax_gradient_row(scores.chosen.data(), ds.data(), ds.data(), options.num_used);
  for (size_t c = 0; c < options.num_used; ++c) out[choices[c]] = ds[c];
  if (options.kind == RouteKind::kSoftmaxThenTopK) softmax_gradient_row(scores.all.data(), out, out, experts);
  if (options.kind == RouteKind::kSigmoid)
    for (size_t e = 0; e < experts; ++e) out[e] *= scores.all[e] * (1 - scores.all[e]);
}

/// Numbers the visits: counting sort of (token, choice) by expert.
void number_visits(const Choices& choices, size_t experts, size_t used, Routing& routing) {
  routing.ends.assign(experts, 0);
  for (int32_t expert : choices) ++routing.ends[static_cast<size_t>(expert)];
  std::vector<size_t> next(experts);
  std::exclusive_scan(routing.ends.begin(), routing.ends.end(), next.begin(), size_t{0});
  std::inclusive_scan(routing.ends.begin(), routing.ends.end(), routing.ends.begin());
  routing.tokens.resize(choices.size());
  routing.visits.resize(choices.size());
  for (size_t i = 0; i < choices.size(); ++i) {
    const size_t visit = next[static_cast<size_t>(choices[i])]++;
    routing.visits[i] = static_cast<int32_t>(visit);
    routing.tokens[visit] = static_cast<int32_t>(i / used);
  }
}

}  // namespace

Routing route(const Variable& router_logits, const RouteOptions& options) {
  require_floats("route", {router_logits});
  const Tensor logits = router_logits.value();
  require(logits.shape().rank() == 2, "route: logits must be [tokens, experts], not {}", logits.shape().text());
  const size_t tokens = logits.shape()[0], experts = logits.shape()[1], used = options.num_used;
  require(used >= 1 && used <= experts, "route: {} of {} experts cannot be used", used, experts);

  Tape& tape = router_logits.tape();
  Routing routing;
  Choices choices;
  Tensor weights = Tensor::uninitialized({tokens, used}, logits.dtype());
  with_type(logits.dtype(), [&]<class T>(T) {
    const T* from = logits.values<T>().data();
    T* to = weights.values<T>().data();
    choices = choose(from, tokens, experts, used);
    Scores<T> scores;
    for (size_t t = 0; t < tokens; ++t) {
      score(from + t * experts, experts, choices.data() + t * used, options, scores);
      for (size_t c = 0; c < used; ++c)
        to[t * used + c] = static_cast<T>(options.weight_scale * scores.chosen[c] / scores.sum);
    }
  });
  number_visits(choices, experts, used, routing);
  routing.weights = tape.record("route", weights, {router_logits}, [=](const Tensor& g) {
    Tensor dx = Tensor::uninitialized(logits.shape(), logits.dtype());
    with_type(logits.dtype(), [&]<class T>(T) {
      const T *from = logits.values<T>().data(), *up = g.values<T>().data();
      T* to = dx.values<T>().data();
      Scores<T> scores;
      std::vector<T> ds;
      for (size_t t = 0; t < tokens; ++t) {
        const int32_t* chosen = choices.data() + t * used;
        score(from + t * experts, experts, chosen, options, scores);
        score_gradient(scores, experts, chosen, options, up + t * used, ds, to + t * experts);
      }
    });
    return std::vector<Tensor>{dx};
  });
  return routing;
}

Variable combine(const Variable& answers, const Routing& routing) {
  require_floats("combine", {answers, routing.weights});
  const Tensor y = answers.value(), w = routing.weights.value();
  require(y.shape().rank() == 2 && y.shape()[0] == routing.visits.size() && w.elements() == routing.visits.size(),
          "combine: answers {} for weights {}", y.shape().text(), w.shape().text());
  const size_t tokens = w.shape()[0], used = w.shape()[1], columns = y.shape()[1];
  Tape& tape = answers.tape();
  Tensor out = Tensor::zeros({tokens, columns}, y.dtype());
  with_type(y.dtype(), [&]<class T>(T) {
    const T *from = y.values<T>().data(), *weight = w.values<T>().data();
    T* const to = out.values<T>().data();
    parallel(tape, tokens, used * columns, [&](size_t begin, size_t end) {
      for (size_t i = begin * used; i < end * used; ++i) {
        const T* row = from + static_cast<size_t>(routing.visits[i]) * columns;
        for (size_t j = 0; j < columns; ++j) to[i / used * columns + j] += weight[i] * row[j];
      }
    });
  });
  return tape.record("combine", out, {answers, routing.weights}, [=, &tape, visits = routing.visits](const Tensor& g) {
    Tensor dy = Tensor::uninitialized(y.shape(), y.dtype()), dw = Tensor::uninitialized(w.shape(), w.dtype());
    with_type(y.dtype(), [&]<class T>(T) {
      const T *from = y.values<T>().data(), *weight = w.values<T>().data(), *up = g.values<T>().data();
      T *const to = dy.values<T>().data(), *const to_weight = dw.values<T>().data();
      parallel(tape, visits.size(), 2 * columns, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          const size_t row = static_cast<size_t>(visits[i]) * columns, token = i / used * columns;
          double dot = 0;
          for (size_t j = 0; j < columns; ++j) {
            dot += static_cast<double>(up[token + j]) * from[row + j];
            to[row + j] = weight[i] * up[token + j];
          }
          to_weight[i] = static_cast<T>(dot);
        }
      });
    });
    return std::vector<Tensor>{dy, dw};
  });
}

}  // namespace shenbi::ops
