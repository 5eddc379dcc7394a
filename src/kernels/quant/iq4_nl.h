#pragma once
// IQ4_NL: 32 weights in 18 bytes (4.5 bits each), levels denser near zero. GGUF id 20.
//
//   byte  0..1   d                     f16
//   byte  2..17  c[i] | c[i+16] << 4   w = d * level[c]

#include "kernels/quant_block.h"
#include "kernels/quant_levels.h"

namespace shenbi::kernels::quant {

struct IQ4_NLBlock {
  static constexpr size_t kElements = 32;
  uint16_t d;
  uint8_t codes[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_levels(codes, to.q);
    to.set(0, 2, f16_to_f32(d));
  }
};
static_assert(sizeof(IQ4_NLBlock) == 18);

inline QuantType iq4_nl() { return quantised_type<IQ4_NLBlock>("IQ4_NL", 20); }

}  // namespace shenbi::kernels::quant
