#include "models/architecture.h"

#include <fmt/format.h>

#include <algorithm>

namespace shenbi::models {

std::pair<std::string_view, Architecture> find_architecture(const Config& config) {
  const std::string& name = config.architecture();
  for (const auto& [stem, make] : arch_registry()) {
    Architecture row = make();
    const auto& names = config.is_gguf() ? row.gguf_names : row.model_types;
    if (std::find(names.begin(), names.end(), name) != names.end()) return {stem, std::move(row)};
  }
  config.unsupported(name.empty() ? std::string("the file does not say which model family it is")
                                  : fmt::format("model family '{}' is not supported", name));
}

const WeightRules& gguf_weights() {
  static const WeightRules rules = {
      {"embedding", "token_embd"},
      {"position", "position_embd"},
      {"embedding_norm", "token_embd_norm"},
      {"output_norm", "output_norm"},
      {"output", "output"},
      {"layers.{i}.attention_norm", "blk.{i}.attn_norm"},
      {"layers.{i}.attention_post_norm", "blk.{i}.post_attention_norm"},
      {"layers.{i}.mlp_norm", "blk.{i}.ffn_norm"},
      {"layers.{i}.mlp_norm", "blk.{i}.attn_norm_2"},
      {"layers.{i}.mlp_post_norm", "blk.{i}.post_ffw_norm"},
      {"layers.{i}.query", "blk.{i}.attn_q"},
      {"layers.{i}.key", "blk.{i}.attn_k"},
      {"layers.{i}.value", "blk.{i}.attn_v"},
      {"layers.{i}.query", "blk.{i}.attn_qkv", Part::kQuery},
      {"layers.{i}.key", "blk.{i}.attn_qkv", Part::kKey},
      {"layers.{i}.value", "blk.{i}.attn_qkv", Part::kValue},
      {"layers.{i}.query_norm", "blk.{i}.attn_q_norm"},
      {"layers.{i}.key_norm", "blk.{i}.attn_k_norm"},
      {"layers.{i}.attention_output", "blk.{i}.attn_output"},
      {"layers.{i}.gate", "blk.{i}.ffn_gate"},
      {"layers.{i}.gate", "blk.{i}.ffn_up", Part::kFirstHalf},  // fused [gate; up] where there is no gate
      {"layers.{i}.up", "blk.{i}.ffn_up"},
      {"layers.{i}.up", "blk.{i}.ffn_up", Part::kSecondHalf},
      {"layers.{i}.down", "blk.{i}.ffn_down"},
      {"layers.{i}.router", "blk.{i}.ffn_gate_inp"},
      {"layers.{i}.experts.gate", "blk.{i}.ffn_gate_exps.weight"},
      {"layers.{i}.experts.up", "blk.{i}.ffn_up_exps.weight"},
      {"layers.{i}.experts.down", "blk.{i}.ffn_down_exps.weight"},
      {"layers.{i}.experts.gate", "blk.{i}.ffn_gate.{e}.weight"},  // Mixtral files of early 2024
      {"layers.{i}.experts.up", "blk.{i}.ffn_up.{e}.weight"},
      {"layers.{i}.experts.down", "blk.{i}.ffn_down.{e}.weight"},
      {"layers.{i}.shared_expert.gate", "blk.{i}.ffn_gate_shexp"},
      {"layers.{i}.shared_expert.up", "blk.{i}.ffn_up_shexp"},
      {"layers.{i}.shared_expert.down", "blk.{i}.ffn_down_shexp"},
      {"layers.{i}.shared_expert_gate", "blk.{i}.ffn_gate_inp_shexp"},
  };
  return rules;
}

WeightRules operator+(WeightRules rules, const WeightRules& more) {
  rules.insert(rules.end(), more.begin(), more.end());
  return rules;
}

}  // namespace shenbi::models
