#pragma once
// What a checkpoint says about its decoder: the table of hyper-parameters that all families share, each with the names
// it has in GGUF metadata and in config.json, and rotary positions, which are written in more ways than anything else.
//
//   Config config(checkpoint, wanted_context);
//   uint32_t width = config.count(keys::kFeedForward);
//   nn::RopeConfig rope = config.rope(head_dim);

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "formats/config_reader.h"
#include "nn/rope.h"

namespace shenbi::models {

/// A whole number with its bound.
struct CountKey {
  formats::ConfigKey names;
  uint64_t max;
};

namespace keys {
inline constexpr CountKey kVocabulary{{"{arch}.vocab_size", "padded_vocab_size|vocab_size"}, limits::kMaxVocabulary};
inline constexpr CountKey kContext{
    {"{arch}.context_length", "max_position_embeddings|n_positions|seq_length|model_max_length"}, limits::kMaxContext};
inline constexpr CountKey kEmbedding{{"{arch}.embedding_length", "hidden_size|n_embd|n_embed"}, limits::kMaxEmbedding};
inline constexpr CountKey kLayers{{"{arch}.block_count", "num_hidden_layers|n_layer|num_layers"}, limits::kMaxLayers};
inline constexpr CountKey kHeads{{"{arch}.attention.head_count", "num_attention_heads|n_head"}, limits::kMaxHeads};
inline constexpr CountKey kKvHeads{{"{arch}.attention.head_count_kv", "num_key_value_heads"}, limits::kMaxHeads};
inline constexpr CountKey kHeadDim{{"{arch}.attention.key_length", "head_dim|kv_channels"}, limits::kMaxHeadDim};
inline constexpr CountKey kValueDim{{"{arch}.attention.value_length", ""}, limits::kMaxHeadDim};
inline constexpr CountKey kFeedForward{{"{arch}.feed_forward_length", "intermediate_size|n_inner|ffn_hidden_size"},
                                       limits::kMaxFeedForward};
inline constexpr CountKey kWindow{{"{arch}.attention.sliding_window", "sliding_window"}, limits::kMaxContext};
inline constexpr CountKey kExperts{{"{arch}.expert_count", "num_local_experts|num_experts"}, limits::kMaxExperts};
inline constexpr CountKey kExpertsUsed{{"{arch}.expert_used_count", "num_experts_per_tok"}, limits::kMaxExperts};
inline constexpr CountKey kExpertWidth{{"{arch}.expert_feed_forward_length", "moe_intermediate_size"},
                                       limits::kMaxFeedForward};
inline constexpr CountKey kSharedExpertWidth{
    {"{arch}.expert_shared_feed_forward_length", "shared_expert_intermediate_size"}, limits::kMaxFeedForward};
inline constexpr CountKey kRopeDims{{"{arch}.rope.dimension_count", ""}, limits::kMaxHeadDim};

inline constexpr formats::ConfigKey kRmsEpsilon{"{arch}.attention.layer_norm_rms_epsilon",
                                                "rms_norm_eps|layernorm_epsilon"};
inline constexpr formats::ConfigKey kLayerNormEpsilon{"{arch}.attention.layer_norm_epsilon",
                                                      "layer_norm_epsilon|layer_norm_eps|norm_eps"};
inline constexpr formats::ConfigKey kPartialRotary{
    "", "rope_parameters.partial_rotary_factor|partial_rotary_factor|rotary_pct|rope_pct"};
inline constexpr formats::ConfigKey kAttentionSoftcap{"{arch}.attn_logit_softcapping", "attn_logit_softcapping"};
inline constexpr formats::ConfigKey kLogitSoftcap{"{arch}.final_logit_softcapping", "final_logit_softcapping"};
inline constexpr formats::ConfigKey kParallelResidual{"{arch}.use_parallel_residual", "use_parallel_residual"};
inline constexpr formats::ConfigKey kLayerTypes{"", "layer_types"};
}  // namespace keys

class Config : public formats::ConfigReader {
 public:
  /// `wanted_context`: positions the caller will use, 0 for all that the model was trained for; some rotary scalings
  /// depend on it. The checkpoint must outlive the Config.
  explicit Config(const formats::Checkpoint& checkpoint, uint32_t wanted_context = 0);

  const formats::Checkpoint& checkpoint() const noexcept { return checkpoint_; }

  /// A number of 1 .. max; absent is an error.
  uint32_t count(const CountKey& key) const;
  /// Absent, null, false and 0 are "none".
  std::optional<uint32_t> find_count(const CountKey& key) const;
  /// One number a layer, or one for all; where there is none, `absent`.
  std::vector<uint32_t> counts(const CountKey& key, uint32_t layers, uint32_t absent) const;

  /// "layer_types" of config.json: true where it says sliding_attention. Empty if absent.
  std::vector<bool> sliding_layers(uint32_t layers) const;

  /// How many leading dims of a head turn: rope.dimension_count, partial_rotary_factor, or all.
  uint32_t rope_dims(uint32_t head_dim, double default_fraction = 1.0) const;
  /// Rotary positions of `dims` dims. `layer_type` picks the entry where config.json has one a layer type;
  /// `default_theta` counts where no base is written.
  nn::RopeConfig rope(uint32_t dims, double default_theta = 10000.0,
                      std::string_view layer_type = "full_attention") const;

  /// Throws Error{kCorruptFile} or Error{kUnsupported}: "<file>: <reason>".
  [[noreturn]] void refuse(std::string_view reason) const;
  [[noreturn]] void unsupported(std::string_view reason) const;

 private:
  nn::RopeConfig gguf_rope(nn::RopeConfig rope) const;
  nn::RopeConfig hub_rope(nn::RopeConfig rope, std::string_view layer_type) const;
  nn::RopeScaling scaling(const std::string& name) const;
  std::vector<float> small_tensor(std::string_view name, size_t elements) const;

  const formats::Checkpoint& checkpoint_;
  uint32_t wanted_context_;
};

}  // namespace shenbi::models
