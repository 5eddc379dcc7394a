// Gemma 2 (Riviere et al. 2024, arXiv 2408.00118).
// Checkpoints: google/gemma-2-2b, 9b, 27b.
// Differs from Gemma 1: a norm after each block too; even layers see a window; scores and logits are soft-capped;
// scores are scaled by query_pre_attn_scalar^-1/2. GGUF has no key for that scalar: it is head_dim, except d / heads in
// the 27B model.

#include <cmath>

#include "models/architecture.h"

namespace shenbi::models::arch {

static constexpr size_t kLayersOf27B = 46;

static float score_scale(const Config& config, const DecoderSpec& spec) {
  const nn::AttentionSpec& attention = spec.layers.front().attention;
  double scalar = attention.head_dim;
  if (config.is_gguf() && spec.layers.size() == kLayersOf27B) scalar = spec.embedding_size / attention.num_heads;
  return static_cast<float>(1.0 / std::sqrt(config.real_or({.hf = "query_pre_attn_scalar"}, scalar, {1, 1e6})));
}

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  spec.norm_place = NormPlace::kSandwich;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.embedding_size));
  spec.logit_softcap = static_cast<float>(config.real_or(keys::kLogitSoftcap, 30.0, {0, 1e6}));
  const float scale = score_scale(config, spec);
  const auto softcap = static_cast<float>(config.real_or(keys::kAttentionSoftcap, 50.0, {0, 1e6}));
  std::vector<bool> slides;
  for (LayerSpec& layer : spec.layers) {
    slides.push_back(slides.size() % 2 == 0);
    layer.mlp.activation = nn::Activation::kGeluTanh;
    layer.attention.scale = scale;
    layer.attention.softcap = softcap;
  }
  use_window(config, spec, slides);
  return spec;
}

Architecture gemma2() {
  return {.gguf_names = {"gemma2"}, .model_types = {"gemma2"}, .read = read, .hub_weights = gemma_sandwich_weights()};
}

}  // namespace shenbi::models::arch
