// AVX2: products of unsigned and signed bytes come as pairs in 16 bits, which must not overflow. With activations of at
// most 127, a pair of codes below 32 gives at most 7,874, so four steps add up to 31,496; below 64, two steps to
// 32,004. Eight-bit codes are made signed, |code| <= 128, with the sign moved to the activations: 32,512 for one step.

#include <immintrin.h>
#include <string.h>

#include "kernels/packed_layout.h"

namespace shenbi::kernels {
namespace packed_avx2 {

#include "kernels/isa/packed_256.inl"

constexpr bool kSixteenfold = false, kSignedBytes = true;
constexpr int kDotSteps = 4;

OP __m256i pairs(__m256i u, __m256i x) { return _mm256_maddubs_epi16(u, x); }
OP __m256i signed_pairs(__m256i u, __m256i x) {
  const __m256i code = _mm256_xor_si256(u, _mm256_set1_epi8(-128));
  return _mm256_maddubs_epi16(_mm256_abs_epi8(code), _mm256_sign_epi8(x, code));
}
OP __m256i add_pairs(__m256i acc, __m256i pair) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pair, _mm256_set1_epi16(1)));
}

template <int kBits>
OP Ints dot4(Ints acc, const Bytes* u, const int8_t* x) {
  const __m256i x0 = four(x), x1 = four(x + 4), x2 = four(x + 8), x3 = four(x + 12);
  if constexpr (kBits == 8) {
    acc.a = add_pairs(acc.a, signed_pairs(u[0].a, x0)), acc.b = add_pairs(acc.b, signed_pairs(u[0].b, x0));
    acc.a = add_pairs(acc.a, signed_pairs(u[1].a, x1)), acc.b = add_pairs(acc.b, signed_pairs(u[1].b, x1));
    acc.a = add_pairs(acc.a, signed_pairs(u[2].a, x2)), acc.b = add_pairs(acc.b, signed_pairs(u[2].b, x2));
    acc.a = add_pairs(acc.a, signed_pairs(u[3].a, x3)), acc.b = add_pairs(acc.b, signed_pairs(u[3].b, x3));
    return acc;
  }
  const __m256i a01 = _mm256_add_epi16(pairs(u[0].a, x0), pairs(u[1].a, x1));
  const __m256i b01 = _mm256_add_epi16(pairs(u[0].b, x0), pairs(u[1].b, x1));
  const __m256i a23 = _mm256_add_epi16(pairs(u[2].a, x2), pairs(u[3].a, x3));
  const __m256i b23 = _mm256_add_epi16(pairs(u[2].b, x2), pairs(u[3].b, x3));
  if constexpr (kBits == 6) {
    return {add_pairs(add_pairs(acc.a, a01), a23), add_pairs(add_pairs(acc.b, b01), b23)};
  }
  return {add_pairs(acc.a, _mm256_add_epi16(a01, a23)), add_pairs(acc.b, _mm256_add_epi16(b01, b23))};
}
template <int kBits>
OP Ints dot_steps(Ints acc, const Bytes* u, const int8_t* x) {
  return dot4<kBits>(acc, u, x);
}

#include "kernels/isa/packed.inl"

}  // namespace packed_avx2

const PackedKernels kPackedAvx2 = {packed_avx2::multiply, packed_avx2::quantize, packed_avx2::read, packed_avx2::dots};

}  // namespace shenbi::kernels
