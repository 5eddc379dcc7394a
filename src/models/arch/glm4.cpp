// GLM-4-0414 and GLM-Z1 (THUDM 2025).
// Checkpoints: THUDM/GLM-4-9B-0414, GLM-4-32B-0414, GLM-Z1-9B-0414.
// Differs from glm.cpp: a norm after each block too, with names that mislead: post_attention_layernorm stands before
// the MLP.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config);
  use_rope(config, spec, nn::RopeOrder::kAdjacent, 0.5);
  spec.norm_place = NormPlace::kSandwich;
  return spec;
}

Architecture glm4() {
  return {.gguf_names = {"glm4"},
          .model_types = {"glm4"},
          .read = read,
          .hub_weights = llama_weights() + fused_gate_up_weights() +
                         WeightRules{
                             {"layers.{i}.attention_post_norm", "model.layers.{i}.post_self_attn_layernorm"},
                             {"layers.{i}.mlp_post_norm", "model.layers.{i}.post_mlp_layernorm"},
                         }};
}

}  // namespace shenbi::models::arch
