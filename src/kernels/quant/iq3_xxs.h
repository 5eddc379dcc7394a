#pragma once
// IQ3_XXS: 256 weights in 98 bytes (3.0625 bits each), eight groups of 32. GGUF id 18.
//
//   byte   0..1    d    f16
//   byte   2..65   point[l], one for four weights, l < 64
//   byte  66..97   eight words u32, word g: bits 7i .. 7i+6   signs of weights 32g + 8i .. 8i + 7 (the eighth makes
//   them even)
//                                           bits 28 .. 31     scale
//                  w = d * (1/2 + scale) / 2 * +-grid[point]

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ3_XXSBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint8_t points[64];
  uint8_t signs_and_scales[32];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 8; ++g) {
      uint32_t word;
      std::memcpy(&word, signs_and_scales + 4 * g, 4);
      to.set(2 * g, 2, d32 * (0.5f + static_cast<float>(word >> 28)) * 0.5f);
      for (size_t i = 0; i < 4; ++i) {
        const uint32_t signs = even_signs(word >> (7 * i));
        int8_t* q = to.q + 32 * g + 8 * i;
        place_signed(kGridIQ3_XXS[points[8 * g + 2 * i]], signs, q);
        place_signed(kGridIQ3_XXS[points[8 * g + 2 * i + 1]], signs >> 4, q + 4);
      }
    }
  }
};
static_assert(sizeof(IQ3_XXSBlock) == 98);

inline QuantType iq3_xxs() { return quantised_type<IQ3_XXSBlock>("IQ3_XXS", 18); }

}  // namespace shenbi::kernels::quant
