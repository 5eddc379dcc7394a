#pragma once
// Which storage type each tensor of a model gets. A mix such as Q4_K_M is a base type and a set of exceptions: tensors
// that hurt most when they are coarse (the head, the values, the down projection of the outer layers) get more bits.
//
//   const QuantMix* mix = find_quant_mix("Q4_K_M");
//   std::string_view type = choose_type(*mix, {.name = "blk.0.attn_v.weight", .shape = {256, 640}}, model);   // "Q8_0"
//
// The rules are those of llama.cpp's quantiser, so that files of the same name hold the same types; the tests compare
// with its answers. A pure function: no file is read, no state is kept between tensors.

#include <cstdint>
#include <span>
#include <string_view>

namespace shenbi::kernels {

/// A row of the table of mixes.
struct QuantMix {
  std::string_view name;  ///< "Q4_K_M"
  uint32_t file_type;     ///< GGUF general.file_type
  std::string_view base;  ///< storage type of what is no exception
};

/// All mixes that can be written, most bits first.
std::span<const QuantMix> quant_mixes() noexcept;

/// The mix of this name (case does not matter), or null.
const QuantMix* find_quant_mix(std::string_view name) noexcept;

/// What the rules look at in a tensor.
struct MixTensor {
  /// GGUF ("blk.3.attn_v.weight") or canonical ("layers.3.value.weight", see models/decoder_spec.h).
  std::string_view name;
  /// Outermost dimension first: [rows, columns] or [experts, rows, columns]. Columns are the input of the product.
  std::span<const uint64_t> shape;
};

/// What they look at in the model.
struct MixModel {
  std::string_view architecture;  ///< GGUF general.architecture; only "falcon" and "llama" matter
  uint32_t num_layers = 0;
  uint32_t num_heads = 0;
  uint32_t num_kv_heads = 0;
  uint32_t num_experts = 0;
  bool tied_output = false;     ///< the embedding is the head
  bool has_importance = false;  ///< the encoders will be given importance
};

/// Name of the storage type for this tensor: "F32" for what is never quantised (vectors, norms, biases, routers,
/// convolutions, position tables), otherwise by the mix. A type whose block does not divide the columns is replaced:
/// Q4_K by Q5_0, Q5_K by Q5_1, Q6_K by Q8_0, smaller ones by Q4_0 or IQ4_NL, and what 32 does not divide by F16.
std::string_view choose_type(const QuantMix& mix, const MixTensor& tensor, const MixModel& model) noexcept;

}  // namespace shenbi::kernels
