#include "models/composed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/embedding.h"
#include "ops/layout.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace shenbi::models {
namespace {

using autograd::Variable;

/// One layer of one pass.
struct Layer {
  const DecoderSpec& model;
  const LayerSpec& spec;
  nn::Scope scope;
  const nn::Sequences& sequences;

  Variable norm(std::string_view name, const Variable& x) const { return nn::compose_norm(scope, name, model.norm, x); }
  Variable attention(const Variable& x) const {
    return nn::compose_attention(scope, spec.attention, model.norm, x, sequences);
  }
  Variable mlp(const Variable& x) const {
    return spec.moe ? nn::compose_moe(scope, *spec.moe, x) : nn::compose_mlp(scope, spec.mlp, x);
  }
  /// x + residual_scale * y
  Variable join(const Variable& x, const Variable& y) const {
    return ops::add(x, model.residual_scale == 1.0f ? y : ops::scale(y, model.residual_scale));
  }

  /// A block with its norms around it; `name` is attention or mlp.
  template <class Block>
  Variable residual(const std::string& name, const Variable& x, Block&& block) const {
    const std::string before = name + "_norm", after = name + "_post_norm";
    switch (model.norm_place) {
      case NormPlace::kPre:
        return join(x, block(norm(before, x)));
      case NormPlace::kSandwich:
        return join(x, norm(after, block(norm(before, x))));
      case NormPlace::kOut:
        return join(x, norm(after, block(x)));
      case NormPlace::kPost:
        return norm(before, join(x, block(x)));
    }
    throw Error(Code::kInternal, "decoder: unknown place of norms");
  }

  Variable run(const Variable& x) const {
    if (model.residual == Residual::kSequential) {
      const Variable y = residual("attention", x, [this](const Variable& v) { return attention(v); });
      return residual("mlp", y, [this](const Variable& v) { return mlp(v); });
    }
    const Variable first = norm("attention_norm", x);
    const Variable second = model.residual == Residual::kParallelOneNorm ? first : norm("mlp_norm", x);
    return join(join(x, attention(first)), mlp(second));
  }
};

Variable embed(const DecoderSpec& spec, const nn::Scope& scope, std::span<const int32_t> tokens,
               const nn::Sequences& sequences) {
  Variable x = ops::embedding(scope.at("embedding.weight"), tokens);
  if (spec.embedding_scale != 1.0f) x = ops::scale(x, spec.embedding_scale);
  if (spec.learned_positions) {
    std::vector<int32_t> rows = sequences.positions;
    for (int32_t& row : rows) row += static_cast<int32_t>(spec.position_offset);
    x = ops::add(x, ops::embedding(scope.at("position.weight"), rows));
  }
  if (scope.find("embedding_norm.weight").defined()) x = nn::compose_norm(scope, "embedding_norm", spec.norm, x);
  return x;
}

}  // namespace

ComposedDecoder ComposedDecoder::from(const Model& model) {
  nn::NamedTensors tensors;
  for (const auto& [name, parameter] : model.parameters.all()) {
    const std::vector<size_t> sizes(parameter.shape().begin(), parameter.shape().end());
    tensor::Tensor tensor = tensor::Tensor::uninitialized(tensor::Shape(sizes));
    parameter.decode(tensor.values<float>().data());
    tensors.emplace(name, std::move(tensor));
  }
  return ComposedDecoder(model.spec, std::move(tensors));
}

Variable ComposedDecoder::hidden(const nn::Variables& parameters, std::span<const int32_t> tokens,
                                 const nn::Sequences& sequences) const {
  if (sequences.positions.size() != tokens.size())
    throw Error(Code::kInvalidArgument,
                fmt::format("decoder: {} tokens in sequences of {}", tokens.size(), sequences.positions.size()));
  const nn::Scope scope{parameters, ""};
  Variable x = embed(spec_, scope, tokens, sequences);
  for (size_t i = 0; i < spec_.layers.size(); ++i)
    x = Layer{spec_, spec_.layers[i], {parameters, fmt::format("layers.{}.", i)}, sequences}.run(x);
  // A model of post norms ends normalised already, unless it says otherwise.
  const bool normalise = spec_.norm_place != NormPlace::kPost || scope.find("output_norm.weight").defined();
  return normalise ? nn::compose_norm(scope, "output_norm", spec_.norm, x) : x;
}

Variable ComposedDecoder::head(const nn::Variables& parameters, const Variable& hidden) const {
  const nn::Scope scope{parameters, ""};
  Variable weight = scope.at(spec_.tied_output ? "embedding.weight" : "output.weight");
  if (spec_.normalised_head) {       // length = sqrt(d) * root mean square
    constexpr double kTiny = 1e-24;  // a row of zeros stays zero
    weight = ops::scale(ops::rms_norm(weight, {}, kTiny), 1.0 / std::sqrt(static_cast<double>(spec_.embedding_size)));
  }
  Variable logits = ops::linear(hidden, weight, scope.find("output.bias"));
  if (spec_.logit_scale != 1.0f) logits = ops::scale(logits, spec_.logit_scale);
  return spec_.logit_softcap > 0 ? ops::softcap(logits, spec_.logit_softcap) : logits;
}

Variable ComposedDecoder::forward(const nn::Variables& parameters, std::span<const int32_t> tokens,
                                  const nn::Sequences& sequences) const {
  return head(parameters, hidden(parameters, tokens, sequences));
}

void ComposedDecoder::visit_logits(std::span<const int32_t> tokens, ThreadTeam& team,
                                   const std::function<void(size_t, const tensor::Tensor&)>& visit,
                                   size_t chunk_bytes) const {
  autograd::Tape tape(team, {.record = false});
  const nn::Variables parameters = nn::bind(tape, parameters_);
  const tensor::Tensor all = hidden(parameters, tokens, nn::Sequences::one(tokens.size())).value();
  const size_t row_bytes = std::max<size_t>(spec_.vocab_size, 1) * tensor::size_of(all.dtype());
  const size_t step = std::max<size_t>(chunk_bytes / row_bytes, 1);
  for (size_t row = 0; row < tokens.size(); row += step) {
    const size_t end = std::min(row + step, tokens.size());
    visit(row, head(parameters, tape.constant(all.rows(row, end))).value());
  }
}

}  // namespace shenbi::models
