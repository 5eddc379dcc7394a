// Tokens that meet the same expert are brought together, pass through it as one matrix, and are brought back, weighted.
#include "base/error.h"
#include "nn/compose.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/route.h"

namespace shenbi::nn {
namespace {

ops::RouteOptions route_options(const MoeSpec& spec) {
  ops::RouteOptions options{
      .num_used = spec.num_used, .renormalise = spec.renormalise, .weight_scale = spec.weight_scale};
  switch (spec.router) {
    case RouterKind::kSoftmaxThenTopK:
      options.kind = ops::RouteKind::kSoftmaxThenTopK;
      break;
    case RouterKind::kTopKThenSoftmax:
      options.kind = ops::RouteKind::kTopKThenSoftmax;
      break;
    case RouterKind::kSigmoid:
      options.kind = ops::RouteKind::kSigmoid;
      break;
  }
  return options;
}

Variable routed(const Scope& scope, const MoeSpec& spec, const Variable& x) {
  const ops::Routing routing = ops::route(compose_linear(scope, "router", x), route_options(spec));
  const Scope experts = scope.inside("experts");
  const Variable rows = ops::embedding(x, routing.tokens);
  const auto meet = [&](std::string_view name, const Variable& y) {
    return ops::grouped_linear(y, experts.at(name), routing.ends);
  };
  const Variable inner = ops::multiply(compose_activation(spec.activation, meet("gate", rows)), meet("up", rows));
  return ops::combine(meet("down", inner), routing);
}

Variable shared(const Scope& scope, const MoeSpec& spec, const Variable& x) {
  const Variable y =
      compose_mlp(scope.inside("shared_expert"), {.activation = spec.activation, .width = spec.shared_width}, x);
  if (spec.shared == SharedExpert::kAlways) return y;
  return ops::multiply_rows(y, ops::sigmoid(compose_linear(scope, "shared_expert_gate", x)));
}

}  // namespace

Variable compose_moe(const Scope& scope, const MoeSpec& spec, const Variable& x) {
  const Variable y = routed(scope, spec, x);
  return spec.shared == SharedExpert::kNone ? y : ops::add(y, shared(scope, spec, x));
}

}  // namespace shenbi::nn
