#pragma once
// Q5_1: 32 weights in 24 bytes (6 bits each). GGUF id 7.
//
//   byte  0..1   d                                   f16
//   byte  2..3   m                                   f16
//   byte  4..7   bit i = bit 4 of q[i]               u32
//   byte  8..23  q[i] & 15 | (q[i+16] & 15) << 4     w = d * q + m

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q5_1Block {
  static constexpr size_t kElements = 32;
  uint16_t d;
  uint16_t m;
  uint8_t high[4];
  uint8_t low[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_five_bits(low, high, to.q);
    to.set(0, 2, f16_to_f32(d), -f16_to_f32(m));
  }
};
static_assert(sizeof(Q5_1Block) == 24);

/// Without importance the bytes of the reference: the range from the smallest to the largest weight in 31 steps. With
/// it, scale and minimum are searched.
inline void encode_q5_1(const float* in, const float* importance, Q5_1Block& to) noexcept {
  const CleanBlock<32> block(in, importance);
  uint8_t q[32];
  if (importance) {
    const Affine affine = fit_affine(block.x, block.c, 32, 31, true);
    to.d = to_f16_scale_nonzero(affine.scale);
    to.m = to_f16_scale(-affine.min);
    round_affine(block.x, block.c, 32, {f16_to_f32(to.d), -f16_to_f32(to.m)}, 31, q);
  } else {
    const auto [low, high] = std::minmax_element(block.x, block.x + 32);
    const float d = (*high - *low) / 31;
    const float inverse = inverse_scale(d);
    to.d = to_f16_scale(d);
    to.m = to_f16_scale(*low);
    for (size_t i = 0; i < 32; ++i)
      q[i] = static_cast<uint8_t>(std::min(31, static_cast<int>((block.x[i] - *low) * inverse + 0.5f)));
  }
  pack_five_bits(q, to.low, to.high);
}

inline QuantType q5_1() { return quantised_type<Q5_1Block, encode_q5_1>("Q5_1", 7); }

}  // namespace shenbi::kernels::quant
