// Qwen 1.5, 2, 2.5 and QwQ, dense (Yang et al. 2024, arXiv 2407.10671 and 2412.15115).
// Checkpoints: Qwen/Qwen2.5-0.5B ... 72B, QwQ-32B, DeepSeek-R1-Distill-Qwen-*.
// Differs from Llama: query, key and value have biases (their presence says so). Some configs switch windows on for the
// layers from max_window_layers.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  if (config.flag_or({.hf = "use_sliding_window"}, false)) {
    const uint64_t first = config.uint_or({.hf = "max_window_layers"}, 0);
    std::vector<bool> slides;
    for (size_t i = 0; i < spec.layers.size(); ++i) slides.push_back(i >= first);
    use_window(config, spec, slides);
  }
  return spec;
}

Architecture qwen2() {
  return {.gguf_names = {"qwen2"}, .model_types = {"qwen2"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
