#pragma once
// The best ternary approximation of a block: w = d * (q - 1) with q in 0, 1, 2.
//
// For a given d the weights beyond d / 2 become +-d, so the solution keeps some number of the largest magnitudes. With
// the magnitudes in descending order, keeping the first n at their mean m(n) leaves the error sum(x^2) - n * m(n)^2;
// the n that makes n * m(n)^2 largest is the answer, exactly. Weights that are ternary already come out as they are.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/quant_search.h"

namespace shenbi::kernels {

/// Returns d as f16; `q` gets 0, 1 or 2.
template <size_t N>
uint16_t fit_ternary(const CleanBlock<N>& block, uint8_t* q) noexcept {
  uint16_t order[N];
  std::iota(order, order + N, uint16_t{0});
  std::sort(order, order + N, [&](uint16_t a, uint16_t b) { return std::fabs(block.x[a]) > std::fabs(block.x[b]); });
  double sum = 0, count = 0, best = 0, d = 0;
  for (const uint16_t i : order) {
    sum += double{block.c[i]} * std::fabs(block.x[i]);
    count += block.c[i];
    if (count > 0 && sum * sum > best * count) {
      best = sum * sum / count;
      d = sum / count;
    }
  }
  const uint16_t half = to_f16_scale_nonzero(static_cast<float>(d));
  const float threshold = 0.5f * f16_to_f32(half);
  for (size_t i = 0; i < N; ++i) {
    const float x = block.x[i];
    q[i] = static_cast<uint8_t>(1 + (x >= threshold && x > 0.0f) - (x <= -threshold && x < 0.0f));
  }
  return half;
}

}  // namespace shenbi::kernels
