#pragma once
// Q4_1: 32 weights in 20 bytes (5 bits each). GGUF id 3.
//
//   byte  0..1   d                     f16
//   byte  2..3   m                     f16
//   byte  4..19  q[i] | q[i+16] << 4   w = d * q + m

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"

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

inline QuantType q4_1() { return quantised_type<Q4_1Block>("Q4_1", 3); }

}  // namespace shenbi::kernels::quant
