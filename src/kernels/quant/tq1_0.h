#pragma once
// TQ1_0: 256 ternary weights in 54 bytes (1.6875 bits each). GGUF id 34.
//
//   byte   0..31   byte i holds q[32n + i],       n < 5
//   byte  32..47   byte i holds q[160 + 16n + i], n < 5
//   byte  48..51   byte i holds q[240 + 4n + i],  n < 4
//   byte  52..53   d    f16                w = d * (q - 1)
//
// Five digits t[0] .. t[4] in 0..2 make the number sum t[n] * 3^(4-n) < 243, and the byte is that number * 256 / 243
// rounded up. So the byte is a fraction of 256 whose base-3 digits come out from the top: multiplying by 3^n modulo 256
// drops the first n digits, and * 3 >> 8 reads the next.

#include "kernels/quant_block.h"
#include "kernels/quant_ternary.h"

namespace shenbi::kernels::quant {

struct TQ1_0Block {
  static constexpr size_t kElements = 256;
  uint8_t fives[48];
  uint8_t fours[4];
  uint16_t d;

  /// `digits` runs of `width` weights from `width` bytes.
  static void unpack_digits(const uint8_t* bytes, size_t width, size_t digits, int8_t* q) noexcept {
    static constexpr uint8_t kPowers[] = {1, 3, 9, 27, 81};
    for (size_t n = 0; n < digits; ++n) {
      for (size_t i = 0; i < width; ++i) {
        const uint8_t rest = static_cast<uint8_t>(bytes[i] * kPowers[n]);
        q[n * width + i] = static_cast<int8_t>(((rest * 3) >> 8) - 1);
      }
    }
  }

  void unpack(const Unpacked<kElements>& to) const noexcept {
    unpack_digits(fives, 32, 5, to.q);
    unpack_digits(fives + 32, 16, 5, to.q + 160);
    unpack_digits(fours, 4, 4, to.q + 240);
    to.set(0, 16, f16_to_f32(d));
  }
};
static_assert(sizeof(TQ1_0Block) == 54);

/// The reverse of unpack_digits(), for values 0..2; four digits are followed by a fifth that is 0.
inline void pack_digits(const uint8_t* q, size_t width, size_t digits, uint8_t* bytes) noexcept {
  for (size_t i = 0; i < width; ++i) {
    unsigned number = 0;
    for (size_t n = 0; n < 5; ++n) number = number * 3 + (n < digits ? q[n * width + i] : 0);
    bytes[i] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

inline void encode_tq1_0(const float* in, const float* importance, TQ1_0Block& to) noexcept {
  uint8_t q[256];
  to.d = fit_ternary(CleanBlock<256>(in, importance), q);
  pack_digits(q, 32, 5, to.fives);
  pack_digits(q + 160, 16, 5, to.fives + 32);
  pack_digits(q + 240, 4, 4, to.fours);
}

inline QuantType tq1_0() { return quantised_type<TQ1_0Block, encode_tq1_0>("TQ1_0", 34); }

}  // namespace shenbi::kernels::quant
