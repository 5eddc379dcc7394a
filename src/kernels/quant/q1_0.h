#pragma once
// Q1_0: 128 signs in 18 bytes (1.125 bits each). GGUF id 41.
//
//   byte  0..1    d                          f16
//   byte  2..17   bit i % 8 of byte i / 8    w = set ? d : -d

#include "kernels/quant_block.h"
#include "kernels/quant_search.h"

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

/// For given signs the best d is the mean magnitude.
inline void encode_q1_0(const float* in, const float* importance, Q1_0Block& to) noexcept {
  const CleanBlock<128> block(in, importance);
  double sum = 0, count = 0;
  std::memset(to.signs, 0, sizeof(to.signs));
  for (size_t i = 0; i < 128; ++i) {
    sum += double{block.c[i]} * std::fabs(block.x[i]);
    count += block.c[i];
    to.signs[i / 8] |= static_cast<uint8_t>((block.x[i] >= 0.0f) << (i % 8));
  }
  to.d = to_f16_scale(static_cast<float>(sum / count));
}

inline QuantType q1_0() { return quantised_type<Q1_0Block, encode_q1_0>("Q1_0", 41); }

}  // namespace shenbi::kernels::quant
