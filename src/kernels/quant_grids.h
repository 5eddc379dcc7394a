#pragma once
// The lattices of the IQ types. A vector of eight (or four) weights is not stored as eight numbers but as the index of
// a point in a fixed list; the list is part of the format, as the shape of a float is.
//
// IQ2 and IQ3 hold magnitudes only (the signs lie elsewhere in the block), IQ1 holds -1, 0, +1.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

template <size_t Points, size_t Dims>
using Grid = std::array<std::array<int8_t, Dims>, Points>;

extern const Grid<2048, 8> kGridIQ1;     ///< IQ1_S and IQ1_M, times 8: -8, 0, 8
extern const Grid<256, 8> kGridIQ2_XXS;  ///< 8, 25, 43
extern const Grid<512, 8> kGridIQ2_XS;   ///< 8, 25, 43
extern const Grid<1024, 8> kGridIQ2_S;   ///< 8, 25, 43
extern const Grid<256, 4> kGridIQ3_XXS;  ///< 4, 12, 20, 28, 36, 44, 52, 62
extern const Grid<512, 4> kGridIQ3_S;    ///< 1, 3, 5, 7, 9, 11, 13, 15

/// Eight signs from seven bits: the number of minus signs is always even.
inline uint8_t even_signs(uint32_t seven_bits) noexcept {
  const uint32_t bits = seven_bits & 127;
  return static_cast<uint8_t>(bits | (static_cast<uint32_t>(std::popcount(bits) & 1) << 7));
}

/// q[j] = point[j], negated where bit j of `signs` is set.
template <size_t Dims>
void place_signed(const std::array<int8_t, Dims>& point, uint32_t signs, int8_t* q) noexcept {
  for (size_t j = 0; j < Dims; ++j) {
    const int minus = -static_cast<int>((signs >> j) & 1);
    q[j] = static_cast<int8_t>((point[j] ^ minus) - minus);
  }
}

/// q[j] = 8 * point[j] + delta for IQ1, the point being times 8 already.
inline void place_shifted(const std::array<int8_t, 8>& point, int delta, int8_t* q) noexcept {
  for (size_t j = 0; j < 8; ++j) q[j] = static_cast<int8_t>(point[j] + delta);
}

}  // namespace shenbi::kernels
