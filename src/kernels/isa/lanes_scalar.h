#pragma once
// Sixteen f32 lanes in plain C++: the definition of what the vector versions (lanes_avx2.h, lanes_avx512.h) compute,
// lane by lane. The three headers define the same names in an unnamed namespace, and a kernel's .inl is compiled once
// over each. Rules that make them equal bit for bit: fma is fused, + - * / sqrt are the IEEE ones, max and min give
// their second operand when either is NaN (as maxps does), and reductions halve: lane i meets lane i + 8, then + 4, +
// 2, + 1.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

#define SHENBI_INLINE inline __attribute__((always_inline))

constexpr size_t kLanes = 16;
// How many Lanes a kernel may keep as sums at once (any number; few, so that a compiler may keep them in registers).
constexpr int kAccumulators = 4;

struct Lanes {
  float v[kLanes];
};
struct Mask {
  bool v[kLanes];
};

template <class F>
SHENBI_INLINE Lanes each_lane(F f) {
  Lanes r;
  for (size_t i = 0; i < kLanes; ++i) r.v[i] = f(i);
  return r;
}
SHENBI_INLINE float from_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}
SHENBI_INLINE uint32_t to_bits(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

SHENBI_INLINE Lanes broadcast(float x) {
  return each_lane([&](size_t) { return x; });
}
SHENBI_INLINE Lanes zero() { return broadcast(0.0f); }
SHENBI_INLINE Lanes lane_index() {
  return each_lane([](size_t i) { return static_cast<float>(i); });
}
SHENBI_INLINE Lanes load(const float* p) {
  Lanes r;
  __builtin_memcpy(r.v, p, sizeof(r.v));
  return r;
}
SHENBI_INLINE void store(float* p, Lanes a) { __builtin_memcpy(p, a.v, sizeof(a.v)); }
// The first n < 16 lanes; the others are `rest` when loaded and left alone when stored.
SHENBI_INLINE Lanes load_first(const float* p, size_t n, float rest = 0.0f) {
  return each_lane([&](size_t i) { return i < n ? p[i] : rest; });
}
SHENBI_INLINE void store_first(float* p, size_t n, Lanes a) {
  for (size_t i = 0; i < n; ++i) p[i] = a.v[i];
}

SHENBI_INLINE Lanes operator+(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] + b.v[i]; });
}
SHENBI_INLINE Lanes operator-(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] - b.v[i]; });
}
SHENBI_INLINE Lanes operator*(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] * b.v[i]; });
}
SHENBI_INLINE Lanes operator/(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] / b.v[i]; });
}
SHENBI_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
  return each_lane([&](size_t i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
SHENBI_INLINE Lanes max(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
SHENBI_INLINE Lanes min(Lanes a, Lanes b) {
  return each_lane([&](size_t i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
SHENBI_INLINE Lanes negate(Lanes a) {
  return each_lane([&](size_t i) { return from_bits(to_bits(a.v[i]) ^ 0x80000000u); });
}
SHENBI_INLINE Lanes abs(Lanes a) {
  return each_lane([&](size_t i) { return from_bits(to_bits(a.v[i]) & 0x7FFFFFFFu); });
}
SHENBI_INLINE Lanes copy_sign(Lanes magnitude, Lanes sign) {
  return each_lane([&](size_t i) {
    return from_bits((to_bits(magnitude.v[i]) & 0x7FFFFFFFu) | (to_bits(sign.v[i]) & 0x80000000u));
  });
}
// 2^(low 9 bits of x's pattern, as a signed number, + offset): x is an integer plus 1.5 * 2^23, see exp() in math.inl.
SHENBI_INLINE Lanes power_of_two(Lanes x, int offset) {
  return each_lane([&](size_t i) { return from_bits((to_bits(x.v[i]) + static_cast<uint32_t>(offset + 127)) << 23); });
}

SHENBI_INLINE Mask operator<(Lanes a, Lanes b) {
  Mask r;
  for (size_t i = 0; i < kLanes; ++i) r.v[i] = a.v[i] < b.v[i];
  return r;
}
SHENBI_INLINE Mask equal(Lanes a, Lanes b) {
  Mask r;
  for (size_t i = 0; i < kLanes; ++i) r.v[i] = a.v[i] == b.v[i];
  return r;
}
// Bit i is lane i.
SHENBI_INLINE uint32_t mask_bits(Mask m) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kLanes; ++i) bits |= static_cast<uint32_t>(m.v[i]) << i;
  return bits;
}
SHENBI_INLINE Lanes select(Mask m, Lanes yes, Lanes no) {
  return each_lane([&](size_t i) { return m.v[i] ? yes.v[i] : no.v[i]; });
}

SHENBI_INLINE float reduce_add(Lanes a) {
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
  }
  return a.v[0];
}
SHENBI_INLINE float reduce_max(Lanes a) {
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
  }
  return a.v[0];
}

// Sixteen pairs of bf16: their even (first, low half) and odd (second) elements as f32.
struct Pairs {
  uint32_t v[kLanes];
};
SHENBI_INLINE Pairs load_pairs(const void* p) {
  Pairs r;
  __builtin_memcpy(r.v, p, sizeof(r.v));
  return r;
}
SHENBI_INLINE Lanes even(Pairs p) {
  return each_lane([&](size_t i) { return from_bits(p.v[i] << 16); });
}
SHENBI_INLINE Lanes odd(Pairs p) {
  return each_lane([&](size_t i) { return from_bits(p.v[i] & 0xFFFF0000u); });
}
// And back, rounded to nearest even; NaN stays a quiet NaN.
SHENBI_INLINE uint32_t round_to_bf16(float x) {
  const uint32_t bits = to_bits(x);
  return x == x ? (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16 : (bits >> 16) | 0x40u;
}
SHENBI_INLINE Pairs make_pairs(Lanes evens, Lanes odds) {
  Pairs r;
  for (size_t i = 0; i < kLanes; ++i) r.v[i] = round_to_bf16(odds.v[i]) << 16 | round_to_bf16(evens.v[i]);
  return r;
}
SHENBI_INLINE void store_pairs(void* p, Pairs a) { __builtin_memcpy(p, a.v, sizeof(a.v)); }

// 32 neighbouring floats <-> those of even and those of odd index.
SHENBI_INLINE void load_split(const float* p, Lanes& evens, Lanes& odds) {
  for (size_t i = 0; i < kLanes; ++i) evens.v[i] = p[2 * i], odds.v[i] = p[2 * i + 1];
}
SHENBI_INLINE void store_joined(float* p, Lanes evens, Lanes odds) {
  for (size_t i = 0; i < kLanes; ++i) p[2 * i] = evens.v[i], p[2 * i + 1] = odds.v[i];
}

inline float square_root(float x) { return __builtin_sqrtf(x); }

}  // namespace
