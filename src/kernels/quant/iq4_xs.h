#pragma once
// IQ4_XS: 256 weights in 136 bytes (4.25 bits each), eight groups of 32 with the levels of IQ4_NL. GGUF id 23.
//
//   byte   0..1    d                                                  f16
//   byte   2..3    bits 2g, 2g+1 = bits 4, 5 of scale[g]              u16
//   byte   4..7    scale[2j] & 15 | (scale[2j + 1] & 15) << 4
//   byte   8..135  eight runs of 16 bytes, run g:
//                  c[32g + i] | c[32g + 16 + i] << 4                  w = d * (scale - 32) * level[c]

#include "kernels/quant_block.h"
#include "kernels/quant_levels.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct IQ4_XSBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t codes[128];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 8; ++g) {
      const int scale = ((scales_low[g / 2] >> (4 * (g % 2))) & 0x0F) | (((scales_high >> (2 * g)) & 3) << 4);
      to.set(2 * g, 2, d32 * static_cast<float>(scale - 32));
      unpack_levels(codes + 16 * g, to.q + 32 * g);
    }
  }
};
static_assert(sizeof(IQ4_XSBlock) == 136);

inline void encode_iq4_xs(const float* in, const float* importance, IQ4_XSBlock& to) noexcept {
  const auto fit = fit_scaled_block<8, 32>(CleanBlock<256>(in, importance), kBellLevels, 12.0f, 3, -32, 31);
  to.d = fit.d;
  to.scales_high = 0;
  std::memset(to.scales_low, 0, sizeof(to.scales_low));
  for (size_t g = 0; g < 8; ++g) {
    const int scale = fit.k[g] + 32;
    to.scales_low[g / 2] |= static_cast<uint8_t>((scale & 0x0F) << (4 * (g % 2)));
    to.scales_high |= static_cast<uint16_t>((scale >> 4) << (2 * g));
    pack_levels(fit.q + 32 * g, to.codes + 16 * g);
  }
}

inline QuantType iq4_xs() { return quantised_type<IQ4_XSBlock, encode_iq4_xs>("IQ4_XS", 23); }

}  // namespace shenbi::kernels::quant
