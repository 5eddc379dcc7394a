// Llama 1, 2, 3, 3.1, 3.2 (Touvron et al. 2023, arXiv 2302.13971 and 2307.09288; arXiv 2407.21783).
// Checkpoints: meta-llama/Llama-2-7b-hf, Llama-3.1-8B, Llama-3.2-1B; Yi, Vicuna, Code Llama, DeepSeek-LLM, TinyLlama,
// ... The block itself: nothing differs. GGUF files of this name also hold Mistral and Mixtral; their rows are
// reordered so that rotary pairs are adjacent. Llama 3.1's frequency scaling is a rope_scaling entry, or the tensor
// rope_freqs in GGUF.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config, nn::RopeOrder::kAdjacent);
  if (config.is_gguf() && config.find_count(keys::kExperts)) use_experts(config, spec, {});
  return spec;
}

Architecture llama() {
  return {.gguf_names = {"llama"}, .model_types = {"llama"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
