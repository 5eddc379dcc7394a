#pragma once
// Q2_0: 64 weights in 18 bytes (2.25 bits each). GGUF id 42.
//
//   byte  0..1    d                                                               f16
//   byte  2..17   byte i: q[4i] | q[4i + 1] << 2 | q[4i + 2] << 4 | q[4i + 3] << 6    w = d * (q - 1)

#include "kernels/quant_block.h"
#include "kernels/quant_search.h"

namespace shenbi::kernels::quant {

struct Q2_0Block {
  static constexpr size_t kElements = 64;
  uint16_t d;
  uint8_t q[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    for (size_t i = 0; i < kElements; ++i) to.q[i] = static_cast<int8_t>(((q[i / 4] >> (2 * (i % 4))) & 3) - 1);
    to.set(0, 4, f16_to_f32(d));
  }
};
static_assert(sizeof(Q2_0Block) == 18);

inline void encode_q2_0(const float* in, const float* importance, Q2_0Block& to) noexcept {
  const CleanBlock<64> block(in, importance);
  constexpr UniformLevels kLevels{-1, 2};
  to.d = to_f16_scale_nonzero(fit_scale(block.x, block.c, 64, kLevels, 0.75f, 4));
  int8_t q[64];
  round_group(block.x, block.c, 64, f16_to_f32(to.d), kLevels, q);
  std::memset(to.q, 0, sizeof(to.q));
  for (size_t i = 0; i < 64; ++i) to.q[i / 4] |= static_cast<uint8_t>((q[i] + 1) << (2 * (i % 4)));
}

inline QuantType q2_0() { return quantised_type<Q2_0Block, encode_q2_0>("Q2_0", 42); }

}  // namespace shenbi::kernels::quant
