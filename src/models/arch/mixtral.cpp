// Mixtral 8x7B and 8x22B (Jiang et al. 2024, arXiv 2401.04088).
// Checkpoints: mistralai/Mixtral-8x7B-v0.1. GGUF files call themselves llama.
// Differs from Mistral: eight experts, two a token; softmax over all, the chosen two divided by their sum.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  use_window(config, spec);
  use_experts(config, spec, {.router = nn::RouterKind::kSoftmaxThenTopK, .renormalise = true});
  return spec;
}

Architecture mixtral() {
  return {.gguf_names = {},
          .model_types = {"mixtral"},
          .read = read,
          .hub_weights = llama_weights() +
                         WeightRules{
                             {"layers.{i}.router", "model.layers.{i}.block_sparse_moe.gate"},
                             {"layers.{i}.experts.gate", "model.layers.{i}.block_sparse_moe.experts.{e}.w1.weight"},
                             {"layers.{i}.experts.up", "model.layers.{i}.block_sparse_moe.experts.{e}.w3.weight"},
                             {"layers.{i}.experts.down", "model.layers.{i}.block_sparse_moe.experts.{e}.w2.weight"},
                         }};
}

}  // namespace shenbi::models::arch
