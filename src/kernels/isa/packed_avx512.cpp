// AVX-512 with VNNI: a register is 16 rows x 4 codes, and one instruction multiplies it with four activations.

#include <immintrin.h>
#include <string.h>

#include "kernels/packed_layout.h"

namespace shenbi::kernels {
namespace packed_avx512 {

#define OP static inline __attribute__((always_inline))

typedef __m512i Bytes;
typedef __m512i Ints;
typedef __m512 Floats;

constexpr bool kSixteenfold = true, kSignedBytes = false;
constexpr size_t kFewTokens = 4;
constexpr size_t kStripPanels = 2, kTileTokens = 6, kTileTokensTwoScales = 4;
constexpr int kFloatSums = 24;
constexpr size_t kFloatTokens = 6;

OP Bytes load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
OP Bytes load_packed(const uint8_t* p, size_t ahead) {
  Bytes v = load_bytes(p);
  __asm__ volatile("" : "+v"(v));
  _mm_prefetch(reinterpret_cast<const char*>(p) + ahead, _MM_HINT_T0);
  return v;
}
OP void store_bytes(uint8_t* p, Bytes v) { _mm512_storeu_si512(p, v); }
OP Bytes and8(Bytes v, int mask) { return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(mask))); }
OP Bytes add8(Bytes v, int value) { return _mm512_add_epi8(v, _mm512_set1_epi8(static_cast<char>(value))); }
template <int n>
OP Bytes shift_right(Bytes v) {
  return _mm512_srli_epi16(v, n);
}
template <int n>
OP Bytes shift_left(Bytes v) {
  return _mm512_slli_epi16(v, n);
}
// (high & mask) | low
OP Bytes merge(Bytes high, int mask, Bytes low) {
  return _mm512_ternarylogic_epi32(high, _mm512_set1_epi8(static_cast<char>(mask)), low, 0xEA);
}

OP Ints zero_ints() { return _mm512_setzero_si512(); }
OP Ints broadcast(int32_t v) { return _mm512_set1_epi32(v); }
OP Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
template <int n>
OP Ints shift_right_ints(Ints v) {
  return _mm512_srai_epi32(v, n);
}

OP Floats zero_floats() { return _mm512_setzero_ps(); }
OP Floats broadcast(float v) { return _mm512_set1_ps(v); }
OP Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
OP void store_floats(float* p, Floats v) { _mm512_storeu_ps(p, v); }
OP __mmask16 first_rows(size_t rows) { return rows >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << rows) - 1); }
OP Floats load_rows(const float* p, size_t rows) { return _mm512_maskz_loadu_ps(first_rows(rows), p); }
OP void store_rows(float* p, Floats v, size_t rows) { _mm512_mask_storeu_ps(p, first_rows(rows), v); }
OP Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
OP Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
OP Floats negate(Floats v) { return _mm512_xor_ps(v, _mm512_set1_ps(-0.0f)); }
OP Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
OP Floats floats_from_f16(const uint8_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
OP Floats floats_from_f16(Bytes halves, int index) {
  return _mm512_cvtph_ps(index == 0 ? _mm512_castsi512_si256(halves) : _mm512_extracti64x4_epi64(halves, 1));
}
OP Floats floats_from_u8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
OP Floats floats_from_i8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
template <int kColumn>
OP Floats floats_from_bf16_pair(const uint8_t* p) {
  const __m512i pair = _mm512_loadu_si512(p);
  if (kColumn == 0) return _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
  return _mm512_castsi512_ps(_mm512_and_si512(pair, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))));
}

OP Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
OP Ints round_to_ints(Floats v) { return _mm512_cvtps_epi32(v); }
OP void store_codes(int8_t* p, Ints v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v)); }
OP int32_t total(Ints v) { return _mm512_reduce_add_epi32(v); }
// Largest magnitude, compared as bits so that infinity and NaN come out on top.
OP uint32_t largest_bits(Floats a, Floats b) {
  const __m512i mask = _mm512_set1_epi32(0x7FFFFFFF);
  const __m512i x = _mm512_and_si512(_mm512_castps_si512(a), mask), y = _mm512_and_si512(_mm512_castps_si512(b), mask);
  return _mm512_reduce_max_epu32(_mm512_max_epu32(x, y));
}

OP void prefetch_l2(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

OP Ints four(const int8_t* x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm512_set1_epi32(word);
}
template <int kBits>
OP Ints dot4(Ints acc, const Bytes* u, const int8_t* x) {
  for (int j = 0; j < 4; ++j) acc = _mm512_dpbusd_epi32(acc, u[j], four(x + 4 * j));
  return acc;
}
constexpr int kDotSteps = 1;
template <int kBits>
OP Ints dot_steps(Ints acc, const Bytes* u, const int8_t* x) {
  return _mm512_dpbusd_epi32(acc, u[0], four(x));
}

#include "kernels/isa/packed.inl"

}  // namespace packed_avx512

const PackedKernels kPackedAvx512 = {packed_avx512::multiply, packed_avx512::quantize, packed_avx512::read,
                                     packed_avx512::dots};

}  // namespace shenbi::kernels
