#pragma once
// Q5_1: 32 weights in 24 bytes (6 bits each). GGUF id 7.
//
//   byte  0..1   d                                   f16
//   byte  2..3   m                                   f16
//   byte  4..7   bit i = bit 4 of q[i]               u32
//   byte  8..23  q[i] & 15 | (q[i+16] & 15) << 4     w = d * q + m

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"

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

inline QuantType q5_1() { return quantised_type<Q5_1Block>("Q5_1", 7); }

}  // namespace shenbi::kernels::quant
