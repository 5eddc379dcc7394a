#pragma once
// Sixteen f32 lanes without any machine's instructions: the definition of what the vector versions (lanes_avx2.h,
// lanes_avx512.h) compute, lane by lane. The three headers define the same names in an unnamed namespace, and a
// kernel's .inl is compiled once over each. Rules that make them equal bit for bit: fma is fused, + - * / sqrt are the
// IEEE ones, max and min give their second operand when either is NaN (as maxps does), and reductions halve: lane i
// meets lane i + 8, then + 4, + 2, + 1.

// Nothing here crosses a translation unit, so how such vectors are passed does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

#define SHENBI_INLINE inline __attribute__((always_inline))

constexpr size_t kLanes = 16;
// How many Lanes a kernel may keep as sums at once (any number; few, so that a compiler may keep them in registers).
constexpr int kAccumulators = 4;

// The compiler's own vectors, which it cuts into whatever the machine has: an operator is sixteen independent
// operations.
typedef float Floats __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef int32_t Bools __attribute__((vector_size(64)));  // 0 or -1 a lane

struct Lanes {
  Floats v;
};
struct Mask {
  Bools v;
};

SHENBI_INLINE Words words(Lanes a) { return reinterpret_cast<Words>(a.v); }
SHENBI_INLINE Lanes floats(Words bits) { return {reinterpret_cast<Floats>(bits)}; }

SHENBI_INLINE Lanes broadcast(float x) { return {x - Floats{}}; }
SHENBI_INLINE Lanes zero() { return {Floats{}}; }
SHENBI_INLINE Lanes lane_index() { return {Floats{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}; }
SHENBI_INLINE Lanes load(const float* p) {
  Lanes r;
  __builtin_memcpy(&r.v, p, sizeof(r.v));
  return r;
}
SHENBI_INLINE void store(float* p, Lanes a) { __builtin_memcpy(p, &a.v, sizeof(a.v)); }
// The first n < 16 lanes; the others are `rest` when loaded and left alone when stored.
SHENBI_INLINE Lanes load_first(const float* p, size_t n, float rest = 0.0f) {
  Lanes r = broadcast(rest);
  __builtin_memcpy(&r.v, p, n * sizeof(float));
  return r;
}
SHENBI_INLINE void store_first(float* p, size_t n, Lanes a) { __builtin_memcpy(p, &a.v, n * sizeof(float)); }

SHENBI_INLINE Lanes operator+(Lanes a, Lanes b) { return {a.v + b.v}; }
SHENBI_INLINE Lanes operator-(Lanes a, Lanes b) { return {a.v - b.v}; }
SHENBI_INLINE Lanes operator*(Lanes a, Lanes b) { return {a.v * b.v}; }
SHENBI_INLINE Lanes operator/(Lanes a, Lanes b) { return {a.v / b.v}; }
// Not inline: sixteen calls of the C library where the baseline has no fma.
inline __attribute__((noinline)) Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  Lanes r;
  for (size_t i = 0; i < kLanes; ++i) r.v[i] = __builtin_fmaf(a.v[i], b.v[i], c.v[i]);
  return r;
}
SHENBI_INLINE Lanes max(Lanes a, Lanes b) { return {a.v > b.v ? a.v : b.v}; }
SHENBI_INLINE Lanes min(Lanes a, Lanes b) { return {a.v < b.v ? a.v : b.v}; }
SHENBI_INLINE Lanes negate(Lanes a) { return floats(words(a) ^ 0x80000000u); }
SHENBI_INLINE Lanes abs(Lanes a) { return floats(words(a) & 0x7FFFFFFFu); }
SHENBI_INLINE Lanes copy_sign(Lanes magnitude, Lanes sign) {
  return floats((words(magnitude) & 0x7FFFFFFFu) | (words(sign) & 0x80000000u));
}
// 2^(low 9 bits of x's pattern, as a signed number, + offset): x is an integer plus 1.5 * 2^23, see exp() in math.inl.
SHENBI_INLINE Lanes power_of_two(Lanes x, int offset) {
  return floats((words(x) + static_cast<uint32_t>(offset + 127)) << 23);
}

SHENBI_INLINE Mask operator<(Lanes a, Lanes b) { return {a.v < b.v}; }
SHENBI_INLINE Mask equal(Lanes a, Lanes b) { return {a.v == b.v}; }
// Bit i is lane i.
SHENBI_INLINE uint32_t mask_bits(Mask m) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kLanes; ++i) bits |= (m.v[i] != 0 ? 1u : 0u) << i;
  return bits;
}
SHENBI_INLINE Lanes select(Mask m, Lanes yes, Lanes no) { return {m.v ? yes.v : no.v}; }

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
  Words v;
};
SHENBI_INLINE Pairs load_pairs(const void* p) {
  Pairs r;
  __builtin_memcpy(&r.v, p, sizeof(r.v));
  return r;
}
SHENBI_INLINE Lanes even(Pairs p) { return floats(p.v << 16); }
SHENBI_INLINE Lanes odd(Pairs p) { return floats(p.v & 0xFFFF0000u); }
// And back, rounded to nearest even; NaN stays a quiet NaN.
SHENBI_INLINE Words round_to_bf16(Lanes x) {
  const Words bits = words(x), rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return x.v == x.v ? rounded : (bits >> 16) | 0x40u;
}
SHENBI_INLINE Pairs make_pairs(Lanes evens, Lanes odds) { return {round_to_bf16(odds) << 16 | round_to_bf16(evens)}; }
SHENBI_INLINE void store_pairs(void* p, Pairs a) { __builtin_memcpy(p, &a.v, sizeof(a.v)); }

// 32 neighbouring floats <-> those of even and those of odd index.
SHENBI_INLINE void load_split(const float* p, Lanes& evens, Lanes& odds) {
  for (size_t i = 0; i < kLanes; ++i) evens.v[i] = p[2 * i], odds.v[i] = p[2 * i + 1];
}
SHENBI_INLINE void store_joined(float* p, Lanes evens, Lanes odds) {
  for (size_t i = 0; i < kLanes; ++i) p[2 * i] = evens.v[i], p[2 * i + 1] = odds.v[i];
}

inline float square_root(float x) { return __builtin_sqrtf(x); }

}  // namespace
