#include "ops/gemm.h"

namespace shenbi::ops {
namespace {

/// Rows [begin, end) of C: one chain of sums over ascending k an element.
template <class T>
void plain(const Gemm<T>& p, size_t begin, size_t end) noexcept {
  const bool a_turned = p.layout == GemmLayout::kTN, b_turned = p.layout == GemmLayout::kNT;
  const size_t a_stride = p.a_stride ? p.a_stride : (a_turned ? p.m : p.k);
  const size_t b_stride = p.b_stride ? p.b_stride : (b_turned ? p.k : p.n);
  const size_t c_stride = p.c_stride ? p.c_stride : p.n;
  for (size_t i = begin; i < end; ++i)
    for (size_t j = 0; j < p.n; ++j) {
      T sum = p.accumulate ? p.c[i * c_stride + j] : T{0};
      for (size_t k = 0; k < p.k; ++k) {
        const T a = a_turned ? p.a[k * a_stride + i] : p.a[i * a_stride + k];
        const T b = b_turned ? p.b[j * b_stride + k] : p.b[k * b_stride + j];
        sum += a * b;
      }
      p.c[i * c_stride + j] = sum;
    }
}

template <class T>
void split_rows(const Gemm<T>& p, ThreadTeam* team) {
  if (team == nullptr || team->count() == 1) return plain(p, 0, p.m);
  team->run([&](Lane& lane) {
    const auto [begin, end] = lane.share(p.m);
    plain(p, begin, end);
  });
}

}  // namespace

void gemm(const Gemm<float>& product, ThreadTeam* team) { split_rows(product, team); }
void gemm(const Gemm<double>& product, ThreadTeam* team) { split_rows(product, team); }

}  // namespace shenbi::ops
