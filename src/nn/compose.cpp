#include "nn/compose.h"

#include <fmt/format.h>

#include "base/error.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace shenbi::nn {

Variables bind(Tape& tape, const NamedTensors& tensors) {
  Variables variables;
  for (const auto& [name, tensor] : tensors) variables.emplace(name, tape.leaf(tensor));
  return variables;
}

Variable Scope::find(std::string_view name) const {
  const auto found = all.find(fmt::format("{}{}", prefix, name));
  return found == all.end() ? Variable() : found->second;
}

Variable Scope::at(std::string_view name) const {
  Variable found = find(name);
  if (!found.defined()) throw Error(Code::kInvalidArgument, fmt::format("parameter '{}{}' is missing", prefix, name));
  return found;
}

Scope Scope::inside(std::string_view name) const { return {all, fmt::format("{}{}.", prefix, name)}; }

Sequences Sequences::of(std::span<const size_t> lengths) {
  Sequences sequences{.lengths = {lengths.begin(), lengths.end()}};
  for (size_t length : lengths)
    for (size_t i = 0; i < length; ++i) sequences.positions.push_back(static_cast<int32_t>(i));
  return sequences;
}

Variable compose_linear(const Scope& scope, std::string_view name, const Variable& x) {
  const Scope own = scope.inside(name);
  return ops::linear(x, own.at("weight"), own.find("bias"));
}

Variable compose_norm(const Scope& scope, std::string_view name, const NormSpec& spec, const Variable& x) {
  const Scope own = scope.inside(name);
  if (spec.kind == NormKind::kLayer) return ops::layer_norm(x, own.find("weight"), own.find("bias"), spec.epsilon);
  return ops::rms_norm(x, own.find("weight"), spec.epsilon);
}

}  // namespace shenbi::nn
