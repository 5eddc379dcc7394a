#pragma once
// IQ2_S: 256 weights in 82 bytes (2.5625 bits each), sixteen groups of 16. GGUF id 22.
//
//   byte   0..1    d    f16
//   byte   2..33   point[l], low eight bits, one for eight weights, l < 32
//   byte  34..65   signs[l], one bit a weight
//   byte  66..73   byte j: bits 2i, 2i+1 = bits 8, 9 of point[4j + i]
//   byte  74..81   scale[2j] | scale[2j + 1] << 4       w = d * (1/2 + scale) / 4 * +-grid[point]

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ2_SBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint8_t points[32];
  uint8_t signs[32];
  uint8_t points_high[8];
  uint8_t scales[8];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 16; ++g) {
      const int scale = (scales[g / 2] >> (4 * (g % 2))) & 0x0F;
      to.set(g, 1, d32 * (0.5f + static_cast<float>(scale)) * 0.25f);
    }
    for (size_t l = 0; l < 32; ++l) {
      const size_t point = points[l] | (static_cast<size_t>((points_high[l / 4] >> (2 * (l % 4))) & 3) << 8);
      place_signed(kGridIQ2_S[point], signs[l], to.q + 8 * l);
    }
  }
};
static_assert(sizeof(IQ2_SBlock) == 82);

inline QuantType iq2_s() { return quantised_type<IQ2_SBlock>("IQ2_S", 22); }

}  // namespace shenbi::kernels::quant
