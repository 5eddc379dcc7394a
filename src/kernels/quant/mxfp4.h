#pragma once
// MXFP4 of the OCP microscaling formats: 32 weights in 17 bytes (4.25 bits each). GGUF id 39.
//
//   byte  0       e                       power of two: 2^(e - 127)
//   byte  1..16   c[i] | c[i+16] << 4     w = 2^(e - 127) * E2M1(c)
//
// The integers are 2 * E2M1 (quant_float4.h), so the scale is half of that power.

#include "kernels/quant_block.h"
#include "kernels/quant_float4.h"
#include "kernels/quant_search.h"

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

/// The power of two puts the largest weight between 4 and 8, so that it may be clipped to 6; the next larger one clips
/// nothing but is coarser. The better of the two is taken.
inline void encode_mxfp4(const float* in, const float* importance, MXFP4Block& to) noexcept {
  const CleanBlock<32> block(in, importance);
  float largest = 0.0f;
  for (const float x : block.x) largest = std::max(largest, std::fabs(x));
  const int exponent = static_cast<int>(std::bit_cast<uint32_t>(largest) >> 23);  // floor(log2) + 127
  to.e = static_cast<uint8_t>(std::max(exponent - 2, 0));
  if (exponent >= 2 && round_group(block.x, block.c, 32, half_power_of_two(to.e + 1), kFloat4Levels).error <
                           round_group(block.x, block.c, 32, half_power_of_two(to.e), kFloat4Levels).error) {
    ++to.e;
  }
  int8_t q[32];
  round_group(block.x, block.c, 32, half_power_of_two(to.e), kFloat4Levels, q);
  pack_float4<16>(q, to.codes);
}

inline QuantType mxfp4() { return quantised_type<MXFP4Block, encode_mxfp4>("MXFP4", 39); }

}  // namespace shenbi::kernels::quant
