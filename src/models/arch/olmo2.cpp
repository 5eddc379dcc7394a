// OLMo 2 (Walsh et al. 2025, arXiv 2501.00656).
// Checkpoints: allenai/OLMo-2-0425-1B, OLMo-2-1124-7B.
// Differs from Llama: norms stand after each block instead of before; queries and keys are RMS-normalised over their
// full width.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  spec.norm_place = NormPlace::kOut;
  for (LayerSpec& layer : spec.layers) layer.attention.qk_norm = nn::QkNorm::kFullWidth;
  return spec;
}

Architecture olmo2() {
  return {.gguf_names = {"olmo2"},
          .model_types = {"olmo2"},
          .read = read,
          .hub_weights =
              llama_weights() + WeightRules{
                                    {"layers.{i}.attention_post_norm", "model.layers.{i}.post_attention_layernorm"},
                                    {"layers.{i}.mlp_post_norm", "model.layers.{i}.post_feedforward_layernorm"},
                                }};
}

}  // namespace shenbi::models::arch
