#pragma once
// IQ3_S: 256 weights in 110 bytes (3.4375 bits each), eight groups of 32. GGUF id 21.
//
//   byte    0..1    d    f16
//   byte    2..65   point[l], low eight bits, one for four weights, l < 64
//   byte   66..73   byte j: bit i = bit 8 of point[8j + i]
//   byte   74..105  signs, one bit a weight
//   byte  106..109  scale[2j] | scale[2j + 1] << 4      w = d * (1 + 2 * scale) * +-grid[point]

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ3_SBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint8_t points[64];
  uint8_t points_high[8];
  uint8_t signs[32];
  uint8_t scales[4];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 8; ++g) {
      const int scale = (scales[g / 2] >> (4 * (g % 2))) & 0x0F;
      to.set(2 * g, 2, d32 * static_cast<float>(1 + 2 * scale));
    }
    for (size_t l = 0; l < 64; ++l) {
      const size_t point = points[l] | (static_cast<size_t>((points_high[l / 8] >> (l % 8)) & 1) << 8);
      place_signed(kGridIQ3_S[point], static_cast<uint32_t>(signs[l / 2] >> (4 * (l % 2))), to.q + 4 * l);
    }
  }
};
static_assert(sizeof(IQ3_SBlock) == 110);

inline QuantType iq3_s() { return quantised_type<IQ3_SBlock>("IQ3_S", 21); }

}  // namespace shenbi::kernels::quant
