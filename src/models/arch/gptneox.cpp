// GPT-NeoX (Black et al. 2022, arXiv 2204.06745) and Pythia (Biderman et al. 2023, arXiv 2304.01373).
// Checkpoints: EleutherAI/gpt-neox-20b, pythia-70m ... 12b; databricks/dolly-v2-*; stabilityai/stablelm-base-alpha-*.
// Differs from Llama: LayerNorm, biases, plain MLP with GELU erf; attention and MLP in parallel, each with its own norm
// (a flag turns that off); RoPE on a quarter of the dims; hub files fuse [q, k, v] head by head.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config);
  use_rope(config, spec, nn::RopeOrder::kHalf, 0.25);
  use_layer_norm(config, spec);
  if (config.flag_or(keys::kParallelResidual, true)) spec.residual = Residual::kParallelTwoNorms;
  for (LayerSpec& layer : spec.layers) {
    layer.mlp.gated = false;
    if (config.is_gguf()) layer.mlp.activation = nn::Activation::kGeluErf;
  }
  return spec;
}

Architecture gptneox() {
  return {.gguf_names = {"gptneox"},
          .model_types = {"gpt_neox"},
          .read = read,
          .hub_weights = {
              {"embedding", "gpt_neox.embed_in"},
              {"output_norm", "gpt_neox.final_layer_norm"},
              {"output", "embed_out"},
              {"layers.{i}.attention_norm", "gpt_neox.layers.{i}.input_layernorm"},
              {"layers.{i}.mlp_norm", "gpt_neox.layers.{i}.post_attention_layernorm"},
              {"layers.{i}.query", "gpt_neox.layers.{i}.attention.query_key_value", Part::kHeadQuery},
              {"layers.{i}.key", "gpt_neox.layers.{i}.attention.query_key_value", Part::kHeadKey},
              {"layers.{i}.value", "gpt_neox.layers.{i}.attention.query_key_value", Part::kHeadValue},
              {"layers.{i}.attention_output", "gpt_neox.layers.{i}.attention.dense"},
              {"layers.{i}.up", "gpt_neox.layers.{i}.mlp.dense_h_to_4h"},
              {"layers.{i}.down", "gpt_neox.layers.{i}.mlp.dense_4h_to_h"},
          }};
}

}  // namespace shenbi::models::arch
