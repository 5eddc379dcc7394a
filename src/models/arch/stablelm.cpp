// StableLM 3B-4E1T and StableLM 2 (Bellagente et al. 2024, arXiv 2402.17834).
// Checkpoints: stabilityai/stablelm-3b-4e1t, stablelm-2-1_6b.
// Differs from Llama: LayerNorm, RoPE on a quarter of the dims, biases of query, key and value in 1.6B. The 12B model
// puts attention and MLP in parallel behind one norm (GGUF: there is no ffn_norm) and has a norm of its own for each
// head, which is not supported.

#include "models/architecture.h"

namespace shenbi::models::arch {

static DecoderSpec read(const Config& config) {
  if (config.flag_or({.hf = "qk_layernorm"}, false) || config.checkpoint().find("blk.0.attn_q_norm.weight"))
    config.unsupported("StableLM with qk_layernorm is not supported");
  DecoderSpec spec = plain_block(config);
  use_rope(config, spec, nn::RopeOrder::kHalf, 0.25);
  use_layer_norm(config, spec);
  const bool parallel = config.is_gguf() ? config.checkpoint().find("blk.0.ffn_norm.weight") == nullptr
                                         : config.flag_or(keys::kParallelResidual, false);
  if (parallel) spec.residual = Residual::kParallelOneNorm;
  return spec;
}

Architecture stablelm() {
  return {.gguf_names = {"stablelm"}, .model_types = {"stablelm"}, .read = read, .hub_weights = llama_weights()};
}

}  // namespace shenbi::models::arch
