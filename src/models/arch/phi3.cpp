// Phi-3, Phi-3.5 mini and Phi-4 (Abdin et al. 2024, arXiv 2404.14219 and 2412.08905).
// Checkpoints: microsoft/Phi-3-mini-4k-instruct, Phi-3.5-mini-instruct, phi-4.
// Differs from Llama: [Q; K; V] and [gate; up] are fused; longrope in the 128k models; a window in the 4k one.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  use_window(config, spec);
  return spec;
}

Architecture phi3() {
  return {.gguf_names = {"phi3"},
          .model_types = {"phi3"},
          .read = read,
          .hub_weights = llama_weights() + fused_gate_up_weights() +
                         WeightRules{
                             {"layers.{i}.query", "model.layers.{i}.self_attn.qkv_proj", Part::kQuery},
                             {"layers.{i}.key", "model.layers.{i}.self_attn.qkv_proj", Part::kKey},
                             {"layers.{i}.value", "model.layers.{i}.self_attn.qkv_proj", Part::kValue},
                         }};
}

}  // namespace shenbi::models::arch
