// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners").
// Checkpoints: openai-community/gpt2, gpt2-medium, gpt2-large, gpt2-xl; distilgpt2.
// Differs from Llama: LayerNorm, biases everywhere, learned positions, plain MLP of 4d with GELU tanh, tied head. Hub
// files store linear weights [in, out] and query, key and value as one.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  DecoderSpec spec = plain_block(config);
  use_layer_norm(config, spec);
  spec.learned_positions = true;
  for (LayerSpec& layer : spec.layers) {
    layer.mlp.gated = false;
    if (config.is_gguf()) layer.mlp.activation = nn::Activation::kGeluTanh;
  }
  return spec;
}

Architecture gpt2() {
  return {.gguf_names = {"gpt2"},
          .model_types = {"gpt2"},
          .read = read,
          .hub_weights = {
              {"embedding", "transformer.wte"},
              {"position", "transformer.wpe"},
              {"output_norm", "transformer.ln_f"},
              {"output", "lm_head"},
              {"layers.{i}.attention_norm", "transformer.h.{i}.ln_1"},
              {"layers.{i}.mlp_norm", "transformer.h.{i}.ln_2"},
              {"layers.{i}.query", "transformer.h.{i}.attn.c_attn", Part::kQuery, true},
              {"layers.{i}.key", "transformer.h.{i}.attn.c_attn", Part::kKey, true},
              {"layers.{i}.value", "transformer.h.{i}.attn.c_attn", Part::kValue, true},
              {"layers.{i}.attention_output", "transformer.h.{i}.attn.c_proj", Part::kAll, true},
              {"layers.{i}.up", "transformer.h.{i}.mlp.c_fc", Part::kAll, true},
              {"layers.{i}.down", "transformer.h.{i}.mlp.c_proj", Part::kAll, true},
          }};
}

}  // namespace shenbi::models::arch
