#pragma once
// IQ2_XXS: 256 weights in 66 bytes (2.0625 bits each), eight groups of 32. GGUF id 16.
//
//   byte  0..1    d    f16
//   byte  2..65   eight runs of 8 bytes, run g:
//                 byte 0..3   point[l]              of eight weights each, l < 4
//                 byte 4..7   u32: bits 7l .. 7l+6  signs of point l (the eighth makes the minus signs even)
//                                  bits 28 .. 31    scale
//                 w = d * (1/2 + scale) / 4 * +-grid[point]

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ2_XXSBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  struct {
    uint8_t points[4];
    uint8_t signs_and_scale[4];
  } groups[8];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 8; ++g) {
      uint32_t word;
      std::memcpy(&word, groups[g].signs_and_scale, 4);
      to.set(2 * g, 2, d32 * (0.5f + static_cast<float>(word >> 28)) * 0.25f);
      for (size_t l = 0; l < 4; ++l) {
        place_signed(kGridIQ2_XXS[groups[g].points[l]], even_signs(word >> (7 * l)), to.q + 32 * g + 8 * l);
      }
    }
  }
};
static_assert(sizeof(IQ2_XXSBlock) == 66);

inline QuantType iq2_xxs() { return quantised_type<IQ2_XXSBlock>("IQ2_XXS", 16); }

}  // namespace shenbi::kernels::quant
