#pragma once
// Q5_0: 32 weights in 22 bytes (5.5 bits each). GGUF id 6.
//
//   byte  0..1   d                                   f16
//   byte  2..5   bit i = bit 4 of q[i]               u32
//   byte  6..21  q[i] & 15 | (q[i+16] & 15) << 4     w = d * (q - 16)

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"

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

inline QuantType q5_0() { return quantised_type<Q5_0Block>("Q5_0", 6); }

}  // namespace shenbi::kernels::quant
