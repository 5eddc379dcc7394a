#pragma once
// Q4_1: 32 weights in 20 bytes (5 bits each). GGUF id 3.
//
//   byte  0..1   d                     f16
//   byte  2..3   m                     f16
//   byte  4..19  q[i] | q[i+16] << 4   w = d * q + m

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q4_1Block {
  static constexpr size_t kElements = 32;
  uint16_t d;
  uint16_t m;
  uint8_t q[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_nibbles<16>(q, to.q);
    to.set(0, 2, f16_to_f32(d), -f16_to_f32(m));
  }
};
static_assert(sizeof(Q4_1Block) == 20);

/// Without importance the bytes of the reference: the range from the smallest to the largest weight in 15 steps. With
/// it, scale and minimum are searched.
inline void encode_q4_1(const float* in, const float* importance, Q4_1Block& to) noexcept {
  const CleanBlock<32> block(in, importance);
  uint8_t q[32];
  if (importance) {
    const Affine affine = fit_affine(block.x, block.c, 32, 15, true);
    to.d = to_f16_scale_nonzero(affine.scale);
    to.m = to_f16_scale(-affine.min);
    round_affine(block.x, block.c, 32, {f16_to_f32(to.d), -f16_to_f32(to.m)}, 15, q);
  } else {
    const auto [low, high] = std::minmax_element(block.x, block.x + 32);
    const float d = (*high - *low) / 15;
    const float inverse = inverse_scale(d);
    to.d = to_f16_scale(d);
    to.m = to_f16_scale(*low);
    for (size_t i = 0; i < 32; ++i)
      q[i] = static_cast<uint8_t>(std::min(15, static_cast<int>((block.x[i] - *low) * inverse + 0.5f)));
  }
  pack_nibbles<16>(q, to.q);
}

inline QuantType q4_1() { return quantised_type<Q4_1Block, encode_q4_1>("Q4_1", 3); }

}  // namespace shenbi::kernels::quant
