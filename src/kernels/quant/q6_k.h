#pragma once
// Q6_K: 256 weights in 210 bytes (6.5625 bits each), sixteen groups of 16. GGUF id 14. In each half h of 128 weights,
// with four runs r of 32:
//
//   byte    0..127  64h + i:       q[128h + i] & 15      | (q[128h + 64 + i] & 15) << 4      i < 64
//   byte  128..191  32h + i:       bits 2r, 2r+1 = bits 4, 5 of q[128h + 32r + i]            i < 32
//   byte  192..207  scale[16]      int8
//   byte  208..209  d              f16                    w = d * scale * (q - 32)

#include "kernels/quant_block.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q6_KBlock {
  static constexpr size_t kElements = 256;
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;

  void unpack(const Unpacked<kElements>& to) const noexcept {
    const float d32 = f16_to_f32(d);
    for (size_t g = 0; g < 16; ++g) to.set(g, 1, d32 * scales[g]);
    for (size_t half = 0; half < 2; ++half) {
      for (size_t run = 0; run < 4; ++run) {
        const uint8_t* nibbles = low + 64 * half + 32 * (run % 2);
        const uint8_t* twos = high + 32 * half;
        int8_t* q = to.q + 128 * half + 32 * run;
        for (size_t i = 0; i < 32; ++i) {
          const int nibble = (nibbles[i] >> (run / 2 * 4)) & 0x0F;
          q[i] = static_cast<int8_t>((nibble | (((twos[i] >> (2 * run)) & 3) << 4)) - 32);
        }
      }
    }
  }
};
static_assert(sizeof(Q6_KBlock) == 210);

inline void encode_q6_k(const float* in, const float* importance, Q6_KBlock& to) noexcept {
  const auto fit =
      fit_scaled_block<16, 16>(CleanBlock<256>(in, importance), UniformLevels{-32, 31}, 1.5f, 3, -128, 127);
  to.d = fit.d;
  std::memcpy(to.scales, fit.k, sizeof(to.scales));
  for (size_t half = 0; half < 2; ++half) {
    const int8_t* q = fit.q + 128 * half;
    for (size_t i = 0; i < 64; ++i)
      to.low[64 * half + i] = static_cast<uint8_t>(((q[i] + 32) & 15) | (((q[i + 64] + 32) & 15) << 4));
    for (size_t i = 0; i < 32; ++i) {
      int high = 0;
      for (size_t run = 0; run < 4; ++run) high |= ((q[32 * run + i] + 32) >> 4) << (2 * run);
      to.high[32 * half + i] = static_cast<uint8_t>(high);
    }
  }
}

inline QuantType q6_k() { return quantised_type<Q6_KBlock, encode_q6_k>("Q6_K", 14); }

}  // namespace shenbi::kernels::quant
