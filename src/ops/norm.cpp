// Both norms are x_hat = (x - m) * r, y = x_hat * w + b with m = 0 for RMS. With h = g * w and D columns,
//   dx = r * (h - mean(h) - x_hat * mean(h * x_hat))      (mean(h) only where m was subtracted)
//   dw = sum over rows of g * x_hat,  db = sum over rows of g.
// Kept for the way back: x, and m and r of each row. Means are taken in double.
#include "ops/norm.h"

#include <cmath>
#include <memory>

#include "ops/op.h"

namespace shenbi::ops {
namespace {

struct Row {
  double mean, inverse;  ///< m and r
};
using Rows = std::shared_ptr<std::vector<Row>>;

template <class T>
Row statistics(const T* x, size_t columns, double epsilon, bool centred) noexcept {
  double mean = 0, squares = 0;
  if (centred) {
    for (size_t j = 0; j < columns; ++j) mean += static_cast<double>(x[j]);
    mean /= static_cast<double>(columns);
  }
  for (size_t j = 0; j < columns; ++j)
    squares += (static_cast<double>(x[j]) - mean) * (static_cast<double>(x[j]) - mean);
  return {mean, 1.0 / std::sqrt(squares / static_cast<double>(columns) + epsilon)};
}

/// The numbers of an optional operand, or null.
template <class T>
const T* optional_values(const Tensor& x) {
  return x.defined() ? x.values<T>().data() : nullptr;
}

Tensor gradient_of_input(const Tape& tape, const Tensor& x, const Tensor& weight, const Tensor& g, const Rows& stats,
                         bool centred) {
  Tensor dx = Tensor::uninitialized(x.shape(), x.dtype());
  const size_t columns = x.shape().columns();
  with_type(x.dtype(), [&]<class T>(T) {
    const T *from = x.values<T>().data(), *up = g.values<T>().data(), *w = optional_values<T>(weight);
    T* to = dx.values<T>().data();
    parallel(tape, x.shape().rows(), 4 * columns, [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t) {
        const auto [mean, r] = (*stats)[t];
        const size_t row = t * columns;
        const auto h = [&](size_t j) { return static_cast<double>(up[row + j]) * (w ? w[j] : T{1}); };
        const auto x_hat = [&](size_t j) { return (static_cast<double>(from[row + j]) - mean) * r; };
        double sum = 0, dot = 0;
        for (size_t j = 0; j < columns; ++j) sum += h(j), dot += h(j) * x_hat(j);
        const double mean_h = centred ? sum / static_cast<double>(columns) : 0.0,
                     mean_dot = dot / static_cast<double>(columns);
        for (size_t j = 0; j < columns; ++j) to[row + j] = static_cast<T>(r * (h(j) - mean_h - x_hat(j) * mean_dot));
      }
    });
  });
  return dx;
}

/// dw if `hat`, else db.
Tensor gradient_of_parameter(const Tape& tape, const Tensor& x, const Tensor& g, const Rows& stats, bool hat) {
  const size_t columns = x.shape().columns();
  Tensor out = Tensor::uninitialized({columns}, x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T *from = x.values<T>().data(), *up = g.values<T>().data();
    const Row* rows = stats->data();
    sum_over_rows(tape, x.shape().rows(), columns, out.values<T>().data(), [=](size_t t, size_t j) {
      const double gradient = static_cast<double>(up[t * columns + j]);
      return hat ? gradient * (static_cast<double>(from[t * columns + j]) - rows[t].mean) * rows[t].inverse : gradient;
    });
  });
  return out;
}

Variable norm(const char* op, const Variable& input, const Variable& weight, const Variable& bias, double epsilon,
              bool centred) {
  require_floats(op, {input});
  const Tensor x = input.value(), w = weight.value(), b = bias.value();
  const size_t columns = x.shape().columns(), rows = x.shape().rows();
  for (const Variable& parameter : {weight, bias}) {
    if (!parameter.defined()) continue;
    require_floats(op, {input, parameter});
    require(parameter.shape() == Shape{columns}, "{}: parameter {} does not fit x {}", op, parameter.shape().text(),
            x.shape().text());
  }
  Tape& tape = input.tape();
  const Rows stats = std::make_shared<std::vector<Row>>(rows);
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T *from = x.values<T>().data(), *scale = optional_values<T>(w), *shift = optional_values<T>(b);
    T* to = y.values<T>().data();
    parallel(tape, rows, 4 * columns, [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t) {
        const size_t row = t * columns;
        const auto [mean, r] = (*stats)[t] = statistics(from + row, columns, epsilon, centred);
        for (size_t j = 0; j < columns; ++j) {
          const double x_hat = (static_cast<double>(from[row + j]) - mean) * r;
          to[row + j] = static_cast<T>(x_hat * (scale ? scale[j] : T{1}) + (shift ? shift[j] : T{0}));
        }
      }
    });
  });
  const bool wants_x = input.needs_gradient(), wants_w = weight.needs_gradient(), wants_b = bias.needs_gradient();
  return tape.record(op, y, {input, weight, bias}, [=, &tape](const Tensor& g) {
    return std::vector<Tensor>{wants_x ? gradient_of_input(tape, x, w, g, stats, centred) : Tensor(),
                               wants_w ? gradient_of_parameter(tape, x, g, stats, true) : Tensor(),
                               wants_b ? gradient_of_parameter(tape, x, g, stats, false) : Tensor()};
  });
}

}  // namespace

Variable rms_norm(const Variable& x, const Variable& weight, double epsilon) {
  return norm("rms_norm", x, weight, {}, epsilon, false);
}

Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double epsilon) {
  return norm("layer_norm", x, weight, bias, epsilon, true);
}

}  // namespace shenbi::ops
