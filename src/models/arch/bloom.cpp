// BLOOM (Le Scao et al. 2022, arXiv 2211.05100).
// Checkpoints: bigscience/bloom-560m ... 176B, bloomz-*.
// Differs from GPT-2: ALiBi instead of learned positions (Press et al. 2021, arXiv 2108.12409), a LayerNorm on the
// embeddings, [q, k, v] fused head by head. Trained on 2048 positions, which most configs do not say.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config, {.context = 2048});
  use_layer_norm(config, spec);
  if (config.flag_or({.hf = "apply_residual_connection_post_layernorm"}, false))
    config.unsupported("apply_residual_connection_post_layernorm is not supported");
  for (LayerSpec& layer : spec.layers) {
    layer.attention.alibi = true;
    layer.mlp.gated = false;
    layer.mlp.activation = nn::Activation::kGeluTanh;
  }
  return spec;
}

Architecture bloom() {
  return {.gguf_names = {"bloom"},
          .model_types = {"bloom"},
          .read = read,
          .hub_weights = {
              {"embedding", "transformer.word_embeddings"},
              {"embedding_norm", "transformer.word_embeddings_layernorm"},
              {"output_norm", "transformer.ln_f"},
              {"output", "lm_head"},
              {"layers.{i}.attention_norm", "transformer.h.{i}.input_layernorm"},
              {"layers.{i}.mlp_norm", "transformer.h.{i}.post_attention_layernorm"},
              {"layers.{i}.query", "transformer.h.{i}.self_attention.query_key_value", Part::kHeadQuery},
              {"layers.{i}.key", "transformer.h.{i}.self_attention.query_key_value", Part::kHeadKey},
              {"layers.{i}.value", "transformer.h.{i}.self_attention.query_key_value", Part::kHeadValue},
              {"layers.{i}.attention_output", "transformer.h.{i}.self_attention.dense"},
              {"layers.{i}.up", "transformer.h.{i}.mlp.dense_h_to_4h"},
              {"layers.{i}.down", "transformer.h.{i}.mlp.dense_4h_to_h"},
          }};
}

}  // namespace shenbi::models::arch
