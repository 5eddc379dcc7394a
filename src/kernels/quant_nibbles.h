#pragma once
// How several types lay small integers side by side, in one place: nibbles, pairs of bits, and the high bits that
// extend them.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace shenbi::kernels {

/// 2 * kHalf values from kHalf bytes: the low nibbles are the first half, the high nibbles the second.
template <size_t kHalf>
void unpack_nibbles(const uint8_t* bytes, int8_t* q, int offset = 0) noexcept {
  for (size_t j = 0; j < kHalf; ++j) {
    q[j] = static_cast<int8_t>((bytes[j] & 0x0F) - offset);
    q[j + kHalf] = static_cast<int8_t>((bytes[j] >> 4) - offset);
  }
}

/// The reverse; values 0..15.
template <size_t kHalf>
void pack_nibbles(const uint8_t* q, uint8_t* bytes) noexcept {
  for (size_t j = 0; j < kHalf; ++j) bytes[j] = static_cast<uint8_t>((q[j] & 0x0F) | (q[j + kHalf] << 4));
}

/// 4 * kQuarter values from kQuarter bytes: the lowest two bits are the first quarter, and so on.
template <size_t kQuarter>
void unpack_quarters(const uint8_t* bytes, int8_t* q, int offset = 0) noexcept {
  for (size_t r = 0; r < 4; ++r) {
    for (size_t j = 0; j < kQuarter; ++j)
      q[r * kQuarter + j] = static_cast<int8_t>(((bytes[j] >> (2 * r)) & 3) - offset);
  }
}

/// The reverse; values 0..3.
template <size_t kQuarter>
void pack_quarters(const uint8_t* q, uint8_t* bytes) noexcept {
  for (size_t j = 0; j < kQuarter; ++j) {
    bytes[j] =
        static_cast<uint8_t>(q[j] | (q[j + kQuarter] << 2) | (q[j + 2 * kQuarter] << 4) | (q[j + 3 * kQuarter] << 6));
  }
}

/// 32 five-bit values: nibbles as above, and bit j of the little-endian word `high` is bit 4 of value j.
inline void unpack_five_bits(const uint8_t* nibbles, const uint8_t* high, int8_t* q, int offset = 0) noexcept {
  for (size_t j = 0; j < 16; ++j) {
    const int low_half = (nibbles[j] & 0x0F) | (((high[j / 8] >> (j % 8)) & 1) << 4);
    const int high_half = (nibbles[j] >> 4) | (((high[2 + j / 8] >> (j % 8)) & 1) << 4);
    q[j] = static_cast<int8_t>(low_half - offset);
    q[j + 16] = static_cast<int8_t>(high_half - offset);
  }
}

inline void pack_five_bits(const uint8_t* q, uint8_t* nibbles, uint8_t* high) noexcept {
  pack_nibbles<16>(q, nibbles);
  std::memset(high, 0, 4);
  for (size_t j = 0; j < 32; ++j) high[j / 8] |= static_cast<uint8_t>((q[j] >> 4) << (j % 8));
}

/// Q4_K and Q5_K keep eight 6-bit scales and eight 6-bit minima in 12 bytes:
///
///   byte  0..3   scale[0..3]  | scale[4..7] bits 4-5 << 6
///   byte  4..7   min[0..3]    | min[4..7] bits 4-5 << 6
///   byte  8..11  scale[4..7] bits 0-3 | min[4..7] bits 0-3 << 4
inline void unpack_scales_6(const uint8_t* bytes, uint8_t* scale, uint8_t* min) noexcept {
  for (size_t j = 0; j < 4; ++j) {
    scale[j] = bytes[j] & 63;
    min[j] = bytes[j + 4] & 63;
    scale[j + 4] = static_cast<uint8_t>((bytes[j + 8] & 0x0F) | ((bytes[j] >> 6) << 4));
    min[j + 4] = static_cast<uint8_t>((bytes[j + 8] >> 4) | ((bytes[j + 4] >> 6) << 4));
  }
}

inline void pack_scales_6(const uint8_t* scale, const uint8_t* min, uint8_t* bytes) noexcept {
  for (size_t j = 0; j < 4; ++j) {
    bytes[j] = static_cast<uint8_t>(scale[j] | ((scale[j + 4] >> 4) << 6));
    bytes[j + 4] = static_cast<uint8_t>(min[j] | ((min[j + 4] >> 4) << 6));
    bytes[j + 8] = static_cast<uint8_t>((scale[j + 4] & 0x0F) | ((min[j + 4] & 0x0F) << 4));
  }
}

}  // namespace shenbi::kernels
