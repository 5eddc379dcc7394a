// The vector operations of packed.inl on pairs of 256-bit registers: rows 0 to 7 and 8 to 15. Included by packed_avx2.cpp and
// packed_avxvnni.cpp, which add the dot products.

#define OP static inline __attribute__((always_inline))

struct Bytes {
  __m256i a, b;
};
typedef Bytes Ints;
struct Floats {
  __m256 a, b;
};

constexpr size_t kFewTokens = 4;
constexpr size_t kStripPanels = 1, kTileTokens = 3, kTileTokensTwoScales = 2;
constexpr int kFloatSums = 5;  // with six sums and tokens a register spills, which halves the speed
constexpr size_t kFloatTokens = 5;

OP __m256i load_256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
OP Bytes load_bytes(const uint8_t* p) { return {load_256(p), load_256(p + 32)}; }
OP Bytes load_packed(const uint8_t* p, size_t ahead) {
  Bytes v = load_bytes(p);
  __asm__ volatile("" : "+x"(v.a), "+x"(v.b));
  _mm_prefetch(reinterpret_cast<const char*>(p) + ahead, _MM_HINT_T0);
  return v;
}
OP void store_bytes(uint8_t* p, Bytes v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), v.b);
}
OP __m256i all(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }
OP Bytes and8(Bytes v, int mask) { return {_mm256_and_si256(v.a, all(mask)), _mm256_and_si256(v.b, all(mask))}; }
OP Bytes add8(Bytes v, int value) { return {_mm256_add_epi8(v.a, all(value)), _mm256_add_epi8(v.b, all(value))}; }
template <int n>
OP Bytes shift_right(Bytes v) {
  return {_mm256_srli_epi16(v.a, n), _mm256_srli_epi16(v.b, n)};
}
template <int n>
OP Bytes shift_left(Bytes v) {
  return {_mm256_slli_epi16(v.a, n), _mm256_slli_epi16(v.b, n)};
}
// (high & mask) | low
OP Bytes merge(Bytes high, int mask, Bytes low) {
  const Bytes bits = and8(high, mask);
  return {_mm256_or_si256(bits.a, low.a), _mm256_or_si256(bits.b, low.b)};
}

OP Ints zero_ints() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
OP Ints broadcast(int32_t v) { return {_mm256_set1_epi32(v), _mm256_set1_epi32(v)}; }
OP Ints add(Ints x, Ints y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
template <int n>
OP Ints shift_right_ints(Ints v) {
  return {_mm256_srai_epi32(v.a, n), _mm256_srai_epi32(v.b, n)};
}

OP Floats zero_floats() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
OP Floats broadcast(float v) { return {_mm256_set1_ps(v), _mm256_set1_ps(v)}; }
OP Floats load_floats(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
OP void store_floats(float* p, Floats v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
OP Floats load_rows(const float* p, size_t rows) {
  if (rows >= 16) return load_floats(p);
  float some[16] = {};
  memcpy(some, p, rows * sizeof(float));
  return load_floats(some);
}
OP void store_rows(float* p, Floats v, size_t rows) {
  if (rows >= 16) return store_floats(p, v);
  float some[16];
  store_floats(some, v);
  memcpy(p, some, rows * sizeof(float));
}
OP Floats mul(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
OP Floats sub(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
OP Floats fma(Floats x, Floats y, Floats z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
OP Floats negate(Floats v) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(v.a, sign), _mm256_xor_ps(v.b, sign)};
}
OP Floats to_floats(Ints v) { return {_mm256_cvtepi32_ps(v.a), _mm256_cvtepi32_ps(v.b)}; }
OP Ints round_to_ints(Floats v) { return {_mm256_cvtps_epi32(v.a), _mm256_cvtps_epi32(v.b)}; }
OP __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
OP Floats floats_from_f16(const uint8_t* p) { return {_mm256_cvtph_ps(load_128(p)), _mm256_cvtph_ps(load_128(p + 16))}; }
OP Floats floats_from_f16(Bytes halves, int index) {
  const __m256i v = index == 0 ? halves.a : halves.b;
  return {_mm256_cvtph_ps(_mm256_castsi256_si128(v)), _mm256_cvtph_ps(_mm256_extracti128_si256(v, 1))};
}
OP Floats floats_from_u8(const uint8_t* p) {
  const __m128i v = load_128(p);
  return to_floats({_mm256_cvtepu8_epi32(v), _mm256_cvtepu8_epi32(_mm_srli_si128(v, 8))});
}
OP Floats floats_from_i8(const uint8_t* p) {
  const __m128i v = load_128(p);
  return to_floats({_mm256_cvtepi8_epi32(v), _mm256_cvtepi8_epi32(_mm_srli_si128(v, 8))});
}
template <int kColumn>
OP Floats floats_from_bf16_pair(const uint8_t* p) {
  const Bytes pair = load_bytes(p);
  if constexpr (kColumn == 0) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(pair.a, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(pair.b, 16))};
  } else {
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
    return {_mm256_castsi256_ps(_mm256_and_si256(pair.a, mask)), _mm256_castsi256_ps(_mm256_and_si256(pair.b, mask))};
  }
}

OP void store_codes(int8_t* p, Ints v) {
  // Packing works in 128-bit halves: 0-3 8-11 | 4-7 12-15, put right by the permutation of quarters.
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(v.a, v.b), 0xD8);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
OP int32_t total(Ints v) {
  const __m256i eight = _mm256_add_epi32(v.a, v.b);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}
// Largest magnitude, compared as bits so that infinity and NaN come out on top.
OP uint32_t largest_bits(Floats x, Floats y) {
  const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
  const __m256i p = _mm256_max_epu32(_mm256_and_si256(_mm256_castps_si256(x.a), mask),
                                     _mm256_and_si256(_mm256_castps_si256(x.b), mask));
  const __m256i q = _mm256_max_epu32(_mm256_and_si256(_mm256_castps_si256(y.a), mask),
                                     _mm256_and_si256(_mm256_castps_si256(y.b), mask));
  const __m256i eight = _mm256_max_epu32(p, q);
  __m128i four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_max_epu32(four, _mm_shuffle_epi32(four, 0xB1))));
}

OP void prefetch_l2(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

OP __m256i four(const int8_t* x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm256_set1_epi32(word);
}
