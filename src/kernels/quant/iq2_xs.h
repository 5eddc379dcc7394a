#pragma once
// IQ2_XS: 256 weights in 74 bytes (2.3125 bits each), sixteen groups of 16. GGUF id 17.
//
//   byte   0..1    d    f16
//   byte   2..65   32 words u16, one for eight weights: point (9 bits) | signs << 9 (7 bits, the eighth makes them
//   even) byte  66..73   scale[2j] | scale[2j + 1] << 4       w = d * (1/2 + scale) / 4 * +-grid[point]

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ2_XSBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint16_t words[32];
  uint8_t scales[8];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 16; ++g) {
      const int scale = (scales[g / 2] >> (4 * (g % 2))) & 0x0F;
      to.set(g, 1, d32 * (0.5f + static_cast<float>(scale)) * 0.25f);
    }
    for (size_t l = 0; l < 32; ++l) place_signed(kGridIQ2_XS[words[l] & 511], even_signs(words[l] >> 9), to.q + 8 * l);
  }
};
static_assert(sizeof(IQ2_XSBlock) == 74);

inline QuantType iq2_xs() { return quantised_type<IQ2_XSBlock>("IQ2_XS", 17); }

}  // namespace shenbi::kernels::quant
