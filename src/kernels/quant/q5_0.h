#pragma once
// Q5_0: 32 weights in 22 bytes (5.5 bits each). GGUF id 6.
//
//   byte  0..1   d                                   f16
//   byte  2..5   bit i = bit 4 of q[i]               u32
//   byte  6..21  q[i] & 15 | (q[i+16] & 15) << 4     w = d * (q - 16)

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q5_0Block {
  static constexpr size_t kElements = 32;
  uint16_t d;
  uint8_t high[4];
  uint8_t low[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_five_bits(low, high, to.q, 16);
    to.set(0, 2, f16_to_f32(d));
  }
};
static_assert(sizeof(Q5_0Block) == 22);

/// Without importance the bytes of the reference: the weight farthest from zero becomes -16. With it, the scale is
/// searched.
inline void encode_q5_0(const float* in, const float* importance, Q5_0Block& to) noexcept {
  const CleanBlock<32> block(in, importance);
  uint8_t q[32];
  if (importance) {
    to.d = to_f16_scale_nonzero(fit_scale(block.x, block.c, 32, UniformLevels{-16, 15}, 1.5f, 4));
    int8_t levels[32];
    round_group(block.x, block.c, 32, f16_to_f32(to.d), UniformLevels{-16, 15}, levels);
    for (size_t i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>(levels[i] + 16);
  } else {
    float largest = 0.0f;
    for (const float x : block.x) largest = std::fabs(x) > std::fabs(largest) ? x : largest;
    const float d = largest / -16;
    const float inverse = inverse_scale(d);
    to.d = to_f16_scale(d);
    for (size_t i = 0; i < 32; ++i)
      q[i] = static_cast<uint8_t>(std::min(31, static_cast<int>(block.x[i] * inverse + 16.5f)));
  }
  pack_five_bits(q, to.low, to.high);
}

inline QuantType q5_0() { return quantised_type<Q5_0Block, encode_q5_0>("Q5_0", 6); }

}  // namespace shenbi::kernels::quant
