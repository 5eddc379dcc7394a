#pragma once
// Q8_0: 32 weights in 34 bytes (8.5 bits each). GGUF id 8.
//
//   byte  0..1   d     f16
//   byte  2..33  q[i]  int8            w = d * q

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

struct Q8_0Block {
  static constexpr size_t kElements = 32;
  uint16_t d;
  int8_t q[32];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    std::memcpy(to.q, q, sizeof(q));
    to.set(0, 2, f16_to_f32(d));
  }
};
static_assert(sizeof(Q8_0Block) == 34);

inline QuantType q8_0() { return quantised_type<Q8_0Block>("Q8_0", 8); }

}  // namespace shenbi::kernels::quant
