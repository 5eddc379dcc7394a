#pragma once
// The sixteen levels of IQ4_NL and IQ4_XS: denser around zero, where bell-shaped weights lie.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/quant_search.h"

namespace shenbi::kernels {

inline constexpr int8_t kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 levels from 16 bytes: the low nibbles are the first half.
inline void unpack_levels(const uint8_t* codes, int8_t* q) noexcept {
  for (size_t j = 0; j < 16; ++j) {
    q[j] = kLevels[codes[j] & 0x0F];
    q[j + 16] = kLevels[codes[j] >> 4];
  }
}

inline constexpr ListedLevels<16> kBellLevels{
    {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}};

/// The reverse; every q is one of the levels.
inline void pack_levels(const int8_t* q, uint8_t* codes) noexcept {
  const auto code = [](int8_t level) {
    return static_cast<uint8_t>(std::lower_bound(kLevels, kLevels + 15, level) - kLevels);
  };
  for (size_t j = 0; j < 16; ++j) codes[j] = static_cast<uint8_t>(code(q[j]) | (code(q[j + 16]) << 4));
}

}  // namespace shenbi::kernels
