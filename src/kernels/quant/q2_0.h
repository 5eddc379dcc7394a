#pragma once
// Q2_0: 64 weights in 18 bytes (2.25 bits each). GGUF id 42.
//
//   byte  0..1    d                                                               f16
//   byte  2..17   byte i: q[4i] | q[4i + 1] << 2 | q[4i + 2] << 4 | q[4i + 3] << 6    w = d * (q - 1)

#include "kernels/quant_block.h"

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

inline QuantType q2_0() { return quantised_type<Q2_0Block>("Q2_0", 42); }

}  // namespace shenbi::kernels::quant
