// GLM-4-9B and GLM-Edge as transformers names things (Zeng et al. 2024, arXiv 2406.12793).
// Checkpoints: THUDM/glm-4-9b-chat-hf, glm-edge-1.5b-chat. GGUF files call themselves chatglm.
// The same model as chatglm.cpp under other names: query, key and value apart, gate and up still fused.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config);
  use_rope(config, spec, nn::RopeOrder::kAdjacent, 0.5);
  return spec;
}

Architecture glm() {
  return {
      .gguf_names = {}, .model_types = {"glm"}, .read = read, .hub_weights = llama_weights() + fused_gate_up_weights()};
}

}  // namespace shenbi::models::arch
