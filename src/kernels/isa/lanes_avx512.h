#pragma once
// Sixteen f32 lanes in one AVX-512 register (F, BW, DQ, VL). Meaning: lanes_scalar.h.

#if !defined(__clang__)  // g++ 12 warns about the deliberately undefined registers inside its own header (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

#define SHENBI_INLINE inline __attribute__((always_inline))

constexpr size_t kLanes = 16;
// How many Lanes a kernel may keep as sums at once (32 registers: 24 sums, the rest for operands).
constexpr int kAccumulators = 24;

struct Lanes {
  __m512 v;
};
struct Mask {
  __mmask16 v;
};
struct Pairs {
  __m512i v;
};

SHENBI_INLINE Lanes broadcast(float x) { return {_mm512_set1_ps(x)}; }
SHENBI_INLINE Lanes zero() { return {_mm512_setzero_ps()}; }
SHENBI_INLINE Lanes lane_index() { return {_mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}; }
SHENBI_INLINE Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
SHENBI_INLINE void store(float* p, Lanes a) { _mm512_storeu_ps(p, a.v); }
SHENBI_INLINE __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }
SHENBI_INLINE Lanes load_first(const float* p, size_t n, float rest = 0.0f) {
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(rest), first(n), p)};
}
SHENBI_INLINE void store_first(float* p, size_t n, Lanes a) { _mm512_mask_storeu_ps(p, first(n), a.v); }

SHENBI_INLINE Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
SHENBI_INLINE Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
SHENBI_INLINE Lanes negate(Lanes a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
SHENBI_INLINE Lanes abs(Lanes a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
SHENBI_INLINE Lanes copy_sign(Lanes magnitude, Lanes sign) {
  const __m512 bit = _mm512_set1_ps(-0.0f);
  return {_mm512_or_ps(_mm512_andnot_ps(bit, magnitude.v), _mm512_and_ps(bit, sign.v))};
}
SHENBI_INLINE Lanes power_of_two(Lanes x, int offset) {
  const __m512i sum = _mm512_add_epi32(_mm512_castps_si512(x.v), _mm512_set1_epi32(offset + 127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(sum, 23))};
}

SHENBI_INLINE Mask operator<(Lanes a, Lanes b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
SHENBI_INLINE Mask equal(Lanes a, Lanes b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
SHENBI_INLINE uint32_t mask_bits(Mask m) { return m.v; }
SHENBI_INLINE Lanes select(Mask m, Lanes yes, Lanes no) { return {_mm512_mask_blend_ps(m.v, no.v, yes.v)}; }

SHENBI_INLINE float reduce_add(Lanes a) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
SHENBI_INLINE float reduce_max(Lanes a) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

SHENBI_INLINE Pairs load_pairs(const void* p) { return {_mm512_loadu_si512(p)}; }
SHENBI_INLINE Lanes even(Pairs p) { return {_mm512_castsi512_ps(_mm512_slli_epi32(p.v, 16))}; }
SHENBI_INLINE Lanes odd(Pairs p) {
  return {_mm512_castsi512_ps(_mm512_and_si512(p.v, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))))};
}
// bf16 in the upper halves; the lower ones hold garbage.
SHENBI_INLINE __m512i round_to_bf16(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i is_odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(is_odd, _mm512_set1_epi32(0x7FFF)));
  return _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), bits, _mm512_set1_epi32(0x400000));
}
SHENBI_INLINE Pairs make_pairs(Lanes evens, Lanes odds) {
  return {_mm512_mask_blend_epi16(0xAAAAAAAAu, _mm512_srli_epi32(round_to_bf16(evens.v), 16), round_to_bf16(odds.v))};
}
SHENBI_INLINE void store_pairs(void* p, Pairs a) { _mm512_storeu_si512(p, a.v); }

SHENBI_INLINE void load_split(const float* p, Lanes& evens, Lanes& odds) {
  const __m512 a = _mm512_loadu_ps(p), b = _mm512_loadu_ps(p + 16);
  const __m512i index = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  evens.v = _mm512_permutex2var_ps(a, index, b);
  odds.v = _mm512_permutex2var_ps(a, _mm512_add_epi32(index, _mm512_set1_epi32(1)), b);
}
SHENBI_INLINE void store_joined(float* p, Lanes evens, Lanes odds) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  _mm512_storeu_ps(p, _mm512_permutex2var_ps(evens.v, low, odds.v));
  _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(evens.v, high, odds.v));
}

SHENBI_INLINE float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

}  // namespace
