// Gemma 3, its decoder (Kamath et al. 2025, arXiv 2503.19786).
// Checkpoints: google/gemma-3-270m, 1b-pt, 4b-pt, 12b-pt, 27b-pt (from 4B on with images: the decoder is in
// text_config). Differs from Gemma 2: queries and keys are normalised head by head; no soft caps; five layers with a
// window, then one without; windowed layers turn with base 10 000, the others with 1 000 000 and (4B on) positions
// divided by 8. Configs of the larger models leave out what equals the defaults of the original code. GGUF:
// query_pre_attn_scalar is head_dim, in 27B d / heads.

#include <cmath>

#include "models/architecture.h"

namespace shenbi::models::arch {

static constexpr size_t kLayersOf27B = 62;
static constexpr Defaults kDefaults{
    .heads = 8, .kv_heads = 4, .head_dim = 256, .vocabulary = 262208, .context = 131072};

static std::vector<bool> sliding(const Config& config, size_t layers) {
  std::vector<bool> slides = config.sliding_layers(static_cast<uint32_t>(layers));
  const uint64_t period =
      config.uint_or({.hf = "sliding_window_pattern|_sliding_window_pattern"}, 6, {1, limits::kMaxLayers});
  for (size_t i = slides.size(); i < layers; ++i) slides.push_back((i + 1) % period != 0);
  return slides;
}

static nn::RopeSpec local_rope(const Config& config, uint32_t dims) {
  nn::RopeConfig rope{
      .dims = dims,
      .theta = config.real_or(
          {"{arch}.rope.freq_base_swa", "rope_parameters.sliding_attention.rope_theta|rope_local_base_freq"}, 10000.0)};
  return nn::make_rope(rope, nn::RopeOrder::kHalf);
}

static float score_scale(const Config& config, const DecoderSpec& spec) {
  const nn::AttentionSpec& attention = spec.layers.front().attention;
  double scalar = config.is_gguf() ? attention.head_dim : 256;
  if (config.is_gguf() && spec.layers.size() == kLayersOf27B) scalar = spec.embedding_size / attention.num_heads;
  return static_cast<float>(1.0 / std::sqrt(config.real_or({.hf = "query_pre_attn_scalar"}, scalar, {1, 1e6})));
}

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config, config.is_gguf() ? Defaults{} : kDefaults);
  spec.norm_place = NormPlace::kSandwich;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.embedding_size));
  spec.logit_softcap = static_cast<float>(config.real_or(keys::kLogitSoftcap, 0.0, {0, 1e6}));
  const float scale = score_scale(config, spec);
  const uint32_t dim = spec.layers.front().attention.head_dim;
  const nn::RopeSpec global = nn::make_rope(config.rope(dim, 1e6), nn::RopeOrder::kHalf),
                     local = local_rope(config, dim);
  const std::vector<bool> slides = sliding(config, spec.layers.size());
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.mlp.activation = nn::Activation::kGeluTanh;
    layer.attention.scale = scale;
    layer.attention.qk_norm = nn::QkNorm::kPerHead;
    layer.attention.rope = slides[i] ? local : global;
  }
  use_window(config, spec, slides);
  return spec;
}

Architecture gemma3() {
  return {
      .gguf_names = {"gemma3"}, .model_types = {"gemma3_text"}, .read = read, .hub_weights = gemma_sandwich_weights()};
}

}  // namespace shenbi::models::arch
