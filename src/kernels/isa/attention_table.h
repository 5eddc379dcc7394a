#pragma once
// The attention kernels of one instruction set, and the piece of work they take. C types only: see kernels/isa.h.

#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

/// Positions whose partial result is kept apart: 32 pages. See kernels/attention.h, "Truth".
inline constexpr uint32_t kAttentionChunk = 1024;

/// Some queries of one sequence x some heads that share a kv head. Row r is query r / heads, head r % heads.
struct AttentionBlock {
  // Keys and values: tile of page p = layer + pages[p] * page_stride + offset.
  const unsigned char* layer;
  size_t page_stride, key_offset, value_offset;
  const uint32_t* pages;
  uint32_t key_dim, value_dim;

  // First query, first head of the block; heads follow each other by key_dim (value_dim) floats.
  const float* q;
  float* out;
  size_t q_stride, out_stride;
  uint32_t first_position, queries, heads;
  uint32_t key_end;  ///< positions in the pages, for queries that are not causal

  float scale, softcap;
  uint32_t window;
  bool causal;
  const float* slopes;  ///< [heads] or null
  const float* sinks;   ///< [heads] or null
};

/// Partial results of a chunk: largest score [rows], sum of exp(score - largest) [rows], sum of exp(..) * value
/// [rows, value_dim rounded up to 16]. A largest score of -infinity says that the row sees nothing of the chunk.
constexpr size_t attention_partial_floats(size_t rows, size_t value_dim) noexcept {
  return rows * (2 + (value_dim + 15) / 16 * 16);
}
/// Scratch of attend(): scores [rows, 32], sums [rows, 16], factors [rows], two partial results; and 16 to spare.
constexpr size_t attention_scratch_floats(size_t rows, size_t value_dim) noexcept {
  return rows * (32 + 16 + 1) + 2 * attention_partial_floats(rows, value_dim) + 16;
}

struct AttentionTable {
  /// Keys [dims] of one position into its head's key tile, values [dims] into the value tile (kernels/kv_layout.h).
  void (*store_keys)(const float* keys, size_t dims, uint32_t position, unsigned char* tile);
  void (*store_values)(const float* values, size_t dims, uint32_t position, unsigned char* tile);

  /// All chunks of a block, merged, into block.out.
  void (*attend)(const AttentionBlock& block, float* scratch);
  /// One chunk, positions [chunk * kAttentionChunk, + kAttentionChunk), into `partial`.
  void (*attend_chunk)(const AttentionBlock& block, uint32_t chunk, float* partial, float* scratch);
  /// Partial results of chunks in ascending order, one after the other (partials[0] is overwritten), into block.out.
  void (*merge)(const AttentionBlock& block, float* partials, size_t chunks);
};

/// First and last + 1 position that a query at `position` sees.
constexpr uint32_t attention_first_key(const AttentionBlock& block, uint32_t position) noexcept {
  return block.window == 0 || position < block.window ? 0 : position - block.window + 1;
}
constexpr uint32_t attention_end_key(const AttentionBlock& block, uint32_t position) noexcept {
  if (block.causal) return position + 1;
  const bool all = block.window == 0 || block.key_end - position <= block.window;
  return all ? block.key_end : position + block.window;
}

const AttentionTable* attention_scalar() noexcept;
const AttentionTable* attention_avx2() noexcept;
const AttentionTable* attention_avx512() noexcept;

}  // namespace shenbi::kernels
