#pragma once
// NVFP4: 64 weights in 36 bytes (4.5 bits each), four groups of 16. GGUF id 40.
//
//   byte  0..3    scale[g]                               UE4M3: an 8-bit float without sign
//   byte  4..35   group g, byte i: c[16g + i] | c[16g + 8 + i] << 4     w = scale * E2M1(c)
//
// The integers are 2 * E2M1 (quant_float4.h), so the scale is half of what is stored.

#include "kernels/quant_block.h"
#include "kernels/quant_float4.h"

namespace shenbi::kernels::quant {

struct NVFP4Block {
  static constexpr size_t kElements = 64;
  uint8_t scales[4];
  uint8_t codes[32];

  void unpack(const Unpacked<kElements>& to) const noexcept {
    for (size_t g = 0; g < 4; ++g) {
      unpack_float4<8>(codes + 8 * g, to.q + 16 * g);
      to.set(g, 1, half_ue4m3(scales[g]));
    }
  }
};
static_assert(sizeof(NVFP4Block) == 36);

inline QuantType nvfp4() { return quantised_type<NVFP4Block>("NVFP4", 40); }

}  // namespace shenbi::kernels::quant
