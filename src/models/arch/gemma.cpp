// Gemma 1 (Mesnard et al. 2024, arXiv 2403.08295).
// Checkpoints: google/gemma-2b, gemma-7b.
// Differs from Llama: embeddings times sqrt(d); norm weights are stored minus one in hub files (GGUF has them whole);
// GELU tanh, whatever early configs call it; head_dim 256; tied head.

#include <cmath>

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config);
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.embedding_size));
  for (LayerSpec& layer : spec.layers) layer.mlp.activation = nn::Activation::kGeluTanh;
  return spec;
}

Architecture gemma() {
  return {.gguf_names = {"gemma"},
          .model_types = {"gemma"},
          .read = read,
          .hub_weights = with_norms_plus_one(llama_weights())};
}

}  // namespace shenbi::models::arch
