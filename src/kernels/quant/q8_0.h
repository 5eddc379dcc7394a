#pragma once
// Q8_0: 32 weights in 34 bytes (8.5 bits each). GGUF id 8.
//
//   byte  0..1   d     f16
//   byte  2..33  q[i]  int8            w = d * q

#include "kernels/quant_block.h"
#include "kernels/quant_search.h"

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

/// d = largest / 127, q = x / d rounded half away from zero: the bytes of the reference. Importance changes nothing
/// here.
inline void encode_q8_0(const float* in, const float*, Q8_0Block& to) noexcept {
  const CleanBlock<32> block(in, nullptr);
  float largest = 0.0f;
  for (const float x : block.x) largest = std::max(largest, std::fabs(x));
  const float d = largest / 127.0f;
  const float inverse = inverse_scale(d);
  to.d = to_f16_scale(d);
  for (size_t i = 0; i < 32; ++i) {
    const float value = block.x[i] * inverse;
    const int whole = static_cast<int>(value);
    const float rest = value - static_cast<float>(whole);
    to.q[i] = static_cast<int8_t>(whole + (rest >= 0.5f) - (rest <= -0.5f));
  }
}

inline QuantType q8_0() { return quantised_type<Q8_0Block, encode_q8_0>("Q8_0", 8); }

}  // namespace shenbi::kernels::quant
