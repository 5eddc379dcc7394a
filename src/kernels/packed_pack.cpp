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

// Q8_0, Q4_0 and Q5_0 have blocks of 32 columns that begin with an f16 scale, and codes already in the panel's words:
// they are copied without a detour. Q5_0 has the fifth bits of column i at bit i of a word: column 4s + i goes to byte
// i, bit s.
void put_simple(PackedLayout layout, const uint8_t* block, size_t group, size_t row, uint8_t* unit) noexcept {
  std::memcpy(unit + group * 32 + 2 * row, block, 2);
  uint8_t* to = unit + 64 + row * 4;
  block += 2;
  if (layout == PackedLayout::kQ8_0) {
    to += group * 512;
    for (size_t step = 0; step < 8; ++step) store_word(to + step * 64, load_word(block + 4 * step) ^ 0x80808080u);
    return;
  }
  if (layout == PackedLayout::kQ5_0) {
    const uint32_t high = load_word(block);
    uint32_t bits = 0;
    // The multiplication sends bit i of four to bit 8i.
    for (size_t step = 0; step < 8; ++step) bits |= ((high >> (4 * step) & 15) * 0x00204081u & 0x01010101u) << step;
    to += group * 320;
    store_word(to, bits);
    to += 64;
    block += 4;
  } else {
    to += group * 256;
  }
  for (size_t j = 0; j < 4; ++j) store_word(to + j * 64, load_word(block + 4 * j));
}

bool is_simple(PackedLayout layout) noexcept {
  return layout == PackedLayout::kQ8_0 || layout == PackedLayout::kQ5_0 || layout == PackedLayout::kQ4_0;
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
    case PackedLayout::kQ5_0:
    case PackedLayout::kQ4_0:
      return;  // put_simple
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
  if (is_simple(layout)) {
    for (size_t group = 0; group < columns / kGroupColumns; ++group) {
      uint8_t* to = panel + group / 2 * unit.bytes;
      for (size_t row = 0; row < rows; ++row) {
        put_simple(layout, data + row * row_bytes + group * type.block_bytes, group % 2, row, to);
      }
    }
    return;
  }
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

// 16 rows (block `block` of a panel of `blocks`) of plain numbers. Some columns of all rows are gathered first: rows
// are often a multiple of 4 KB apart and would push each other out of the cache.
template <class Number>
void pack_float_block(const QuantType& type, PackedLayout layout, const uint8_t* data, size_t rows, size_t columns,
                      size_t blocks, size_t block, uint8_t* panel) noexcept {
  constexpr size_t kChunk = 256;
  const size_t pair_bytes = blocks * packed_unit(layout).bytes, row_bytes = type.row_bytes(columns);
  Number numbers[kPanelRows][kChunk] = {};
  for (size_t column = 0; column < columns; column += kChunk) {
    const size_t count = std::min(kChunk, columns - column);
    for (size_t row = 0; row < rows; ++row) {
      const uint8_t* from = data + row * row_bytes + column / type.block_elements * type.block_bytes;
      if constexpr (sizeof(Number) == 4) {
        type.decode(reinterpret_cast<const std::byte*>(from), count / type.block_elements, numbers[row]);
      } else {
        std::memcpy(numbers[row], from, count * sizeof(Number));
      }
      if (count % 2 != 0) numbers[row][count] = 0;
    }
    uint8_t* pair = panel + column / 2 * pair_bytes;
    for (size_t k = 0; k < count; k += 2, pair += pair_bytes) {
      for (size_t row = 0; row < kPanelRows; ++row) {
        if (layout == PackedLayout::kBf16) {
          std::memcpy(pair + block * 64 + row * 4, &numbers[row][k], 4);
          continue;
        }
        uint8_t* first = pair + block * 64;
        const size_t next = layout == PackedLayout::kF16 ? 32 : blocks * 64;
        std::memcpy(first + row * sizeof(Number), &numbers[row][k], sizeof(Number));
        std::memcpy(first + next + row * sizeof(Number), &numbers[row][k + 1], sizeof(Number));
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
    const auto pack = layout == PackedLayout::kF32 ? &pack_float_block<float> : &pack_float_block<uint16_t>;
    pack(type, layout, from, count, columns, blocks, (row - first) / kPanelRows,
         packed + first / kPanelRows * panel_bytes);
  }
}

}  // namespace shenbi::kernels
