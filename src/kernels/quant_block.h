#pragma once
// What the quantised types share. Whatever its bits look like, a block is integers with one scale and one minimum for
// every 16 columns:
//
//   w[i] = scale[i / 16] * q[i] - min[i / 16]
//
// So a type's header draws its block, and writes one function, unpack(), that brings these three out; decode and split
// both follow from it and cannot disagree. The reference implementation computes every type in this order too (with the
// integers -1/8 and +1/8 of IQ1 multiplied by eight, which is exact), so the floats are the same bit for bit.
//
// Blocks lie at any address: they are copied out before use (the compiler turns that into plain loads). Files are
// little-endian, as are all machines this program runs on.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/float16.h"
#include "kernels/quant_type.h"

namespace shenbi::kernels {

/// Columns that share a scale in the common form. No type changes its scale within 16 columns.
inline constexpr size_t kSplitGroup = 16;

/// One block in the common form; what unpack() fills.
template <size_t Elements>
struct Unpacked {
  static_assert(Elements % kSplitGroup == 0);
  int8_t* q;     ///< Elements places
  float* scale;  ///< Elements / 16
  float* min;    ///< Elements / 16

  /// The same scale (and minimum) for `count` groups from `group` on.
  void set(size_t group, size_t count, float scale_value, float min_value = 0.0f) const noexcept {
    for (size_t i = group; i < group + count; ++i) {
      scale[i] = scale_value;
      min[i] = min_value;
    }
  }
};

template <class Block>
Block load_block(const std::byte* from) noexcept {
  static_assert(std::is_trivially_copyable_v<Block>);
  Block block;
  std::memcpy(&block, from, sizeof(Block));
  return block;
}

template <class Block>
void split_blocks(const std::byte* blocks, size_t count, int8_t* q, float* scale, float* min) noexcept {
  constexpr size_t kGroups = Block::kElements / kSplitGroup;
  for (size_t i = 0; i < count; ++i) {
    const Block block = load_block<Block>(blocks + i * sizeof(Block));
    block.unpack({q + i * Block::kElements, scale + i * kGroups, min + i * kGroups});
  }
}

template <class Block>
void decode_blocks(const std::byte* blocks, size_t count, float* out) noexcept {
  constexpr size_t kGroups = Block::kElements / kSplitGroup;
  int8_t q[Block::kElements];
  float scale[kGroups], min[kGroups];
  for (size_t i = 0; i < count; ++i, out += Block::kElements) {
    const Block block = load_block<Block>(blocks + i * sizeof(Block));
    block.unpack({q, scale, min});
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t j = 0; j < kSplitGroup; ++j) {
        out[g * kSplitGroup + j] = scale[g] * static_cast<float>(q[g * kSplitGroup + j]) - min[g];
      }
    }
  }
}

/// Runs `encode_block(floats, importance or null, block)` over a row of blocks.
template <class Block, void (*encode_block)(const float*, const float*, Block&) noexcept>
void encode_blocks(const float* in, size_t count, const float* importance, std::byte* out) noexcept {
  for (size_t i = 0; i < count; ++i) {
    const size_t column = i * Block::kElements;
    Block block;
    encode_block(in + column, importance ? importance + column : nullptr, block);
    std::memcpy(out + i * sizeof(Block), &block, sizeof(Block));
  }
}

/// The row of a type that this program reads but does not write.
template <class Block>
QuantType quantised_type(std::string_view name, uint32_t gguf_id) {
  return {.name = name,
          .gguf_id = gguf_id,
          .block_elements = Block::kElements,
          .block_bytes = sizeof(Block),
          .decode = &decode_blocks<Block>,
          .split = &split_blocks<Block>};
}

/// The row of a type that it writes too.
template <class Block, void (*encode_block)(const float*, const float*, Block&) noexcept>
QuantType quantised_type(std::string_view name, uint32_t gguf_id) {
  QuantType type = quantised_type<Block>(name, gguf_id);
  type.encode = &encode_blocks<Block, encode_block>;
  return type;
}

}  // namespace shenbi::kernels
