#pragma once
// Q4_0: 32 weights in 18 bytes (4.5 bits each). GGUF id 2.
//
//   byte  0..1   d                     f16
//   byte  2..17  q[i] | q[i+16] << 4   w = d * (q - 8)

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"

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

inline QuantType q4_0() { return quantised_type<Q4_0Block>("Q4_0", 2); }

}  // namespace shenbi::kernels::quant
