#pragma once
// Mixture of experts: who sees which token, and how the answers come together again.
//
//   Routing routing = route(linear(x, router), {.num_used = 2});
//   Variable rows = embedding(x, routing.tokens);                  // tokens that meet the same expert lie together
//   ... grouped_linear(rows, experts, routing.ends) ...
//   Variable y = combine(answers, routing);

#include <cstdint>
#include <vector>

#include "autograd/tape.h"

namespace shenbi::ops {

using autograd::Variable;

enum class RouteKind : uint8_t {
  kSoftmaxThenTopK,  ///< weights are probabilities among all experts
  kTopKThenSoftmax,  ///< probabilities among the chosen ones
  kSigmoid,          ///< each logit by itself
};
struct RouteOptions {
  RouteKind kind = RouteKind::kSoftmaxThenTopK;
  size_t num_used = 1;       ///< experts a token meets; of equal scores the lower expert wins
  bool renormalise = false;  ///< weights are divided by their sum
  double weight_scale = 1.0;
};

/// A visit is one (token, choice); visits are numbered by expert, then token.
struct Routing {
  Variable weights;             ///< [tokens, num_used], a token's best expert first; differentiable
  std::vector<int32_t> tokens;  ///< [visits] token of each visit
  std::vector<int32_t> visits;  ///< [tokens * num_used] visit of each (token, choice)
  std::vector<size_t> ends;     ///< [experts] one past the last visit of each expert
};

/// logits [tokens, experts].
Routing route(const Variable& logits, const RouteOptions& options);

/// out[t] = sum over choices c of weights[t, c] * answers[visit of (t, c)]. answers [visits, d] -> [tokens, d].
Variable combine(const Variable& answers, const Routing& routing);

}  // namespace shenbi::ops
