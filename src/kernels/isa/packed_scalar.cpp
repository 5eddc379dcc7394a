// The truth that every other instruction set must equal bit for bit. For one output, acc = 0, then for each group of 32
// columns in ascending order and each term of the activations (high, then low if there is one)
//
//   t = float(dot of the first 16 columns) * s0          one scale for 32 columns: t = float(dot of all 32) * s0
//   t = fma(float(dot of the other 16), s1, t)           two scales only
//   t = fma(sum of the activation codes, -m0, t)         one minimum; with two: sum of the first 16, then
//   t = fma(sum of the other 16, -m1, t)                 of the others
//   acc = fma(t, activation scale, acc)
//
// where the dots are exact integers. Float weights: acc = fma(w, x, acc), columns ascending. Padding columns take part
// (as zeros), so that -0 comes out alike everywhere.

#include <math.h>
#include <string.h>

#include "base/float16.h"
#include "kernels/packed_layout.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kTokenBlock = 16;  // unpacked groups are used for so many tokens at a time

// 32 columns of a panel, unpacked.
struct Group {
  int16_t q[8][64];  // codes without their offset, [step][row][4 columns]
  float scale[2][kPanelRows];
  float min[2][kPanelRows];
  int scales, minima;
};

float f16_at(const uint8_t* p, size_t index) {
  uint16_t half;
  memcpy(&half, p + 2 * index, 2);
  return f16_to_f32(half);
}

float f32_at(const uint8_t* p, size_t index) {
  float value;
  memcpy(&value, p + 4 * index, 4);
  return value;
}

// The loops over a whole line of 64 codes are what compilers turn into vectors of any machine.

void codes_8(const uint8_t* p, Group& g) {
  for (size_t step = 0; step < 8; ++step) {
    for (size_t i = 0; i < 64; ++i) g.q[step][i] = static_cast<int16_t>(p[step * 64 + i] - 128);
  }
}

// `fifth` is null for four bits.
void codes_nibbles(const uint8_t* nibbles, const uint8_t* fifth, int offset, Group& g) {
  for (size_t j = 0; j < 4; ++j) {
    for (size_t i = 0; i < 64; ++i) {
      g.q[j][i] = static_cast<int16_t>((nibbles[j * 64 + i] & 15) - offset);
      g.q[4 + j][i] = static_cast<int16_t>((nibbles[j * 64 + i] >> 4) - offset);
    }
  }
  if (fifth == nullptr) return;
  for (size_t step = 0; step < 8; ++step) {
    for (size_t i = 0; i < 64; ++i) g.q[step][i] = static_cast<int16_t>(g.q[step][i] + ((fifth[i] >> step & 1) << 4));
  }
}

void codes_q6(const uint8_t* p, Group& g) {
  for (size_t step = 0; step < 8; ++step) {
    const uint8_t* sub = p + step / 4 * 192;
    const uint8_t *nibbles = sub + step % 2 * 64, *high = sub + 128;
    const size_t nibble_shift = step % 4 / 2 * 4, high_shift = step % 4 * 2;
    for (size_t i = 0; i < 64; ++i) {
      const int code = (nibbles[i] >> nibble_shift & 15) | (high[i] >> high_shift & 3) << 4;
      g.q[step][i] = static_cast<int16_t>(code - 32);
    }
  }
}

// Scale and minimum of group `index` in the header that Q4_K and Q5_K share.
void header_k(const uint8_t* unit, size_t index, Group& g) {
  const size_t shift = index / 4 * 4;
  for (size_t row = 0; row < 16; ++row) {
    const int low = unit[index * 16 + row], high = unit[128 + index % 4 * 16 + row] >> shift;
    const int scale = (low & 15) | (high & 3) << 4, min = low >> 4 | (high & 12) << 2;
    g.scale[0][row] = f16_at(unit + 192, row) * static_cast<float>(scale);
    g.min[0][row] = f16_at(unit + 224, row) * static_cast<float>(min);
  }
  g.scales = g.minima = 1;
}

void header_f16(const uint8_t* halves, Group& g) {
  for (size_t row = 0; row < 16; ++row) g.scale[0][row] = f16_at(halves, row);
  g.scales = 1, g.minima = 0;
}

void affine(const uint8_t* p, int scales, int minima, Group& g) {
  g.scales = scales, g.minima = minima;
  for (int i = 0; i < scales; ++i, p += 64) memcpy(g.scale[i], p, 64);
  for (int i = 0; i < minima; ++i, p += 64) memcpy(g.min[i], p, 64);
  codes_8(p, g);
}

void unpack(PackedLayout layout, const uint8_t* panel, size_t group, Group& g) {
  const PackedUnit size = packed_unit(layout);
  const size_t in_unit = group % (size.columns / kGroupColumns);
  const uint8_t* unit = panel + group / (size.columns / kGroupColumns) * size.bytes;
  switch (layout) {
    case PackedLayout::kQ8_0:
      header_f16(unit + in_unit * 32, g);
      return codes_8(unit + 64 + in_unit * 512, g);
    case PackedLayout::kQ5_0: {
      const uint8_t* codes = unit + 64 + in_unit * 320;
      header_f16(unit + in_unit * 32, g);
      return codes_nibbles(codes + 64, codes, 16, g);
    }
    case PackedLayout::kQ4_0:
      header_f16(unit + in_unit * 32, g);
      return codes_nibbles(unit + 64 + in_unit * 256, nullptr, 8, g);
    case PackedLayout::kQ4K:
      header_k(unit, in_unit, g);
      return codes_nibbles(unit + 256 + in_unit * 256, nullptr, 0, g);
    case PackedLayout::kQ5K: {
      const uint8_t* codes = unit + 256 + in_unit * 320;
      header_k(unit, in_unit, g);
      return codes_nibbles(codes + 64, codes, 0, g);
    }
    case PackedLayout::kQ6K: {
      const uint8_t* chunk = unit + 32 + in_unit / 2 * 832;
      for (size_t i = 0; i < 32; ++i) {
        const int sub_scale = static_cast<int8_t>(chunk[in_unit % 2 * 32 + i]);
        g.scale[i / 16][i % 16] = f16_at(unit, i % 16) * static_cast<float>(sub_scale);
      }
      g.scales = 2, g.minima = 0;
      return codes_q6(chunk + 64 + in_unit % 2 * 384, g);
    }
    case PackedLayout::kAffine32:
      return affine(unit, 1, 0, g);
    case PackedLayout::kAffine32Min:
      return affine(unit, 1, 1, g);
    case PackedLayout::kAffine16:
      return affine(unit, 2, 0, g);
    case PackedLayout::kAffine16Min:
      return affine(unit, 2, 2, g);
    default:
      return;  // float layouts do not come here
  }
}

// dot[h][row] over columns 16h .. 16h + 15, and the sum of the activation codes there.
void dots(const Group& g, const int8_t* x, int32_t dot[2][kPanelRows], int32_t sum[2]) {
  for (size_t half = 0; half < 2; ++half) {
    int32_t lanes[64] = {};
    sum[half] = 0;
    for (size_t step = 4 * half; step < 4 * half + 4; ++step) {
      int16_t four[64];  // the step's activations, once a row
      for (size_t i = 0; i < 64; ++i) four[i] = x[4 * step + i % 4];
      for (size_t i = 0; i < 64; ++i) lanes[i] += g.q[step][i] * four[i];
      for (size_t i = 0; i < 4; ++i) sum[half] += x[4 * step + i];
    }
    for (size_t row = 0; row < 16; ++row) {
      dot[half][row] = lanes[4 * row] + lanes[4 * row + 1] + lanes[4 * row + 2] + lanes[4 * row + 3];
    }
  }
}

void add_term(const Group& g, const int8_t* x, float x_scale, float* acc) {
  int32_t dot[2][kPanelRows], sum[2];
  dots(g, x, dot, sum);
  for (size_t row = 0; row < 16; ++row) {
    float t;
    if (g.scales == 1) {
      t = static_cast<float>(dot[0][row] + dot[1][row]) * g.scale[0][row];
    } else {
      t = static_cast<float>(dot[0][row]) * g.scale[0][row];
      t = fmaf(static_cast<float>(dot[1][row]), g.scale[1][row], t);
    }
    if (g.minima == 1) t = fmaf(static_cast<float>(sum[0] + sum[1]), -g.min[0][row], t);
    if (g.minima == 2) {
      t = fmaf(static_cast<float>(sum[0]), -g.min[0][row], t);
      t = fmaf(static_cast<float>(sum[1]), -g.min[1][row], t);
    }
    acc[row] = fmaf(t, x_scale, acc[row]);
  }
}

void store(const float* acc, size_t rows, float* out) { memcpy(out, acc, rows * sizeof(float)); }

void multiply_quantised(const PackedView& m, const ActivationView& x, size_t row, size_t rows, float* out,
                        size_t out_stride) {
  const uint8_t* panel = m.data + row / kPanelRows * m.panel_bytes;
  const size_t unit = packed_unit(m.layout).columns;
  // The weights' own padding may go beyond the activations': there is nothing in it.
  const size_t weight_groups = (m.columns + unit - 1) / unit * unit / kGroupColumns;
  const size_t x_groups = x.padded_columns / kGroupColumns,
               groups = weight_groups < x_groups ? weight_groups : x_groups;
  for (size_t first = 0; first < x.tokens; first += kTokenBlock) {
    const size_t tokens = x.tokens - first < kTokenBlock ? x.tokens - first : kTokenBlock;
    float acc[kTokenBlock][kPanelRows] = {};
    for (size_t group = 0; group < groups; ++group) {
      Group g;
      unpack(m.layout, panel, group, g);
      for (size_t t = 0; t < tokens; ++t) {
        const size_t at = (first + t) * x.padded_columns + group * kGroupColumns;
        add_term(g, x.high + at, x.high_groups[at / kGroupColumns].scale, acc[t]);
        if (x.low != nullptr) add_term(g, x.low + at, x.low_groups[at / kGroupColumns].scale, acc[t]);
      }
    }
    for (size_t t = 0; t < tokens; ++t) store(acc[t], rows, out + (first + t) * out_stride + row);
  }
}

// 16 weights of column k. `block` is the place of these rows in their panel of `blocks` times 16 rows.
void load_floats(PackedLayout layout, const uint8_t* panel, size_t blocks, size_t block, size_t k, float* w) {
  const uint8_t* pair = panel + k / 2 * blocks * packed_unit(layout).bytes;
  for (size_t row = 0; row < kPanelRows; ++row) {
    if (layout == PackedLayout::kF32) {
      w[row] = f32_at(pair, (k % 2 * blocks + block) * 16 + row);
    } else if (layout == PackedLayout::kF16) {
      w[row] = f16_at(pair, block * 32 + k % 2 * 16 + row);
    } else {
      uint16_t bits;
      memcpy(&bits, pair + block * 64 + row * 4 + k % 2 * 2, 2);
      w[row] = bf16_to_f32(bits);
    }
  }
}

void multiply_floats(const PackedView& m, const ActivationView& x, size_t row, size_t rows, float* out,
                     size_t out_stride) {
  const size_t first_row = row / kFloatPanelRows * kFloatPanelRows;
  const size_t all_blocks = (m.rows - first_row + kPanelRows - 1) / kPanelRows;
  const size_t blocks = all_blocks < 4 ? all_blocks : 4, block = (row - first_row) / kPanelRows;
  const uint8_t* panel = m.data + first_row / kPanelRows * m.panel_bytes;
  const size_t columns = (m.columns + 1) / 2 * 2;
  for (size_t first = 0; first < x.tokens; first += kTokenBlock) {
    const size_t tokens = x.tokens - first < kTokenBlock ? x.tokens - first : kTokenBlock;
    float acc[kTokenBlock][kPanelRows] = {};
    for (size_t k = 0; k < columns; ++k) {
      float w[kPanelRows];
      load_floats(m.layout, panel, blocks, block, k, w);
      for (size_t t = 0; t < tokens; ++t) {
        const float value = x.f32[(first + t) * x.padded_columns + k];
        for (size_t i = 0; i < kPanelRows; ++i) acc[t][i] = fmaf(w[i], value, acc[t][i]);
      }
    }
    for (size_t t = 0; t < tokens; ++t) store(acc[t], rows, out + (first + t) * out_stride + row);
  }
}

void multiply(const PackedView* m, const ActivationView* x, size_t row_begin, size_t row_end, float* out,
              size_t out_stride, uint8_t*) {
  for (size_t row = row_begin; row < row_end; row += kPanelRows) {
    const size_t rows = row_end - row < kPanelRows ? row_end - row : kPanelRows;
    if (is_float_layout(m->layout)) {
      multiply_floats(*m, *x, row, rows, out, out_stride);
    } else {
      multiply_quantised(*m, *x, row, rows, out, out_stride);
    }
  }
}

// ---------------------------------------------------------------- activations

// Largest magnitude as bits: integers order magnitudes like floats do, and put infinity and NaN on top.
uint32_t largest_bits(const float* x) {
  uint32_t largest = 0;
  for (size_t i = 0; i < kGroupColumns; ++i) {
    uint32_t bits;
    memcpy(&bits, &x[i], 4);
    bits &= 0x7FFFFFFFu;
    if (bits > largest) largest = bits;
  }
  return largest;
}

ActivationGroup describe(const int8_t* codes, float scale) {
  int32_t first = 0, second = 0;
  for (size_t i = 0; i < 16; ++i) first += codes[i], second += codes[i + 16];
  return {scale, static_cast<float>(first + second), -128 * (first + second), -128 * first};
}

// high = round(x * 127 / amax); low = the rest in 254ths of that step. Rounding is to nearest even. A group with an
// infinity or NaN gets codes 0 and a NaN scale, so that the result is NaN; one below kSmallestAmax is zero.
void quantize_group(const float* x, int8_t* high, ActivationGroup* high_group, int8_t* low,
                    ActivationGroup* low_group) {
  const uint32_t bits = largest_bits(x);
  float amax;
  memcpy(&amax, &bits, 4);
  float scale = amax / 127.0f, inverse = 127.0f / amax;
  if (bits >= 0x7F800000u) scale = __builtin_nanf(""), inverse = 0;
  if (amax < kSmallestAmax) scale = inverse = 0;
  for (size_t i = 0; i < kGroupColumns; ++i) {
    const float y = bits >= 0x7F800000u ? 0.0f : x[i] * inverse;
    const float rounded = nearbyintf(y);
    high[i] = static_cast<int8_t>(rounded);
    if (low != nullptr) low[i] = static_cast<int8_t>(nearbyintf((y - rounded) * 254.0f));
  }
  *high_group = describe(high, scale);
  if (low != nullptr) *low_group = describe(low, scale / 254.0f);
}

void quantize(const float* x, size_t columns, size_t padded_columns, int8_t* high, ActivationGroup* high_groups,
              int8_t* low, ActivationGroup* low_groups) {
  for (size_t k = 0, group = 0; k < padded_columns; k += kGroupColumns, ++group) {
    float padded[kGroupColumns] = {};
    const size_t count = k >= columns ? 0 : columns - k < kGroupColumns ? columns - k : kGroupColumns;
    memcpy(padded, x + (count > 0 ? k : 0), count * sizeof(float));
    quantize_group(padded, high + k, high_groups + group, low == nullptr ? nullptr : low + k,
                   low == nullptr ? nullptr : low_groups + group);
  }
}

// ---------------------------------------------------------------- measuring

uint64_t read(const uint8_t* p, size_t bytes) {
  uint64_t sum[8] = {};
  for (size_t i = 0; i < bytes; i += sizeof(sum)) {
    uint64_t words[8];
    memcpy(words, p + i, sizeof(words));
    for (size_t j = 0; j < 8; ++j) sum[j] += words[j];
  }
  return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

uint64_t dots(size_t rounds) {
  Group g = {};
  int8_t x[kGroupColumns] = {};
  int32_t dot[2][kPanelRows], sum[2];
  for (size_t i = 0; i < rounds; ++i) {
    __asm__ volatile("" : : "r"(&g), "r"(x) : "memory");
    dots(g, x, dot, sum);
    __asm__ volatile("" : : "r"(dot) : "memory");
  }
  return rounds * kGroupColumns * kPanelRows * 2;
}

}  // namespace

const PackedKernels kPackedScalar = {multiply, quantize, read, dots};

}  // namespace shenbi::kernels
