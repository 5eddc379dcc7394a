#pragma once
// One row a model family, made by one file in models/arch/ (the folder is the registry): its names, how its config
// becomes a DecoderSpec, and where its parameters lie in a hub checkpoint. GGUF tensor names are the same for all
// families, so they are one table here (gguf_weights). See docs/add-a-model.md.

#include <string_view>
#include <utility>
#include <vector>

#include "formats/checkpoint.h"
#include "models/config.h"
#include "models/decoder_spec.h"

namespace shenbi::models {

/// Which rows of a stored matrix belong to a parameter.
enum class Part : uint8_t {
  kAll,
  kQuery,
  kKey,
  kValue,  ///< of [Q; K; V]
  kHeadQuery,
  kHeadKey,
  kHeadValue,  ///< of [q, k, v] head after head
  kFirstHalf,
  kSecondHalf,  ///< of [gate; up]
};

/// "The parameter `to` lies at `from`." Both may hold {i}, the layer; `from` may hold {e}, the expert, and then one
/// tensor an expert is stacked. Names without an ending stand for both .weight and .bias. Of several rules for one
/// parameter the first whose tensor exists counts.
struct WeightRule {
  std::string_view to;
  std::string_view from;
  Part part = Part::kAll;
  bool transposed = false;  ///< stored [in, out]
  float plus = 0;           ///< added to each number (Gemma's hub files store norm weights minus one)
};
using WeightRules = std::vector<WeightRule>;

struct Architecture {
  std::vector<std::string_view> gguf_names;  ///< general.architecture
  std::vector<std::string_view>
      model_types;  ///< model_type of config.json; "architectures" is not needed to tell them apart
  DecoderSpec (*read)(const Config& config) = nullptr;
  WeightRules hub_weights;
};

/// {file stem, function that returns the row}. Generated.
const std::vector<std::pair<std::string_view, Architecture (*)()>>& arch_registry();

/// The family of this checkpoint and its file stem. Throws Error{kUnsupported} naming what the file says it is.
std::pair<std::string_view, Architecture> find_architecture(const Config& config);

/// Where GGUF files of every family keep their parameters.
const WeightRules& gguf_weights();

// What many families share, to build `read` and `hub_weights` from.

/// What config.json may leave out because the original code had it as a default; 0: must be written.
struct Defaults {
  uint32_t heads = 0, kv_heads = 0, head_dim = 0, vocabulary = 0, context = 0;
};
/// Sizes, gated MLP, RMS norms before each block, no positions: the standard keys. A family then changes what is
/// different.
DecoderSpec plain_block(const Config& config, const Defaults& defaults = {});
/// The same RoPE in every layer. `default_fraction`: of the head's dims, where nothing is written.
void use_rope(const Config& config, DecoderSpec& spec, nn::RopeOrder order, double default_fraction = 1.0);
/// The Llama block: plain_block with RoPE on all dims, half-split. Converters to GGUF reorder the query and key rows of
/// some families so that pairs are adjacent: those say so in `gguf_order`.
DecoderSpec llama_block(const Config& config, nn::RopeOrder gguf_order = nn::RopeOrder::kHalf);
/// The LayerNorm of GPT-2 and its kin instead of RMS.
void use_layer_norm(const Config& config, DecoderSpec& spec);
/// Sliding windows: in all layers, or in those that `slides` names.
void use_window(const Config& config, DecoderSpec& spec, const std::vector<bool>& slides = {});
/// Replaces the MLPs by mixtures of experts as expert_count and expert_used_count say.
void use_experts(const Config& config, DecoderSpec& spec, nn::MoeSpec kind);
/// Gives back the plain MLP to layers that decoder_sparse_step or mlp_only_layers of config.json name.
void keep_dense_layers(const Config& config, DecoderSpec& spec);
/// model.layers.{i}.self_attn.q_proj and so on: the names that the Llama family gave to most others.
WeightRules llama_weights();
/// model.layers.{i}.mlp.experts.{e}.gate_proj and so on: mixtures of experts of the Qwen family.
WeightRules expert_weights();
/// model.layers.{i}.mlp.gate_up_proj: [gate; up].
WeightRules fused_gate_up_weights();
/// The same with 1 added to all norm weights.
WeightRules with_norms_plus_one(WeightRules rules);
/// Gemma 2 and 3: a norm before and after each block, all stored minus one.
WeightRules gemma_sandwich_weights();
/// `rules` followed by `more`.
WeightRules operator+(WeightRules rules, const WeightRules& more);

}  // namespace shenbi::models
