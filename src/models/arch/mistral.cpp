// Mistral 7B and Nemo (Jiang et al. 2023, arXiv 2310.06825).
// Checkpoints: mistralai/Mistral-7B-v0.1, Mistral-Nemo-Base-2407. GGUF files call themselves llama.
// Differs from Llama: version 0.1 sees only the last 4096 positions in every layer; Nemo has head_dim 128 with 5120 /
// 32 = 160.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  use_window(config, spec);
  return spec;
}

Architecture mistral() {
  return {.gguf_names = {}, .model_types = {"mistral"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
