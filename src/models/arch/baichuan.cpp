// Baichuan and Baichuan 2, 7B and 13B (Yang et al. 2023, arXiv 2309.10305).
// Checkpoints: baichuan-inc/Baichuan-7B, Baichuan-13B-Base, Baichuan2-7B-Base, Baichuan2-13B-Chat.
// Differs from Llama: query, key and value are one matrix W_pack [Q; K; V]. The 7B models turn (GGUF rows reordered to
// adjacent pairs), the 13B models have ALiBi instead: hub configs of those have no max_position_embeddings, GGUF files
// have 40 layers. Baichuan 2 (told by its vocabulary, or by a training knob that only its configs have) divides each
// row of the head by its length; GGUF files hold the rows as they were.

#include "models/architecture.h"

namespace shenbi::models::arch {

static constexpr size_t kLayersOf7B = 32;
static constexpr uint32_t kVocabularyOf2 = 125696;

static bool turns(const Config& config, const DecoderSpec& spec) {
  return config.is_gguf() ? spec.layers.size() == kLayersOf7B : config.has({.hf = "max_position_embeddings"});
}

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config);
  if (turns(config, spec)) {
    use_rope(config, spec, config.is_gguf() ? nn::RopeOrder::kAdjacent : nn::RopeOrder::kHalf);
  } else {
    for (LayerSpec& layer : spec.layers) layer.attention.alibi = true;
  }
  spec.normalised_head = spec.vocab_size == kVocabularyOf2 || config.has({.hf = "z_loss_weight"});
  return spec;
}

Architecture baichuan() {
  return {.gguf_names = {"baichuan"},
          .model_types = {"baichuan"},
          .read = read,
          .hub_weights = llama_weights() + WeightRules{
                                               {"layers.{i}.query", "model.layers.{i}.self_attn.W_pack", Part::kQuery},
                                               {"layers.{i}.key", "model.layers.{i}.self_attn.W_pack", Part::kKey},
                                               {"layers.{i}.value", "model.layers.{i}.self_attn.W_pack", Part::kValue},
                                           }};
}

}  // namespace shenbi::models::arch
