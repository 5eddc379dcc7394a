// ChatGLM2, ChatGLM3 and glm-4-9b as their own code names things (Zeng et al. 2024, arXiv 2406.12793).
// Checkpoints: THUDM/chatglm2-6b, chatglm3-6b, glm-4-9b, glm-4-9b-chat (remote code). GGUF files of GlmForCausalLM have
// this name too. Differs from Llama: query, key and value are one matrix [Q; K; V] with a bias; gate and up are one
// [gate; up]; RoPE turns adjacent pairs of the first half of each head, base 10 000 * rope_ratio; few key-value heads
// (multi_query_group_num). ChatGLM-6B of the first generation has the same model_type and is another model.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  if (config.has({.hf = "position_encoding_2d|inner_hidden_size"}))
    config.unsupported("ChatGLM-6B of the first generation is not supported");
  if (config.flag_or({.hf = "apply_residual_connection_post_layernorm"}, false))
    config.unsupported("apply_residual_connection_post_layernorm is not supported");
  DecoderSpec spec = plain_block(config);
  if (!config.flag_or({.hf = "rmsnorm"}, true)) use_layer_norm(config, spec);
  if (config.flag_or({.hf = "multi_query_attention"}, false)) {
    const auto groups = static_cast<uint32_t>(config.uint({.hf = "multi_query_group_num"}, {1, limits::kMaxHeads}));
    for (LayerSpec& layer : spec.layers) {
      if (layer.attention.num_heads % groups != 0)
        config.refuse("multi_query_group_num does not divide num_attention_heads");
      layer.attention.num_kv_heads = groups;
    }
  }
  nn::RopeConfig rope = config.rope(config.rope_dims(spec.layers.front().attention.head_dim, 0.5));
  rope.theta *= config.real_or({.hf = "rope_ratio"}, 1.0, {1e-3, 1e6});
  const nn::RopeSpec turned = nn::make_rope(rope, nn::RopeOrder::kAdjacent);
  for (LayerSpec& layer : spec.layers) layer.attention.rope = turned;
  return spec;
}

Architecture chatglm() {
  return {.gguf_names = {"chatglm"},
          .model_types = {"chatglm"},
          .read = read,
          .hub_weights = {
              {"embedding", "transformer.embedding.word_embeddings"},
              {"output_norm", "transformer.encoder.final_layernorm"},
              {"output", "transformer.output_layer"},
              {"layers.{i}.attention_norm", "transformer.encoder.layers.{i}.input_layernorm"},
              {"layers.{i}.mlp_norm", "transformer.encoder.layers.{i}.post_attention_layernorm"},
              {"layers.{i}.query", "transformer.encoder.layers.{i}.self_attention.query_key_value", Part::kQuery},
              {"layers.{i}.key", "transformer.encoder.layers.{i}.self_attention.query_key_value", Part::kKey},
              {"layers.{i}.value", "transformer.encoder.layers.{i}.self_attention.query_key_value", Part::kValue},
              {"layers.{i}.attention_output", "transformer.encoder.layers.{i}.self_attention.dense"},
              {"layers.{i}.gate", "transformer.encoder.layers.{i}.mlp.dense_h_to_4h", Part::kFirstHalf},
              {"layers.{i}.up", "transformer.encoder.layers.{i}.mlp.dense_h_to_4h", Part::kSecondHalf},
              {"layers.{i}.down", "transformer.encoder.layers.{i}.mlp.dense_4h_to_h"},
          }};
}

}  // namespace shenbi::models::arch
