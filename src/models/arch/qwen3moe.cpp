// Qwen 3, mixture of experts (Yang et al. 2025, arXiv 2505.09388).
// Checkpoints: Qwen/Qwen3-30B-A3B, Qwen3-235B-A22B.
// Differs from Qwen 3: 128 experts, eight a token, chosen weights renormalised, no shared expert.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  for (LayerSpec& layer : spec.layers) layer.attention.qk_norm = nn::QkNorm::kPerHead;
  use_experts(config, spec, {.renormalise = config.flag_or({.hf = "norm_topk_prob"}, true)});
  keep_dense_layers(config, spec);
  return spec;
}

Architecture qwen3moe() {
  return {.gguf_names = {"qwen3moe"},
          .model_types = {"qwen3_moe"},
          .read = read,
          .hub_weights = llama_weights() + expert_weights()};
}

}  // namespace shenbi::models::arch
