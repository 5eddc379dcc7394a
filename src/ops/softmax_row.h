#pragma once
// One row of a softmax and its gradient, shared by softmax, attention, routing and cross-entropy. Sums are in double.

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace shenbi::ops {

/// x <- exp(x - max) / sum, in place. A row of only -infinity gives NaN: callers leave no row without a finite entry.
template <class T>
void softmax_row(T* x, size_t columns) noexcept {
  if (columns == 0) return;
  const T top = *std::max_element(x, x + columns);
  double sum = 0;
  for (size_t j = 0; j < columns; ++j) sum += static_cast<double>(x[j] = std::exp(x[j] - top));
  const T inverse = static_cast<T>(1 / sum);
  for (size_t j = 0; j < columns; ++j) x[j] *= inverse;
}

/// dx = p * (g - sum(g * p)); dx may be g.
template <class T>
void softmax_gradient_row(const T* p, const T* g, T* dx, size_t columns) noexcept {
  double dot = 0;
  for (size_t j = 0; j < columns; ++j) dot += static_cast<double>(p[j]) * g[j];
  for (size_t j = 0; j < columns; ++j) dx[j] = p[j] * (g[j] - static_cast<T>(dot));
}

/// log(sum(exp(x)))
template <class T>
double log_sum_exp(const T* x, size_t columns) noexcept {
  const T top = *std::max_element(x, x + columns);
  double sum = 0;
  for (size_t j = 0; j < columns; ++j) sum += std::exp(static_cast<double>(x[j]) - top);
  return static_cast<double>(top) + std::log(sum);
}

}  // namespace shenbi::ops
