// AVX2 with the 256-bit int8 dot product (Alder Lake and later, Zen 5).

#include <immintrin.h>
#include <string.h>

#include "kernels/packed_layout.h"

namespace shenbi::kernels {
namespace packed_avxvnni {

#include "kernels/isa/packed_256.inl"

constexpr bool kSixteenfold = true, kSignedBytes = false;
constexpr int kDotSteps = 1;

template <int kBits>
OP Ints dot_steps(Ints acc, const Bytes* u, const int8_t* x) {
  const __m256i v = four(x);
  return {_mm256_dpbusd_avx_epi32(acc.a, u[0].a, v), _mm256_dpbusd_avx_epi32(acc.b, u[0].b, v)};
}
template <int kBits>
OP Ints dot4(Ints acc, const Bytes* u, const int8_t* x) {
  for (int j = 0; j < 4; ++j) acc = dot_steps<kBits>(acc, u + j, x + 4 * j);
  return acc;
}

#include "kernels/isa/packed.inl"

}  // namespace packed_avxvnni

const PackedKernels kPackedAvxVnni = {packed_avxvnni::multiply, packed_avxvnni::quantize, packed_avxvnni::read,
                                      packed_avxvnni::dots};

}  // namespace shenbi::kernels
