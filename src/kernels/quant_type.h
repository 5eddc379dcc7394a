#pragma once
// A storage type of weights: how a block of numbers lies in a file, and how to read and write it. One header a type in
// kernels/quant/ (the folder is the registry); everything else reads this row.
//
//   const QuantType& type = quant_type_by_gguf_id(12);            // Q4_K
//   type.decode(blocks, count, floats);                           // the scalar truth
//
// Plain types (F32, F16, BF16, F64, I8 ...) are rows too, with blocks of one element.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::kernels {

struct QuantType {
  std::string_view name;        ///< as the field writes it: "Q4_K", "BF16"
  uint32_t gguf_id = 0;         ///< ggml_type value in a GGUF file
  uint32_t block_elements = 1;  ///< elements in a block; rows are whole numbers of blocks
  uint32_t block_bytes = 0;

  /// blocks -> floats, exactly as the reference implementation does it (same f32 operations). Never reads outside the
  /// blocks, whatever their bits; NaN scales give NaN values.
  void (*decode)(const std::byte* blocks, size_t block_count, float* out) noexcept = nullptr;

  /// floats -> blocks, or null if this program does not write the type. `importance` (one weight a column of the block
  /// row, or null) steers which errors matter.
  void (*encode)(const float* in, size_t block_count, const float* importance, std::byte* out) noexcept = nullptr;

  /// blocks -> integers and affine terms for every 16 columns, so that w = scale[g] * q - min[g] with g = column / 16.
  /// Null for plain types. `q` has block_count * block_elements places, `scale` and `min` a sixteenth of that.
  /// Lossless: the formula in f32 (multiply, then subtract, no fma) gives the bits of decode(), for every type and
  /// every block. min is +0 for types without a minimum.
  void (*split)(const std::byte* blocks, size_t block_count, int8_t* q, float* scale, float* min) noexcept = nullptr;

  /// Bytes of one row of `columns` elements. Precondition: columns % block_elements == 0.
  constexpr uint64_t row_bytes(uint64_t columns) const noexcept { return columns / block_elements * block_bytes; }
};

/// Types that other formats store and GGUF has no number for (U8, F8_E4M3 ...) have ids from here on. A GGUF file that
/// names such an id is refused.
inline constexpr uint32_t kFirstNonGgufTypeId = 1000;

/// {file stem, function that returns the row}. Generated.
const std::vector<std::pair<std::string_view, QuantType (*)()>>& quant_registry();

/// The row with this GGUF id / this name (case does not matter), or null: a miss is the caller's error to word.
/// The pointers stay valid for the life of the program.
const QuantType* find_quant_type(uint32_t gguf_id) noexcept;
const QuantType* find_quant_type(std::string_view name) noexcept;

/// All rows, by GGUF id.
const std::vector<const QuantType*>& all_quant_types();

}  // namespace shenbi::kernels
