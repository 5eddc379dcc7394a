#pragma once
// Q4_K: 256 weights in 144 bytes (4.5 bits each), eight groups of 32. GGUF id 12.
//
//   byte   0..1    d                                          f16
//   byte   2..3    dmin                                       f16
//   byte   4..15   8 x 6-bit scale, 8 x 6-bit min             quant_nibbles.h draws them
//   byte  16..143  four runs of 32 bytes, run r:
//                  q[64r + i] | q[64r + 32 + i] << 4          w = d * scale * q - dmin * min

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q4_KBlock {
  static constexpr size_t kElements = 256;
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t q[128];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d), dmin32 = f16_to_f32(dmin);
    uint8_t scale[8], min[8];
    unpack_scales_6(scales, scale, min);
    for (size_t g = 0; g < 8; ++g) to.set(2 * g, 2, d32 * scale[g], dmin32 * min[g]);
    for (size_t run = 0; run < 4; ++run) unpack_nibbles<32>(q + 32 * run, to.q + 64 * run);
  }
};
static_assert(sizeof(Q4_KBlock) == 144);

inline void encode_q4_k(const float* in, const float* importance, Q4_KBlock& to) noexcept {
  const auto fit = fit_affine_block<8, 32>(CleanBlock<256>(in, importance), 15, 63);
  to.d = fit.d;
  to.dmin = fit.dmin;
  pack_scales_6(fit.k, fit.l, to.scales);
  for (size_t run = 0; run < 4; ++run) pack_nibbles<32>(fit.q + 64 * run, to.q + 32 * run);
}

inline QuantType q4_k() { return quantised_type<Q4_KBlock, encode_q4_k>("Q4_K", 12); }

}  // namespace shenbi::kernels::quant
