#pragma once
// The sixteen levels of IQ4_NL and IQ4_XS: denser around zero, where bell-shaped weights lie.

#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

inline constexpr int8_t kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 levels from 16 bytes: the low nibbles are the first half.
inline void unpack_levels(const uint8_t* codes, int8_t* q) noexcept {
  for (size_t j = 0; j < 16; ++j) {
    q[j] = kLevels[codes[j] & 0x0F];
    q[j + 16] = kLevels[codes[j] >> 4];
  }
}

}  // namespace shenbi::kernels
