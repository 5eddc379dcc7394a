// The part of a family's config that nearly all families write alike.

#include <fmt/format.h>

#include <cmath>

#include "models/architecture.h"

namespace shenbi::models {
namespace {

nn::Activation activation(const Config& config) {
  const std::string name = config.text_or({.hf = "hidden_act|hidden_activation|activation_function"}, "silu");
  if (name == "silu" || name == "swish") return nn::Activation::kSilu;
  if (name == "gelu") return nn::Activation::kGeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return nn::Activation::kGeluTanh;
  if (name == "relu") return nn::Activation::kRelu;
  if (name == "relu2") return nn::Activation::kReluSquared;
  config.unsupported(fmt::format("activation '{}' is not supported", name));
}

/// GGUF says how many words there are through the tokenizer, or else through the embedding itself.
uint32_t vocabulary(const Config& config, uint32_t absent) {
  if (const auto size = config.find_count(keys::kVocabulary)) return *size;
  if (!config.is_gguf() && absent) return absent;
  if (!config.is_gguf()) return config.count(keys::kVocabulary);
  const formats::TensorEntry* embedding = config.checkpoint().find("token_embd.weight");
  if (!embedding || embedding->shape.empty() || embedding->shape[0] == 0 ||
      embedding->shape[0] > limits::kMaxVocabulary)
    config.refuse("the size of the vocabulary is not told by any key or tensor");
  return static_cast<uint32_t>(embedding->shape[0]);
}

uint32_t head_dim(const Config& config, uint32_t embedding, uint32_t heads, uint32_t absent) {
  if (const auto dim = config.find_count(keys::kHeadDim)) return *dim;
  if (absent) return absent;
  if (embedding % heads != 0) config.refuse(fmt::format("{} dims cannot be divided among {} heads", embedding, heads));
  return embedding / heads;
}

nn::AttentionSpec attention(const Config& config, uint32_t heads, uint32_t kv_heads, uint32_t head_dim) {
  if (heads % kv_heads != 0)
    config.refuse(fmt::format("{} heads cannot be shared by {} key-value heads", heads, kv_heads));
  nn::AttentionSpec spec;
  spec.num_heads = heads;
  spec.num_kv_heads = kv_heads;
  spec.head_dim = head_dim;
  spec.value_dim = config.find_count(keys::kValueDim).value_or(head_dim);
  spec.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  return spec;
}

}  // namespace

DecoderSpec plain_block(const Config& config, const Defaults& defaults) {
  DecoderSpec spec;
  spec.vocab_size = vocabulary(config, defaults.vocabulary);
  spec.embedding_size = config.count(keys::kEmbedding);
  spec.context_length = config.find_count(keys::kContext).value_or(defaults.context);
  spec.norm = {nn::NormKind::kRms, static_cast<float>(config.real_or(keys::kRmsEpsilon, 1e-6, {0, 1}))};

  const uint32_t layers = config.count(keys::kLayers);
  const auto heads = config.counts(keys::kHeads, layers, defaults.heads);
  if (heads[0] == 0) config.count(keys::kHeads);  // says that it is missing
  const auto kv_heads = config.counts(keys::kKvHeads, layers, defaults.kv_heads);
  const auto widths = config.counts(keys::kFeedForward, layers, 4 * spec.embedding_size);
  const uint32_t dim = head_dim(config, spec.embedding_size, heads[0], defaults.head_dim);
  const nn::Activation act = activation(config);
  for (uint32_t i = 0; i < layers; ++i) {
    LayerSpec layer;
    layer.attention = attention(config, heads[i], kv_heads[i] ? kv_heads[i] : heads[i], dim);
    layer.mlp = {.gated = true, .activation = act, .width = widths[i]};
    spec.layers.push_back(std::move(layer));
  }
  return spec;
}

void use_rope(const Config& config, DecoderSpec& spec, nn::RopeOrder order, double default_fraction) {
  const uint32_t dims = config.rope_dims(spec.layers.front().attention.head_dim, default_fraction);
  const nn::RopeSpec rope = nn::make_rope(config.rope(dims), order);
  for (LayerSpec& layer : spec.layers) layer.attention.rope = rope;
}

DecoderSpec llama_block(const Config& config, nn::RopeOrder gguf_order) {
  DecoderSpec spec = plain_block(config);
  use_rope(config, spec, config.is_gguf() ? gguf_order : nn::RopeOrder::kHalf);
  return spec;
}

void use_layer_norm(const Config& config, DecoderSpec& spec) {
  spec.norm = {nn::NormKind::kLayer, static_cast<float>(config.real_or(keys::kLayerNormEpsilon, 1e-5, {0, 1}))};
}

void use_window(const Config& config, DecoderSpec& spec, const std::vector<bool>& slides) {
  const uint32_t window = config.find_count(keys::kWindow).value_or(0);
  for (size_t i = 0; i < spec.layers.size(); ++i)
    if (slides.empty() || slides[i]) spec.layers[i].attention.window = window;
}

void use_experts(const Config& config, DecoderSpec& spec, nn::MoeSpec kind) {
  kind.num_experts = config.count(keys::kExperts);
  kind.num_used = config.count(keys::kExpertsUsed);
  if (kind.num_used > kind.num_experts)
    config.refuse(fmt::format("{} experts cannot be chosen among {}", kind.num_used, kind.num_experts));
  for (LayerSpec& layer : spec.layers) {
    layer.moe = kind;
    layer.moe->activation = layer.mlp.activation;
    layer.moe->expert_width = config.find_count(keys::kExpertWidth).value_or(layer.mlp.width);
    if (kind.shared != nn::SharedExpert::kNone)
      layer.moe->shared_width = config.find_count(keys::kSharedExpertWidth).value_or(layer.mlp.width);
  }
}

void keep_dense_layers(const Config& config, DecoderSpec& spec) {
  const uint64_t step = config.uint_or({.hf = "decoder_sparse_step"}, 1, {1, limits::kMaxLayers});
  for (size_t i = 0; i < spec.layers.size(); ++i)
    if ((i + 1) % step != 0) spec.layers[i].moe.reset();
  for (const uint64_t i : config.uints({.hf = "mlp_only_layers"}, limits::kMaxLayers))
    if (i < spec.layers.size()) spec.layers[i].moe.reset();
}

WeightRules llama_weights() {
  return {
      {"embedding", "model.embed_tokens"},
      {"output_norm", "model.norm"},
      {"output", "lm_head"},
      {"layers.{i}.attention_norm", "model.layers.{i}.input_layernorm"},
      {"layers.{i}.mlp_norm", "model.layers.{i}.post_attention_layernorm"},
      {"layers.{i}.query", "model.layers.{i}.self_attn.q_proj"},
      {"layers.{i}.key", "model.layers.{i}.self_attn.k_proj"},
      {"layers.{i}.value", "model.layers.{i}.self_attn.v_proj"},
      {"layers.{i}.query_norm", "model.layers.{i}.self_attn.q_norm"},
      {"layers.{i}.key_norm", "model.layers.{i}.self_attn.k_norm"},
      {"layers.{i}.attention_output", "model.layers.{i}.self_attn.o_proj"},
      {"layers.{i}.gate", "model.layers.{i}.mlp.gate_proj"},
      {"layers.{i}.up", "model.layers.{i}.mlp.up_proj"},
      {"layers.{i}.down", "model.layers.{i}.mlp.down_proj"},
  };
}

WeightRules expert_weights() {
  return {
      {"layers.{i}.router", "model.layers.{i}.mlp.gate"},
      {"layers.{i}.experts.gate", "model.layers.{i}.mlp.experts.{e}.gate_proj.weight"},
      {"layers.{i}.experts.up", "model.layers.{i}.mlp.experts.{e}.up_proj.weight"},
      {"layers.{i}.experts.down", "model.layers.{i}.mlp.experts.{e}.down_proj.weight"},
  };
}

WeightRules fused_gate_up_weights() {
  return {
      {"layers.{i}.gate", "model.layers.{i}.mlp.gate_up_proj", Part::kFirstHalf},
      {"layers.{i}.up", "model.layers.{i}.mlp.gate_up_proj", Part::kSecondHalf},
  };
}

WeightRules with_norms_plus_one(WeightRules rules) {
  for (WeightRule& rule : rules)
    if (rule.to.ends_with("norm")) rule.plus = 1;
  return rules;
}

WeightRules gemma_sandwich_weights() {
  WeightRules rules = {
      {"layers.{i}.mlp_norm", "model.layers.{i}.pre_feedforward_layernorm"},
      {"layers.{i}.attention_post_norm", "model.layers.{i}.post_attention_layernorm"},
      {"layers.{i}.mlp_post_norm", "model.layers.{i}.post_feedforward_layernorm"},
  };
  return with_norms_plus_one(rules + llama_weights());
}

}  // namespace shenbi::models
