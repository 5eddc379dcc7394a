#pragma once
// Q2_K: 256 weights in 84 bytes (2.625 bits each), sixteen groups of 16. GGUF id 10.
//
//   byte   0..15   scale[g] | min[g] << 4
//   byte  16..79   two halves h of 32 bytes, byte i of half h:
//                  q[128h + i] | q[128h + 32 + i] << 2 | q[128h + 64 + i] << 4 | q[128h + 96 + i] << 6
//   byte  80..81   d       f16
//   byte  82..83   dmin    f16             w = d * scale * q - dmin * min

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q2_KBlock {
  static constexpr size_t kElements = 256;
  uint8_t scales[16];
  uint8_t q[64];
  uint16_t d;
  uint16_t dmin;

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d), dmin32 = f16_to_f32(dmin);
    for (size_t g = 0; g < 16; ++g) to.set(g, 1, d32 * (scales[g] & 0x0F), dmin32 * (scales[g] >> 4));
    for (size_t half = 0; half < 2; ++half) unpack_quarters<32>(q + 32 * half, to.q + 128 * half);
  }
};
static_assert(sizeof(Q2_KBlock) == 84);

inline void encode_q2_k(const float* in, const float* importance, Q2_KBlock& to) noexcept {
  const auto fit = fit_affine_block<16, 16>(CleanBlock<256>(in, importance), 3, 15);
  to.d = fit.d;
  to.dmin = fit.dmin;
  for (size_t g = 0; g < 16; ++g) to.scales[g] = static_cast<uint8_t>(fit.k[g] | (fit.l[g] << 4));
  for (size_t half = 0; half < 2; ++half) pack_quarters<32>(fit.q + 128 * half, to.q + 32 * half);
}

inline QuantType q2_k() { return quantised_type<Q2_KBlock, encode_q2_k>("Q2_K", 10); }

}  // namespace shenbi::kernels::quant
