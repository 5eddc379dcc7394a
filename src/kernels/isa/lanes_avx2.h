#pragma once
// Sixteen f32 lanes in two AVX2 registers (with FMA). Meaning: lanes_scalar.h.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

#define SHENBI_INLINE inline __attribute__((always_inline))

constexpr size_t kLanes = 16;
// How many Lanes a kernel may keep as sums at once (16 registers of half the size: 12 for sums, the rest for operands).
constexpr int kAccumulators = 6;

struct Lanes {
  __m256 low, high;
};
struct Mask {
  __m256 low, high;
};
struct Pairs {
  __m256i low, high;
};

SHENBI_INLINE Lanes broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
SHENBI_INLINE Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
SHENBI_INLINE Lanes lane_index() {
  return {_mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_ps(8, 9, 10, 11, 12, 13, 14, 15)};
}
SHENBI_INLINE Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
SHENBI_INLINE void store(float* p, Lanes a) {
  _mm256_storeu_ps(p, a.low);
  _mm256_storeu_ps(p + 8, a.high);
}
// All ones in the lanes i < n of the eight from `from` on.
SHENBI_INLINE __m256i first(size_t n, int from) {
  const __m256i index = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(from));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), index);
}
SHENBI_INLINE Lanes load_first(const float* p, size_t n, float rest = 0.0f) {
  const __m256i low = first(n, 0), high = first(n, 8);
  const __m256 other = _mm256_set1_ps(rest);
  return {_mm256_blendv_ps(other, _mm256_maskload_ps(p, low), _mm256_castsi256_ps(low)),
          _mm256_blendv_ps(other, _mm256_maskload_ps(p + 8, high), _mm256_castsi256_ps(high))};
}
SHENBI_INLINE void store_first(float* p, size_t n, Lanes a) {
  _mm256_maskstore_ps(p, first(n, 0), a.low);
  _mm256_maskstore_ps(p + 8, first(n, 8), a.high);
}

SHENBI_INLINE Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
SHENBI_INLINE Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes min(Lanes a, Lanes b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
SHENBI_INLINE Lanes negate(Lanes a) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(a.low, bit), _mm256_xor_ps(a.high, bit)};
}
SHENBI_INLINE Lanes abs(Lanes a) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(bit, a.low), _mm256_andnot_ps(bit, a.high)};
}
SHENBI_INLINE Lanes copy_sign(Lanes magnitude, Lanes sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, magnitude.low), _mm256_and_ps(bit, sign.low)),
          _mm256_or_ps(_mm256_andnot_ps(bit, magnitude.high), _mm256_and_ps(bit, sign.high))};
}
SHENBI_INLINE Lanes power_of_two(Lanes x, int offset) {
  const __m256i add = _mm256_set1_epi32(offset + 127);
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(x.low), add), 23)),
          _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(x.high), add), 23))};
}

SHENBI_INLINE Mask operator<(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ)};
}
SHENBI_INLINE Mask equal(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.low, b.low, _CMP_EQ_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_EQ_OQ)};
}
SHENBI_INLINE uint32_t mask_bits(Mask m) {
  return static_cast<uint32_t>(_mm256_movemask_ps(m.low)) | static_cast<uint32_t>(_mm256_movemask_ps(m.high)) << 8;
}
SHENBI_INLINE Lanes select(Mask m, Lanes yes, Lanes no) {
  return {_mm256_blendv_ps(no.low, yes.low, m.low), _mm256_blendv_ps(no.high, yes.high, m.high)};
}

SHENBI_INLINE float reduce_add(Lanes a) {
  const __m256 eight = _mm256_add_ps(a.low, a.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
SHENBI_INLINE float reduce_max(Lanes a) {
  const __m256 eight = _mm256_max_ps(a.low, a.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

SHENBI_INLINE Pairs load_pairs(const void* p) {
  const __m256i* vectors = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(vectors), _mm256_loadu_si256(vectors + 1)};
}
SHENBI_INLINE Lanes even(Pairs p) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(p.low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(p.high, 16))};
}
SHENBI_INLINE Lanes odd(Pairs p) {
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  return {_mm256_castsi256_ps(_mm256_and_si256(p.low, mask)), _mm256_castsi256_ps(_mm256_and_si256(p.high, mask))};
}
// bf16 in the upper halves; the lower ones hold garbage.
SHENBI_INLINE __m256i round_to_bf16(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i is_odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(is_odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
}
SHENBI_INLINE __m256i join_halves(__m256 evens, __m256 odds) {
  return _mm256_blend_epi16(_mm256_srli_epi32(round_to_bf16(evens), 16), round_to_bf16(odds), 0xAA);
}
SHENBI_INLINE Pairs make_pairs(Lanes evens, Lanes odds) {
  return {join_halves(evens.low, odds.low), join_halves(evens.high, odds.high)};
}
SHENBI_INLINE void store_pairs(void* p, Pairs a) {
  __m256i* vectors = static_cast<__m256i*>(p);
  _mm256_storeu_si256(vectors, a.low);
  _mm256_storeu_si256(vectors + 1, a.high);
}

// Sixteen floats -> their eight of even and their eight of odd index. shuffle_ps works inside halves of 128 bits; the
// permutation of 64-bit pieces puts the halves in order.
SHENBI_INLINE void split_sixteen(const float* p, __m256& evens, __m256& odds) {
  const __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
  const __m256 e = _mm256_shuffle_ps(a, b, 0x88), o = _mm256_shuffle_ps(a, b, 0xDD);
  evens = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(e), 0xD8));
  odds = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(o), 0xD8));
}
SHENBI_INLINE void join_sixteen(float* p, __m256 evens, __m256 odds) {
  const __m256 low = _mm256_unpacklo_ps(evens, odds), high = _mm256_unpackhi_ps(evens, odds);
  _mm256_storeu_ps(p, _mm256_permute2f128_ps(low, high, 0x20));
  _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(low, high, 0x31));
}
SHENBI_INLINE void load_split(const float* p, Lanes& evens, Lanes& odds) {
  split_sixteen(p, evens.low, odds.low);
  split_sixteen(p + 16, evens.high, odds.high);
}
SHENBI_INLINE void store_joined(float* p, Lanes evens, Lanes odds) {
  join_sixteen(p, evens.low, odds.low);
  join_sixteen(p + 16, evens.high, odds.high);
}

SHENBI_INLINE float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

}  // namespace
