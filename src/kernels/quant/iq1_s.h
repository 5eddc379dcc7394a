#pragma once
// IQ1_S: 256 weights in 50 bytes (1.5625 bits each), eight groups of 32. GGUF id 19.
//
//   byte   0..1    d    f16
//   byte   2..33   point[l], low eight bits, one for eight weights, l < 32
//   byte  34..49   eight words u16, word g: bits 3i .. 3i+2   bits 8 .. 10 of point[4g + i]
//                                           bits 12 .. 14     scale
//                                           bit 15            delta = set ? -1/8 : 1/8
//                  w = d * (2 * scale + 1) * (grid[point] + delta)
//
// grid is -1, 0, 1, so the integers are eight times that and the scale is an eighth.

#include "kernels/quant_block.h"
#include "kernels/quant_grids.h"

namespace shenbi::kernels::quant {

struct IQ1_SBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint8_t points[32];
  uint16_t words[8];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 8; ++g) {
      const uint32_t word = words[g];
      to.set(2 * g, 2, d32 * static_cast<float>(2 * ((word >> 12) & 7) + 1) * 0.125f);
      for (size_t i = 0; i < 4; ++i) {
        const size_t point = points[4 * g + i] | (((word >> (3 * i)) & 7) << 8);
        place_shifted(kGridIQ1[point], word & 0x8000 ? -1 : 1, to.q + 32 * g + 8 * i);
      }
    }
  }
};
static_assert(sizeof(IQ1_SBlock) == 50);

inline QuantType iq1_s() { return quantised_type<IQ1_SBlock>("IQ1_S", 19); }

}  // namespace shenbi::kernels::quant
