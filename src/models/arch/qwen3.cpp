// Qwen 3, dense (Yang et al. 2025, arXiv 2505.09388).
// Checkpoints: Qwen/Qwen3-0.6B ... 32B.
// Differs from Qwen 2: no biases; queries and keys are RMS-normalised head by head before RoPE; head_dim is always
// written.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  for (LayerSpec& layer : spec.layers) layer.attention.qk_norm = nn::QkNorm::kPerHead;
  return spec;
}

Architecture qwen3() {
  return {.gguf_names = {"qwen3"}, .model_types = {"qwen3"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
