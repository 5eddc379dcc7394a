#pragma once
// MXFP4 of the OCP microscaling formats: 32 weights in 17 bytes (4.25 bits each). GGUF id 39.
//
//   byte  0       e                       power of two: 2^(e - 127)
//   byte  1..16   c[i] | c[i+16] << 4     w = 2^(e - 127) * E2M1(c)
//
// The integers are 2 * E2M1 (quant_float4.h), so the scale is half of that power.

#include "kernels/quant_block.h"
#include "kernels/quant_float4.h"

namespace shenbi::kernels::quant {

struct MXFP4Block {
  static constexpr size_t kElements = 32;
  uint8_t e;
  uint8_t codes[16];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_float4<16>(codes, to.q);
    to.set(0, 2, half_power_of_two(e));
  }
};
static_assert(sizeof(MXFP4Block) == 17);

inline QuantType mxfp4() { return quantised_type<MXFP4Block>("MXFP4", 39); }

}  // namespace shenbi::kernels::quant
