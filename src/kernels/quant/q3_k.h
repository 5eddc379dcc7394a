#pragma once
// Q3_K: 256 weights in 110 bytes (3.4375 bits each), sixteen groups of 16. GGUF id 11.
//
//   byte    0..31    byte i, bit r = bit 2 of q[32r + i]
//   byte   32..95    two halves h of 32 bytes, byte i of half h: bits 0, 1 of
//                    q[128h + i] | q[128h + 32 + i] << 2 | q[128h + 64 + i] << 4 | q[128h + 96 + i] << 6
//   byte   96..103   scale[j] & 15 | (scale[j + 8] & 15) << 4                                      j < 8
//   byte  104..107   byte j: bits 4, 5 of scale[j], scale[j + 4], scale[j + 8], scale[j + 12]      j < 4, two bits each
//   byte  108..109   d    f16              w = d * (scale - 32) * (q - 4)

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q3_KBlock {
  static constexpr size_t kElements = 256;
  uint8_t high[32];
  uint8_t low[64];
  uint8_t scales[12];
  uint16_t d;

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 16; ++g) {
      const int low4 = (scales[g % 8] >> (g / 8 * 4)) & 0x0F;
      const int high2 = (scales[8 + g % 4] >> (g / 4 * 2)) & 3;
      to.set(g, 1, d32 * static_cast<float>((low4 | (high2 << 4)) - 32));
    }
    for (size_t half = 0; half < 2; ++half) unpack_quarters<32>(low + 32 * half, to.q + 128 * half);
    for (size_t run = 0; run < 8; ++run) {
      for (size_t i = 0; i < 32; ++i) {
        int8_t& q = to.q[32 * run + i];
        q = static_cast<int8_t>((q | (((high[i] >> run) & 1) << 2)) - 4);
      }
    }
  }
};
static_assert(sizeof(Q3_KBlock) == 110);

inline void encode_q3_k(const float* in, const float* importance, Q3_KBlock& to) noexcept {
  const auto fit = fit_scaled_block<16, 16>(CleanBlock<256>(in, importance), UniformLevels{-4, 3}, 1.0f, 3, -32, 31);
  to.d = fit.d;
  std::memset(to.scales, 0, sizeof(to.scales));
  for (size_t g = 0; g < 16; ++g) {
    const int scale = fit.k[g] + 32;
    to.scales[g % 8] |= static_cast<uint8_t>((scale & 0x0F) << (g / 8 * 4));
    to.scales[8 + g % 4] |= static_cast<uint8_t>((scale >> 4) << (g / 4 * 2));
  }
  uint8_t low_bits[256];
  std::memset(to.high, 0, sizeof(to.high));
  for (size_t i = 0; i < 256; ++i) {
    const int q = fit.q[i] + 4;
    low_bits[i] = static_cast<uint8_t>(q & 3);
    to.high[i % 32] |= static_cast<uint8_t>((q >> 2) << (i / 32));
  }
  for (size_t half = 0; half < 2; ++half) pack_quarters<32>(low_bits + 128 * half, to.low + 32 * half);
}

inline QuantType q3_k() { return quantised_type<Q3_KBlock, encode_q3_k>("Q3_K", 11); }

}  // namespace shenbi::kernels::quant
