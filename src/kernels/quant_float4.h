#pragma once
// The small floats of MXFP4 and NVFP4.
//
// E2M1 (sign, two exponent bits, one of mantissa) knows 0, 1/2, 1, 3/2, 2, 3, 4, 6 and their negatives. Twice that is
// an integer, so the values are kept doubled and every scale is halved. -0 becomes 0.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/quant_search.h"

namespace shenbi::kernels {

inline constexpr int8_t kFloat4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2 * kHalf doubled values from kHalf bytes: the low nibbles are the first half, the high nibbles the second.
template <size_t kHalf>
void unpack_float4(const uint8_t* codes, int8_t* q) noexcept {
  for (size_t j = 0; j < kHalf; ++j) {
    q[j] = kFloat4Doubled[codes[j] & 0x0F];
    q[j + kHalf] = kFloat4Doubled[codes[j] >> 4];
  }
}

inline constexpr ListedLevels<15> kFloat4Levels{{-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12}};

/// The reverse; every q is one of the doubled values.
template <size_t kHalf>
void pack_float4(const int8_t* q, uint8_t* codes) noexcept {
  // Code of each magnitude.
  static constexpr uint8_t kCode[13] = {0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 7};
  const auto code = [](int8_t value) { return value < 0 ? 8 | kCode[-value] : kCode[value]; };
  for (size_t j = 0; j < kHalf; ++j) codes[j] = static_cast<uint8_t>(code(q[j]) | (code(q[j + kHalf]) << 4));
}

/// E8M0, halved: 2^(e - 128). The two smallest are subnormal floats. (255 would be NaN in the OCP paper; the reference
/// implementation reads it as 2^127, and so do we.)
constexpr float half_power_of_two(uint8_t e) noexcept {
  const uint32_t bits = e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23;
  return std::bit_cast<float>(bits);
}

/// UE4M3, halved: bias 7, subnormals below 2^-6. 0x7F (NaN in the paper) is read as 0, and the top bit is not looked at
/// except that it makes 0xFF the number 480 -- both as the reference implementation does.
constexpr float half_ue4m3(uint8_t x) noexcept {
  if (x == 0x7F) return 0.0f;
  const uint32_t exponent = (x >> 3) & 0x0F, mantissa = x & 7;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10f;
  return std::bit_cast<float>(((exponent + 119) << 23) | (mantissa << 20));
}

}  // namespace shenbi::kernels
