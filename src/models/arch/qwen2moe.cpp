// Qwen 1.5-MoE and Qwen2-57B-A14B (Yang et al. 2024, arXiv 2407.10671).
// Checkpoints: Qwen/Qwen1.5-MoE-A2.7B, Qwen/Qwen2-57B-A14B.
// Differs from Qwen 2: experts whose weights are not renormalised, and a shared expert times sigmoid of a gate.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  use_experts(
      config, spec,
      {.renormalise = config.flag_or({.hf = "norm_topk_prob"}, false), .shared = nn::SharedExpert::kSigmoidGated});
  keep_dense_layers(config, spec);
  return spec;
}

Architecture qwen2moe() {
  return {.gguf_names = {"qwen2moe"},
          .model_types = {"qwen2_moe"},
          .read = read,
          .hub_weights = llama_weights() + expert_weights() +
                         WeightRules{
                             {"layers.{i}.shared_expert.gate", "model.layers.{i}.mlp.shared_expert.gate_proj"},
                             {"layers.{i}.shared_expert.up", "model.layers.{i}.mlp.shared_expert.up_proj"},
                             {"layers.{i}.shared_expert.down", "model.layers.{i}.mlp.shared_expert.down_proj"},
                             {"layers.{i}.shared_expert_gate", "model.layers.{i}.mlp.shared_expert_gate"},
                         }};
}

}  // namespace shenbi::models::arch
