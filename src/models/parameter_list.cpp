// Which parameters a spec has, and their shapes.

#include <fmt/format.h>

#include "models/parameters.h"

namespace shenbi::models {
namespace {

class List {
 public:
  void add(std::string name, std::vector<uint64_t> shape, bool required) {
    out_.push_back({prefix_ + std::move(name), std::move(shape), required});
  }
  void linear(const std::string& name, uint64_t rows, uint64_t columns) {
    add(name + ".weight", {rows, columns}, true);
    add(name + ".bias", {rows}, false);
  }
  void norm(const std::string& name, uint64_t width, bool required = true) {
    add(name + ".weight", {width}, required);
    add(name + ".bias", {width}, false);
  }
  void attention(const nn::AttentionSpec& spec, uint64_t d);
  void mlp(const nn::MlpSpec& spec, uint64_t d);
  void experts(const nn::MoeSpec& spec, uint64_t d);
  void norms(const DecoderSpec& spec);
  void layer(const DecoderSpec& spec, size_t index);

  std::vector<ParameterSpec> out_;
  std::string prefix_;
};

void List::attention(const nn::AttentionSpec& spec, uint64_t d) {
  const uint64_t query = uint64_t{spec.num_heads} * spec.head_dim, key = uint64_t{spec.num_kv_heads} * spec.head_dim;
  linear("query", query, d);
  linear("key", key, d);
  linear("value", uint64_t{spec.num_kv_heads} * spec.value_dim, d);
  linear("attention_output", d, uint64_t{spec.num_heads} * spec.value_dim);
  if (spec.qk_norm == nn::QkNorm::kNone) return;
  const bool full = spec.qk_norm == nn::QkNorm::kFullWidth;
  norm("query_norm", full ? query : spec.head_dim);
  norm("key_norm", full ? key : spec.head_dim);
}

void List::mlp(const nn::MlpSpec& spec, uint64_t d) {
  if (spec.gated) linear("gate", spec.width, d);
  linear("up", spec.width, d);
  linear("down", d, spec.width);
}

void List::experts(const nn::MoeSpec& spec, uint64_t d) {
  const uint64_t count = spec.num_experts, width = spec.expert_width;
  linear("router", count, d);
  add("experts.gate", {count, width, d}, true);
  add("experts.up", {count, width, d}, true);
  add("experts.down", {count, d, width}, true);
  if (spec.shared == nn::SharedExpert::kNone) return;
  add("shared_expert.gate.weight", {spec.shared_width, d}, true);
  add("shared_expert.up.weight", {spec.shared_width, d}, true);
  add("shared_expert.down.weight", {d, spec.shared_width}, true);
  if (spec.shared == nn::SharedExpert::kSigmoidGated) add("shared_expert_gate.weight", {1, d}, true);
}

void List::norms(const DecoderSpec& spec) {
  const uint64_t d = spec.embedding_size;
  if (spec.norm_place != NormPlace::kOut) {
    norm("attention_norm", d);
    if (spec.residual != Residual::kParallelOneNorm) norm("mlp_norm", d);
  }
  if (spec.norm_place == NormPlace::kSandwich || spec.norm_place == NormPlace::kOut) {
    norm("attention_post_norm", d);
    norm("mlp_post_norm", d);
  }
}

void List::layer(const DecoderSpec& spec, size_t index) {
  prefix_ = fmt::format("layers.{}.", index);
  norms(spec);
  const LayerSpec& layer = spec.layers[index];
  attention(layer.attention, spec.embedding_size);
  if (layer.moe) {
    experts(*layer.moe, spec.embedding_size);
  } else {
    mlp(layer.mlp, spec.embedding_size);
  }
  prefix_.clear();
}

}  // namespace

std::vector<ParameterSpec> parameters_of(const DecoderSpec& spec) {
  const uint64_t d = spec.embedding_size;
  List list;
  list.add("embedding.weight", {spec.vocab_size, d}, true);
  if (spec.learned_positions)
    list.add("position.weight", {uint64_t{spec.context_length} + spec.position_offset, d}, true);
  list.norm("embedding_norm", d, false);
  for (size_t i = 0; i < spec.layers.size(); ++i) list.layer(spec, i);
  list.norm("output_norm", d, spec.norm_place != NormPlace::kPost);
  if (!spec.tied_output) list.add("output.weight", {spec.vocab_size, d}, true);
  list.add("output.bias", {spec.vocab_size}, false);
  return std::move(list.out_);
}

}  // namespace shenbi::models
