#pragma once
// TQ2_0: 256 ternary weights in 66 bytes (2.0625 bits each). GGUF id 35.
//
//   byte   0..63   two halves h of 32 bytes, byte i of half h:
//                  q[128h + i] | q[128h + 32 + i] << 2 | q[128h + 64 + i] << 4 | q[128h + 96 + i] << 6
//   byte  64..65   d    f16                w = d * (q - 1); 3 is a legal pattern and means 2

#include "kernels/quant_block.h"
#include "kernels/quant_nibbles.h"
#include "kernels/quant_ternary.h"

namespace shenbi::kernels::quant {

struct TQ2_0Block {
  static constexpr size_t kElements = 256;
  uint8_t q[64];
  uint16_t d;

  void unpack(const Unpacked<kElements>& to) const noexcept {
    for (size_t half = 0; half < 2; ++half) unpack_quarters<32>(q + 32 * half, to.q + 128 * half, 1);
    to.set(0, 16, f16_to_f32(d));
  }
};
static_assert(sizeof(TQ2_0Block) == 66);

inline void encode_tq2_0(const float* in, const float* importance, TQ2_0Block& to) noexcept {
  uint8_t q[256];
  to.d = fit_ternary(CleanBlock<256>(in, importance), q);
  for (size_t half = 0; half < 2; ++half) pack_quarters<32>(q + 128 * half, to.q + 32 * half);
}

inline QuantType tq2_0() { return quantised_type<TQ2_0Block, encode_tq2_0>("TQ2_0", 35); }

}  // namespace shenbi::kernels::quant
