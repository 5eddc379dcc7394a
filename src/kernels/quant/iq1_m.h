#pragma once
// IQ1_M: 256 weights in 56 bytes (1.75 bits each), sixteen groups of 16. GGUF id 29.
//
//   byte   0..31   point[l], low eight bits, one for eight weights, l < 32
//   byte  32..47   nibble l: bits 0 .. 2 = bits 8 .. 10 of point[l], bit 3: delta = set ? -1/8 : 1/8
//   byte  48..55   four words u16, word j: bits 3i .. 3i+2 = scale[4j + i], bits 12 .. 15 = nibble j of d (f16)
//                  w = d * (2 * scale + 1) * (grid[point] + delta)
//
// grid is -1, 0, 1, so the integers are eight times that and the scale is an eighth.

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ1_MBlock {
  static constexpr size_t kElements = 256;
  uint8_t points[32];
  uint8_t high[16];
  uint16_t words[4];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    uint32_t d = 0;
    for (size_t j = 0; j < 4; ++j) d |= static_cast<uint32_t>(words[j] >> 12) << (4 * j);
    const float d32 = f16_to_f32(static_cast<uint16_t>(d));
    for (size_t g = 0; g < 16; ++g) {
      const int scale = (words[g / 4] >> (3 * (g % 4))) & 7;
      to.set(g, 1, d32 * static_cast<float>(2 * scale + 1) * 0.125f);
    }
    for (size_t l = 0; l < 32; ++l) {
      const uint32_t nibble = static_cast<uint32_t>(high[l / 2] >> (4 * (l % 2)));
      place_shifted(kGridIQ1[points[l] | ((nibble & 7) << 8)], nibble & 8 ? -1 : 1, to.q + 8 * l);
    }
  }
};
static_assert(sizeof(IQ1_MBlock) == 56);

inline QuantType iq1_m() { return quantised_type<IQ1_MBlock>("IQ1_M", 29); }

}  // namespace shenbi::kernels::quant
