// SmolLM3 (Hugging Face 2025).
// Checkpoints: HuggingFaceTB/SmolLM3-3B.
// Differs from Llama: every fourth layer has no positions (no_rope_layers says which: 0); tied head. GGUF rows are
// reordered to adjacent pairs and the rule of every fourth layer is not written.

#include <fmt/format.h>

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = llama_block(config, nn::RopeOrder::kAdjacent);
  const auto turns = config.uints({.hf = "no_rope_layers"}, limits::kMaxLayers, {0, 1});
  if (!turns.empty() && turns.size() != spec.layers.size())
    config.refuse(fmt::format("no_rope_layers has {} entries for {} layers", turns.size(), spec.layers.size()));
  for (size_t i = 0; i < spec.layers.size(); ++i)
    if (turns.empty() ? (i + 1) % 4 == 0 : turns[i] == 0) spec.layers[i].attention.rope.reset();
  return spec;
}

Architecture smollm3() {
  return {.gguf_names = {"smollm3"}, .model_types = {"smollm3"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
