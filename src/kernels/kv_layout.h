#pragma once
// How keys and values lie in memory: pages of 32 positions, written already packed for the attention kernel.
//
// One layer of one page holds, head after head, first the keys and then the values of that head, all bf16:
//
//   keys    [key_dim / 2][32 positions][2]          a 64-byte line = two neighbouring dims of 16 positions
//   values  [value_dim / 64][32 / 2 positions][64][2]   chunks of 64 dims; a line = 16 dims of two neighbouring
//   positions
//
// Pairs lie side by side because a 32-bit lane then splits into its two f32 by one shift and one mask. Addresses ascend
// in the order of use; values in one piece of 256 dims instead of chunks of 64 read at 45 % of the speed of memory, in
// chunks at 98 %. An odd key_dim is padded to even; the last chunk of values is as wide as the rest of value_dim,
// rounded up to 16 dims.
//
//   KvLayout layout{.kv_heads = 4, .key_dim = 64, .value_dim = 64};
//   store_kv(layout, pool.base + page * pool.page_bytes + layer * layout.page_bytes(), position % 32, k, v);

#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

inline constexpr uint32_t kKvPagePositions = 32;

/// One layer of one page. Plain data; no dimension may be 0.
struct KvLayout {
  uint32_t kv_heads = 0;
  uint32_t key_dim = 0;
  uint32_t value_dim = 0;

  constexpr size_t key_bytes() const noexcept { return (key_dim + size_t{1}) / 2 * kKvPagePositions * 4; }
  constexpr size_t value_bytes() const noexcept { return (value_dim + size_t{15}) / 16 * 16 * kKvPagePositions * 2; }
  constexpr size_t head_bytes() const noexcept { return key_bytes() + value_bytes(); }
  /// Bytes of one layer of one page: a multiple of 128, so 64-byte aligned pages keep every tile aligned.
  constexpr size_t page_bytes() const noexcept { return kv_heads * head_bytes(); }
  constexpr size_t key_offset(uint32_t head) const noexcept { return head * head_bytes(); }
  constexpr size_t value_offset(uint32_t head) const noexcept { return head * head_bytes() + key_bytes(); }
};

/// Writes the keys and values of one position: k [kv_heads, key_dim], v [kv_heads, value_dim], rounded to bf16
/// (nearest, ties to even). `page_layer` is the layer's part of the page. Other positions are not touched: what lies in
/// unused slots, NaN included, never reaches a result. Distinct positions may be written by different threads at once.
void store_kv(const KvLayout& layout, std::byte* page_layer, uint32_t position_in_page, const float* k,
              const float* v) noexcept;

/// Reads them back as f32 (tests, the composed path).
void load_kv(const KvLayout& layout, const std::byte* page_layer, uint32_t position_in_page, float* k,
             float* v) noexcept;

}  // namespace shenbi::kernels
