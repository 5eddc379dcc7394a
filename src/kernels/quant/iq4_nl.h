#pragma once
// IQ4_NL: 32 weights in 18 bytes (4.5 bits each), levels denser near zero. GGUF id 20.
//
//   byte  0..1   d                     f16
//   byte  2..17  c[i] | c[i+16] << 4   w = d * level[c]

#include "kernels/quant_block.h"
#include "kernels/quant_levels.h"
#include "kernels/quant_search.h"

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

inline void encode_iq4_nl(const float* in, const float* importance, IQ4_NLBlock& to) noexcept {
  const CleanBlock<32> block(in, importance);
  to.d = to_f16_scale_nonzero(fit_scale(block.x, block.c, 32, kBellLevels, 12.0f, 3));
  // There is no level 0: beside the smallest f16 scale, nothing at all may be the better block.
  if (round_group(block.x, block.c, 32, f16_to_f32(to.d), kBellLevels).error >
      round_group(block.x, block.c, 32, 0.0f, kBellLevels).error) {
    to.d = 0;
  }
  int8_t q[32];
  round_group(block.x, block.c, 32, f16_to_f32(to.d), kBellLevels, q);
  pack_levels(q, to.codes);
}

inline QuantType iq4_nl() { return quantised_type<IQ4_NLBlock, encode_iq4_nl>("IQ4_NL", 20); }

}  // namespace shenbi::kernels::quant
