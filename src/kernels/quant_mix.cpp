#include "kernels/quant_mix.h"

#include <strings.h>

#include <algorithm>
#include <initializer_list>

#include "kernels/quant_type.h"

namespace shenbi::kernels {
namespace {

constexpr QuantMix kMixes[] = {
    {"F32", 0, "F32"},      {"BF16", 32, "BF16"},     {"F16", 1, "F16"},        {"Q8_0", 7, "Q8_0"},
    {"Q6_K", 18, "Q6_K"},   {"Q5_1", 9, "Q5_1"},      {"Q5_K_M", 17, "Q5_K"},   {"Q5_K_S", 16, "Q5_K"},
    {"Q5_0", 8, "Q5_0"},    {"Q4_1", 3, "Q4_1"},      {"Q4_K_M", 15, "Q4_K"},   {"Q4_K_S", 14, "Q4_K"},
    {"Q4_0", 2, "Q4_0"},    {"IQ4_NL", 25, "IQ4_NL"}, {"IQ4_XS", 30, "IQ4_XS"}, {"MXFP4_MOE", 38, "MXFP4"},
    {"Q3_K_L", 13, "Q3_K"}, {"Q3_K_M", 12, "Q3_K"},   {"Q3_K_S", 11, "Q3_K"},   {"Q2_K", 10, "Q2_K"},
    {"Q2_K_S", 21, "Q2_K"}, {"Q2_0", 41, "Q2_0"},     {"TQ2_0", 37, "TQ2_0"},   {"TQ1_0", 36, "TQ1_0"},
};

enum class Role { kOther, kEmbedding, kOutput, kQuery, kKey, kValue, kAttentionOutput, kDown };

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return has(text, part); });
}

/// Fused query-key-value and the latent key-value projection count as values: they are as sensitive.
Role role_of(std::string_view name) {
  if (name == "output.weight") return Role::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight" || name == "embedding.weight") {
    return Role::kEmbedding;
  }
  if (has_any(name, {"attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight", ".value.weight"})) return Role::kValue;
  if (has_any(name, {"attn_k.weight", ".key.weight"})) return Role::kKey;
  if (has_any(name, {"attn_q.weight", ".query.weight"})) return Role::kQuery;
  if (has_any(name, {"attn_output.weight", ".attention_output.weight"})) return Role::kAttentionOutput;
  if (has_any(name, {"ffn_down", ".down.weight", ".experts.down"})) return Role::kDown;
  return Role::kOther;
}

/// The number after "blk." or "layers.", or 0.
uint32_t layer_of(std::string_view name) {
  for (const std::string_view prefix : {"blk.", "layers."}) {
    if (!name.starts_with(prefix)) continue;
    uint32_t layer = 0;
    for (const char c : name.substr(prefix.size())) {
      if (c < '0' || c > '9' || layer > 100'000) break;
      layer = layer * 10 + static_cast<uint32_t>(c - '0');
    }
    return layer;
  }
  return 0;
}

/// Small tensors that are used with full precision: vectors and everything that is not the weight of a large product.
bool stays_f32(const MixTensor& tensor) {
  const auto is_large = [](uint64_t size) { return size > 1; };
  const auto first = std::find_if(tensor.shape.begin(), tensor.shape.end(), is_large);
  if (tensor.shape.end() - first < 2) return true;
  const bool is_experts = has(tensor.name, ".experts.");  // canonical names of stacked experts have no suffix
  if (!tensor.name.ends_with("weight") && !is_experts) return true;
  return has_any(tensor.name,
                 {"_norm.weight", "ffn_gate_inp.weight", "router.weight", "ffn_gate_tid2eid.weight", "altup", "laurel",
                  "per_layer_model_proj", "position_embd.weight", "position.weight", "token_types.weight", "ssm_conv1d",
                  "shortconv.conv.weight", "time_mix_", "attn_rel_b.weight", ".position_embd", ".rel_pos",
                  ".patch_embd", "indexer.k_proj.weight", "indexer.q_proj.weight"});
}

/// The first and the last eighth of the layers and every third between: where a coarse tensor hurts most.
bool is_sensitive(uint32_t layer, uint32_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

/// Everything the rules need, in one hand.
struct Question {
  std::string_view mix, base;
  const MixTensor& tensor;
  const MixModel& model;
  uint32_t layer;

  bool is(std::initializer_list<std::string_view> mixes) const {
    return std::find(mixes.begin(), mixes.end(), mix) != mixes.end();
  }
  bool falcon() const { return model.architecture == "falcon"; }
  uint64_t columns() const { return tensor.shape.back(); }
  /// Query heads that share a key-value head.
  uint32_t sharing() const { return model.num_kv_heads ? model.num_heads / model.num_kv_heads : 1; }
};

std::string_view for_output(const Question& ask) {
  if (ask.is({"MXFP4_MOE"})) return "Q8_0";
  const QuantType* base = find_quant_type(ask.base);
  if (ask.falcon() || ask.columns() % base->block_elements != 0) return "Q8_0";
  return ask.base == "Q8_0" ? "Q8_0" : "Q6_K";
}

std::string_view for_embedding(const Question& ask) { return ask.is({"TQ1_0", "TQ2_0", "Q2_0"}) ? "Q4_K" : ask.base; }

std::string_view for_value(const Question& ask) {
  const bool shared = ask.sharing() >= 4;
  std::string_view type = ask.base;
  if (ask.is({"Q2_K"})) {
    type = shared ? "Q4_K" : "Q3_K";
  } else if (ask.is({"Q2_K_S"}) && shared) {
    type = "Q4_K";
  } else if (ask.is({"Q3_K_M"})) {
    type = ask.layer < 2 ? "Q5_K" : "Q4_K";
  } else if (ask.is({"Q3_K_L"})) {
    type = "Q5_K";
  } else if (ask.is({"IQ4_NL", "IQ4_XS"}) && shared) {
    type = "Q5_K";
  } else if (ask.is({"Q4_K_M", "Q5_K_M"}) && is_sensitive(ask.layer, ask.model.num_layers)) {
    type = "Q6_K";
  } else if (ask.is({"Q4_K_S"}) && ask.layer < 4) {
    type = "Q5_K";
  }
  // Llama 70B: eight query heads share a value head, so the matrix is small and more bits are nearly free.
  const bool is_70b = ask.model.architecture == "llama" && ask.model.num_layers == 80 && ask.sharing() > 1;
  if (is_70b && (type == "Q3_K" || type == "Q4_K")) type = "Q5_K";
  return ask.model.num_experts == 8 ? "Q8_0" : type;
}

std::string_view for_down(const Question& ask) {
  const uint32_t layer = ask.layer, layers = ask.model.num_layers;
  const bool sensitive = is_sensitive(layer, layers), first_eighth = layer < layers / 8,
             first_16th = layer < layers / 16;
  if (ask.is({"Q2_K"})) return "Q3_K";
  if (ask.is({"Q2_K_S"})) return first_eighth ? "Q4_K" : ask.base;
  if (ask.is({"Q3_K_M"})) return first_16th ? "Q5_K" : !ask.falcon() || sensitive ? "Q4_K" : "Q3_K";
  if (ask.is({"Q3_K_L"})) return ask.falcon() ? "Q4_K" : "Q5_K";
  if (ask.is({"Q4_K_M"}) && ask.falcon()) return first_16th ? "Q6_K" : sensitive ? "Q5_K" : "Q4_K";
  if (ask.is({"Q4_K_M", "Q5_K_M"})) return sensitive ? "Q6_K" : ask.base;
  if (ask.is({"IQ4_NL", "IQ4_XS"})) return first_eighth && !ask.model.has_importance ? "Q5_K" : ask.base;
  if (ask.is({"Q4_K_S"})) return first_eighth && !ask.falcon() ? "Q5_K" : ask.base;
  // With importance the one-scale types can go astray in the first layers; a minimum guards against it.
  if (ask.is({"Q4_0"})) return first_eighth && ask.model.has_importance ? "Q4_1" : ask.base;
  if (ask.is({"Q5_0"})) return first_eighth && ask.model.has_importance ? "Q5_1" : ask.base;
  return ask.base;
}

std::string_view for_attention_output(const Question& ask) {
  if (ask.falcon()) return ask.is({"Q3_K_L"}) ? "Q4_K" : ask.base;
  if (ask.model.num_experts == 8) {
    return ask.is({"Q2_K", "Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K_M", "IQ4_NL", "IQ4_XS"}) ? "Q5_K" : ask.base;
  }
  if (ask.is({"Q2_K"})) return "Q3_K";
  if (ask.is({"Q3_K_M"})) return "Q4_K";
  if (ask.is({"Q3_K_L"})) return "Q5_K";
  return ask.base;
}

std::string_view by_role(const Question& ask) {
  const Role role = role_of(ask.tensor.name);
  if (role == Role::kOutput || (role == Role::kEmbedding && ask.model.tied_output)) return for_output(ask);
  if (ask.is({"MXFP4_MOE"})) return ask.tensor.shape.size() > 2 && ask.tensor.shape.front() > 1 ? "MXFP4" : "Q8_0";
  switch (role) {
    case Role::kEmbedding:
      return for_embedding(ask);
    case Role::kValue:
      return for_value(ask);
    case Role::kKey:
      return ask.model.num_experts == 8 ? "Q8_0" : ask.base;
    case Role::kDown:
      return for_down(ask);
    case Role::kAttentionOutput:
      return for_attention_output(ask);
    default:
      return ask.base;
  }
}

/// A type of blocks of 32 near in size where blocks of 256 do not fit; F16 where 32 do not fit either.
std::string_view fit_columns(std::string_view type, uint64_t columns) {
  const auto fits = [&](std::string_view name) { return columns % find_quant_type(name)->block_elements == 0; };
  if (fits(type)) return type;
  std::string_view instead = "Q4_0";
  if (type == "IQ4_XS") instead = "IQ4_NL";
  if (type == "Q4_K") instead = "Q5_0";
  if (type == "Q5_K") instead = "Q5_1";
  if (type == "Q6_K") instead = "Q8_0";
  return fits(instead) ? instead : "F16";
}

}  // namespace

std::span<const QuantMix> quant_mixes() noexcept { return kMixes; }

const QuantMix* find_quant_mix(std::string_view name) noexcept {
  for (const QuantMix& mix : kMixes) {
    if (mix.name.size() == name.size() && ::strncasecmp(mix.name.data(), name.data(), name.size()) == 0) return &mix;
  }
  return nullptr;
}

std::string_view choose_type(const QuantMix& mix, const MixTensor& tensor, const MixModel& model) noexcept {
  if (stays_f32(tensor)) return "F32";
  if (mix.base == "F32" || mix.base == "F16" || mix.base == "BF16") return mix.base;
  const Question ask{mix.name, mix.base, tensor, model, layer_of(tensor.name)};
  return fit_columns(by_role(ask), tensor.shape.back());
}

}  // namespace shenbi::kernels
