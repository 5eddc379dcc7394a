#pragma once
// NVFP4: 64 weights in 36 bytes (4.5 bits each), four groups of 16. GGUF id 40.
//
//   byte  0..3    scale[g]                               UE4M3: an 8-bit float without sign
//   byte  4..35   group g, byte i: c[16g + i] | c[16g + 8 + i] << 4     w = scale * E2M1(c)
//
// The integers are 2 * E2M1 (quant_float4.h), so the scale is half of what is stored.

#include "kernels/quant_block.h"
#include "kernels/quant_float4.h"
#include "kernels/quant_search.h"

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

/// Each group takes the best of the five scales around the one that lays its largest weight on 6.
inline void encode_nvfp4(const float* in, const float* importance, NVFP4Block& to) noexcept {
  const CleanBlock<64> block(in, importance);
  for (size_t g = 0; g < 4; ++g) {
    const float* x = block.x + 16 * g;
    const float* c = block.c + 16 * g;
    float largest = 0.0f;
    for (size_t i = 0; i < 16; ++i) largest = std::max(largest, std::fabs(x[i]));
    int middle = 0;
    while (middle < 0x7E && half_ue4m3(static_cast<uint8_t>(middle)) * 12.0f < largest) ++middle;
    float best = std::numeric_limits<float>::infinity();
    for (int code = std::max(middle - 3, 0); code <= std::min(middle + 1, 0x7E); ++code) {
      const float error = round_group(x, c, 16, half_ue4m3(static_cast<uint8_t>(code)), kFloat4Levels).error;
      if (error < best) {
        best = error;
        to.scales[g] = static_cast<uint8_t>(code);
      }
    }
    int8_t q[16];
    round_group(x, c, 16, half_ue4m3(to.scales[g]), kFloat4Levels, q);
    pack_float4<8>(q, to.codes + 8 * g);
  }
}

inline QuantType nvfp4() { return quantised_type<NVFP4Block, encode_nvfp4>("NVFP4", 40); }

}  // namespace shenbi::kernels::quant
