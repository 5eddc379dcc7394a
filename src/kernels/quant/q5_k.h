#pragma once
// Q5_K: 256 weights in 176 bytes (5.5 bits each), eight groups of 32. GGUF id 13.
//
//   byte   0..1    d                                                  f16
//   byte   2..3    dmin                                               f16
//   byte   4..15   8 x 6-bit scale, 8 x 6-bit min                     quant_nibbles.h draws them
//   byte  16..47   byte i, bit g = bit 4 of q[32g + i]
//   byte  48..175  four runs of 32 bytes, run r:
//                  q[64r + i] & 15 | (q[64r + 32 + i] & 15) << 4      w = d * scale * q - dmin * min

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q5_KBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t low[128];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d), dmin32 = f16_to_f32(dmin);
    uint8_t scale[8], min[8];
    unpack_scales_6(scales, scale, min);
    for (size_t g = 0; g < 8; ++g) to.set(2 * g, 2, d32 * scale[g], dmin32 * min[g]);
    for (size_t run = 0; run < 4; ++run) unpack_nibbles<32>(low + 32 * run, to.q + 64 * run);
    for (size_t g = 0; g < 8; ++g) {
      for (size_t j = 0; j < 32; ++j) to.q[32 * g + j] |= static_cast<int8_t>(((high[j] >> g) & 1) << 4);
    }
  }
};
static_assert(sizeof(Q5_KBlock) == 176);

inline void encode_q5_k(const float* in, const float* importance, Q5_KBlock& to) noexcept {
  const auto fit = fit_affine_block<8, 32>(CleanBlock<256>(in, importance), 31, 63);
  to.d = fit.d;
  to.dmin = fit.dmin;
  pack_scales_6(fit.k, fit.l, to.scales);
  for (size_t run = 0; run < 4; ++run) pack_nibbles<32>(fit.q + 64 * run, to.low + 32 * run);
  std::memset(to.high, 0, sizeof(to.high));
  for (size_t g = 0; g < 8; ++g) {
    for (size_t j = 0; j < 32; ++j) to.high[j] |= static_cast<uint8_t>((fit.q[32 * g + j] >> 4) << g);
  }
}

inline QuantType q5_k() { return quantised_type<Q5_KBlock, encode_q5_k>("Q5_K", 13); }

}  // namespace shenbi::kernels::quant
