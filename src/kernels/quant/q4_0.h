#pragma once
// Q4_0: 32 weights in 18 bytes (4.5 bits each). GGUF id 2.
//
//   byte  0..1   d                     f16
//   byte  2..17  q[i] | q[i+16] << 4   w = d * (q - 8)

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q4_0Block {
  static constexpr size_t kElements = 32;
  uint16_t d;
  uint8_t q[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_nibbles<16>(q, to.q, 8);
    to.set(0, 2, f16_to_f32(d));
  }
};
static_assert(sizeof(Q4_0Block) == 18);

/// Without importance the bytes of the reference: the weight farthest from zero becomes -8. With it, the scale is
/// searched.
inline void encode_q4_0(const float* in, const float* importance, Q4_0Block& to) noexcept {
  const CleanBlock<32> block(in, importance);
  uint8_t q[32];
  if (importance) {
    to.d = to_f16_scale_nonzero(fit_scale(block.x, block.c, 32, UniformLevels{-8, 7}, 1.5f, 4));
    int8_t levels[32];
    round_group(block.x, block.c, 32, f16_to_f32(to.d), UniformLevels{-8, 7}, levels);
    for (size_t i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>(levels[i] + 8);
  } else {
    float largest = 0.0f;
    for (const float x : block.x) largest = std::fabs(x) > std::fabs(largest) ? x : largest;
    const float d = largest / -8;
    const float inverse = inverse_scale(d);
    to.d = to_f16_scale(d);
    for (size_t i = 0; i < 32; ++i)
      q[i] = static_cast<uint8_t>(std::min(15, static_cast<int>(block.x[i] * inverse + 8.5f)));
  }
  pack_nibbles<16>(q, to.q);
}

inline QuantType q4_0() { return quantised_type<Q4_0Block, encode_q4_0>("Q4_0", 2); }

}  // namespace shenbi::kernels::quant
