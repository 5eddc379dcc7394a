// Packing works on one unit (at most 256 columns) of 16 rows at a time, which stays in the L1 cache while the rows are
// woven into it. Codes move as 32-bit words of four columns, the grain of all layouts.

#include "kernels/packed_pack.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kMaxUnitColumns = 256;
constexpr size_t kSplitColumns = 16;  // of one scale in QuantType::split

uint32_t load_word(const void* from) noexcept {
  uint32_t word;
  std::memcpy(&word, from, 4);
  return word;
}

void store_word(uint8_t* to, uint32_t word) noexcept { std::memcpy(to, &word, 4); }

// A stretch of one row: its source blocks and what QuantType::split makes of them.
struct Stretch {
  const uint8_t* blocks;
  size_t columns;
  int8_t q[kMaxUnitColumns];
  float scale[kMaxUnitColumns / kSplitColumns], min[kMaxUnitColumns / kSplitColumns];
};

void put_codes_8(const int8_t* q, size_t row, uint8_t* codes) noexcept {
  for (size_t step = 0; step < 8; ++step) {
    store_word(codes + step * 64 + row * 4, load_word(q + 4 * step) ^ 0x80808080u);
  }
}

// 32 codes of five bits (four if `fifth` is null).
void put_codes_nibbles(const int8_t* q, int offset, size_t row, uint8_t* nibbles, uint8_t* fifth) noexcept {
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i) codes[i] = static_cast<uint8_t>(q[i] + offset);
  for (size_t j = 0; j < 4; ++j) {
    const uint32_t low = load_word(codes + 4 * j) & 0x0F0F0F0Fu, high = load_word(codes + 16 + 4 * j) & 0x0F0F0F0Fu;
    store_word(nibbles + j * 64 + row * 4, low | high << 4);
  }
  if (fifth == nullptr) return;
  uint32_t bits = 0;
  for (size_t step = 0; step < 8; ++step) bits |= (load_word(codes + 4 * step) >> 4 & 0x01010101u) << step;
  store_word(fifth + row * 4, bits);
}

// 16 codes of six bits.
void put_codes_q6(const int8_t* q, size_t row, uint8_t* to) noexcept {
  uint8_t codes[16];
  for (size_t i = 0; i < 16; ++i) codes[i] = static_cast<uint8_t>(q[i] + 32);
  uint32_t bits = 0;
  for (size_t step = 0; step < 4; ++step) bits |= (load_word(codes + 4 * step) >> 4 & 0x03030303u) << (2 * step);
  for (size_t j = 0; j < 2; ++j) {
    const uint32_t low = load_word(codes + 4 * j) & 0x0F0F0F0Fu, high = load_word(codes + 8 + 4 * j) & 0x0F0F0F0Fu;
    store_word(to + j * 64 + row * 4, low | high << 4);
  }
  store_word(to + 128 + row * 4, bits);
}

// Q4_0, Q5_0, Q8_0 begin each block of 32 with an f16 scale: copied as it is.
void put_f16_scale(const uint8_t* block, size_t row, uint8_t* scales) noexcept {
  std::memcpy(scales + 2 * row, block, 2);
}

// Q4_K and Q5_K begin with f16 d, f16 dmin and twelve bytes of eight 6-bit scales and minima (kernels/quant/q4_k.h).
void put_header_k(const uint8_t* block, size_t row, uint8_t* unit) noexcept {
  std::memcpy(unit + 192 + 2 * row, block, 2);
  std::memcpy(unit + 224 + 2 * row, block + 2, 2);
  const uint8_t* packed = block + 4;
  for (size_t g = 0; g < 8; ++g) {
    const int scale = g < 4 ? packed[g] & 63 : (packed[g + 4] & 15) | (packed[g - 4] >> 6) << 4;
    const int min = g < 4 ? packed[g + 4] & 63 : packed[g + 4] >> 4 | (packed[g] >> 6) << 4;
    unit[g * 16 + row] = static_cast<uint8_t>((scale & 15) | (min & 15) << 4);
    unit[128 + g % 4 * 16 + row] |= static_cast<uint8_t>((scale >> 4 | min >> 4 << 2) << (g / 4 * 4));
  }
}

void put_affine(const Stretch& s, size_t row, size_t scales, size_t minima, uint8_t* unit) noexcept {
  for (size_t i = 0; i < scales; ++i, unit += 64) std::memcpy(unit + 4 * row, &s.scale[i], 4);
  for (size_t i = 0; i < minima; ++i, unit += 64) std::memcpy(unit + 4 * row, &s.min[i], 4);
  put_codes_8(s.q, row, unit);
}

void put_stretch(PackedLayout layout, const Stretch& s, size_t block_bytes, size_t row, uint8_t* unit) noexcept {
  const size_t groups = s.columns / kGroupColumns;
  switch (layout) {
    case PackedLayout::kQ8_0:
      for (size_t g = 0; g < groups; ++g) {
        put_f16_scale(s.blocks + g * block_bytes, row, unit + g * 32);
        put_codes_8(s.q + g * 32, row, unit + 64 + g * 512);
      }
      return;
    case PackedLayout::kQ5_0:
      for (size_t g = 0; g < groups; ++g) {
        uint8_t* codes = unit + 64 + g * 320;
        put_f16_scale(s.blocks + g * block_bytes, row, unit + g * 32);
        put_codes_nibbles(s.q + g * 32, 16, row, codes + 64, codes);
      }
      return;
    case PackedLayout::kQ4_0:
      for (size_t g = 0; g < groups; ++g) {
        put_f16_scale(s.blocks + g * block_bytes, row, unit + g * 32);
        put_codes_nibbles(s.q + g * 32, 8, row, unit + 64 + g * 256, nullptr);
      }
      return;
    case PackedLayout::kQ4K:
      put_header_k(s.blocks, row, unit);
      for (size_t g = 0; g < groups; ++g) put_codes_nibbles(s.q + g * 32, 0, row, unit + 256 + g * 256, nullptr);
      return;
    case PackedLayout::kQ5K:
      put_header_k(s.blocks, row, unit);
      for (size_t g = 0; g < groups; ++g) {
        uint8_t* codes = unit + 256 + g * 320;
        put_codes_nibbles(s.q + g * 32, 0, row, codes + 64, codes);
      }
      return;
    case PackedLayout::kQ6K:
      std::memcpy(unit + 2 * row, s.blocks + 208, 2);
      for (size_t g = 0; g < 16; ++g) {
        uint8_t* chunk = unit + 32 + g / 4 * 832;
        chunk[g % 4 * 16 + row] = s.blocks[192 + g];
        put_codes_q6(s.q + g * 16, row, chunk + 64 + g % 4 * 192);
      }
      return;
    case PackedLayout::kAffine32:
      return put_affine(s, row, 1, 0, unit);
    case PackedLayout::kAffine32Min:
      return put_affine(s, row, 1, 1, unit);
    case PackedLayout::kAffine16:
      return put_affine(s, row, 2, 0, unit);
    case PackedLayout::kAffine16Min:
      return put_affine(s, row, 2, 2, unit);
    default:
      return;  // float layouts do not come here
  }
}

// Blocks of a type may be longer than a unit (TQ1_0 in units of 32 columns) or shorter (Q8_0 in units of 64): a span is
// the longer of both, and is split at once.
void pack_quantised_panel(const QuantType& type, PackedLayout layout, const uint8_t* data, size_t rows, size_t columns,
                          uint8_t* panel) noexcept {
  const PackedUnit unit = packed_unit(layout);
  const size_t span = std::max<size_t>(unit.columns, type.block_elements);
  const size_t row_bytes = type.row_bytes(columns);
  Stretch whole, part;
  for (size_t column = 0; column < columns; column += span) {
    const size_t count = std::min(span, columns - column);
    for (size_t row = 0; row < rows; ++row) {
      whole.blocks = data + row * row_bytes + column / type.block_elements * type.block_bytes;
      type.split(reinterpret_cast<const std::byte*>(whole.blocks), count / type.block_elements, whole.q, whole.scale,
                 whole.min);
      uint8_t* to = panel + column / unit.columns * unit.bytes;
      if (count <= unit.columns) {
        whole.columns = count;
        put_stretch(layout, whole, type.block_bytes, row, to);
        continue;
      }
      for (size_t at = 0; at < count; at += unit.columns, to += unit.bytes) {
        part.columns = unit.columns;
        std::memcpy(part.q, whole.q + at, unit.columns);
        std::memcpy(part.scale, whole.scale + at / kSplitColumns, unit.columns / kSplitColumns * sizeof(float));
        std::memcpy(part.min, whole.min + at / kSplitColumns, unit.columns / kSplitColumns * sizeof(float));
        put_stretch(layout, part, type.block_bytes, row, to);
      }
    }
  }
}

// 16 rows (block `block` of a panel of `blocks`) of plain numbers.
void pack_float_block(const QuantType& type, PackedLayout layout, const uint8_t* data, size_t rows, size_t columns,
                      size_t blocks, size_t block, uint8_t* panel) noexcept {
  constexpr size_t kChunk = 256;
  const size_t pair_bytes = blocks * packed_unit(layout).bytes, row_bytes = type.row_bytes(columns);
  uint8_t chunk[kChunk * 4];  // this row's numbers as the layout stores them
  const size_t size = layout == PackedLayout::kF32 ? 4 : 2;
  for (size_t column = 0; column < columns; column += kChunk) {
    const size_t count = std::min(kChunk, columns - column);
    for (size_t row = 0; row < rows; ++row) {
      const uint8_t* from = data + row * row_bytes + column / type.block_elements * type.block_bytes;
      if (layout == PackedLayout::kF32) {
        float values[kChunk];
        type.decode(reinterpret_cast<const std::byte*>(from), count / type.block_elements, values);
        std::memcpy(chunk, values, count * 4);
      } else {
        std::memcpy(chunk, from, count * 2);
      }
      for (size_t k = 0; k < count; ++k) {
        uint8_t* pair = panel + (column + k) / 2 * pair_bytes;
        size_t place = 0;
        switch (layout) {
          case PackedLayout::kF32:
            place = (k % 2 * blocks + block) * 64 + row * 4;
            break;
          case PackedLayout::kF16:
            place = block * 64 + k % 2 * 32 + row * 2;
            break;
          default:
            place = block * 64 + row * 4 + k % 2 * 2;
            break;
        }
        std::memcpy(pair + place, chunk + k * size, size);
      }
    }
  }
}

// Which affine form a type needs shows in what split() makes of arbitrary blocks: a minimum that is always +0 is none,
// and scales that always come in equal pairs are one for 32 columns.
PackedLayout affine_layout(const QuantType& type) {
  constexpr size_t kProbes = 64;
  const Philox random(1);
  std::vector<std::byte> block(type.block_bytes);
  std::vector<int8_t> q(type.block_elements);
  std::vector<float> scale(type.block_elements / kSplitColumns), min(scale.size());
  bool has_min = false, pairs = scale.size() % 2 == 0;
  for (size_t probe = 0; probe < kProbes; ++probe) {
    for (size_t i = 0; i < block.size(); ++i)
      block[i] = static_cast<std::byte>(random.block(probe * 4096 + i)[0] >> 24);
    type.split(block.data(), 1, q.data(), scale.data(), min.data());
    for (size_t g = 0; g < scale.size(); ++g) {
      has_min |= load_word(&min[g]) != 0;
      if (pairs)
        pairs = load_word(&scale[g]) == load_word(&scale[g ^ 1]) && load_word(&min[g]) == load_word(&min[g ^ 1]);
    }
  }
  if (pairs) return has_min ? PackedLayout::kAffine32Min : PackedLayout::kAffine32;
  return has_min ? PackedLayout::kAffine16Min : PackedLayout::kAffine16;
}

}  // namespace

PackedLayout packed_layout_of(const QuantType& type) {
  struct Row {
    std::string_view name;
    PackedLayout layout;
  };
  static constexpr Row kOwnLayouts[] = {
      {"F16", PackedLayout::kF16},   {"BF16", PackedLayout::kBf16}, {"Q8_0", PackedLayout::kQ8_0},
      {"Q5_0", PackedLayout::kQ5_0}, {"Q4_0", PackedLayout::kQ4_0}, {"Q4_K", PackedLayout::kQ4K},
      {"Q5_K", PackedLayout::kQ5K},  {"Q6_K", PackedLayout::kQ6K},
  };
  for (const Row& row : kOwnLayouts) {
    if (row.name == type.name) return row.layout;
  }
  const bool fits =
      type.split != nullptr && type.block_elements % kGroupColumns == 0 && type.block_elements <= kMaxUnitColumns;
  return fits ? affine_layout(type) : PackedLayout::kF32;
}

size_t packed_panel_bytes(PackedLayout layout, size_t columns) {
  const PackedUnit unit = packed_unit(layout);
  return (columns + unit.columns - 1) / unit.columns * unit.bytes;
}

void pack_rows(const QuantType& type, PackedLayout layout, const std::byte* data, size_t rows, size_t columns,
               size_t row_begin, size_t row_end, uint8_t* packed) noexcept {
  const size_t panel_bytes = packed_panel_bytes(layout, columns), row_bytes = type.row_bytes(columns);
  for (size_t row = row_begin; row < row_end; row += kPanelRows) {
    const uint8_t* from = reinterpret_cast<const uint8_t*>(data) + row * row_bytes;
    const size_t count = std::min(kPanelRows, row_end - row);
    if (!is_float_layout(layout)) {
      pack_quantised_panel(type, layout, from, count, columns, packed + row / kPanelRows * panel_bytes);
      continue;
    }
    const size_t first = row / kFloatPanelRows * kFloatPanelRows;
    const size_t blocks = std::min(kFloatPanelRows, rows - first + kPanelRows - 1) / kPanelRows;
    pack_float_block(type, layout, from, count, columns, blocks, (row - first) / kPanelRows,
                     packed + first / kPanelRows * panel_bytes);
  }
}

}  // namespace shenbi::kernels
