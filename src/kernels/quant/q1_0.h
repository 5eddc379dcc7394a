#pragma once
// Q1_0: 128 signs in 18 bytes (1.125 bits each). GGUF id 41.
//
//   byte  0..1    d                          f16
//   byte  2..17   bit i % 8 of byte i / 8    w = set ? d : -d

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

struct Q1_0Block {
  static constexpr size_t kElements = 128;
  uint16_t d;
  uint8_t signs[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    for (size_t i = 0; i < kElements; ++i) to.q[i] = static_cast<int8_t>(2 * ((signs[i / 8] >> (i % 8)) & 1) - 1);
    to.set(0, 8, f16_to_f32(d));
  }
};
static_assert(sizeof(Q1_0Block) == 18);

inline QuantType q1_0() { return quantised_type<Q1_0Block>("Q1_0", 41); }

}  // namespace shenbi::kernels::quant
