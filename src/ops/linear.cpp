// y = x W^T: NT forward, dx = g W (NN), dW = g^T x (TN), db = column sums of g. All sums over k ascend in one chain.
#include "ops/linear.h"

#include <algorithm>

#include "ops/gemm.h"
#include "ops/op.h"

namespace shenbi::ops {
namespace {

/// Elements [first row] of a tensor seen as rows of its columns.
template <class T>
T* row(Tensor& x, size_t index) {
  return x.values<T>().data() + index * x.shape().columns();
}
template <class T>
const T* row(const Tensor& x, size_t index) {
  return x.values<T>().data() + index * x.shape().columns();
}

/// A product of dense matrices, on the team where that is worth it.
template <class T>
void product(const Tape& tape, GemmLayout layout, size_t m, size_t n, size_t k, const T* a, const T* b, T* c) {
  gemm(Gemm<T>{.layout = layout, .m = m, .n = n, .k = k, .a = a, .b = b, .c = c}, team_for_product(tape, m, n, k));
}

void add_bias(const Tape& tape, Tensor& y, const Tensor& bias) {
  const size_t columns = y.shape().columns();
  with_type(y.dtype(), [&]<class T>(T) {
    const T* b = bias.values<T>().data();
    T* to = y.values<T>().data();
    parallel(tape, y.shape().rows(), columns, [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t)
        for (size_t j = 0; j < columns; ++j) to[t * columns + j] += b[j];
    });
  });
}

Tensor column_sums(const Tape& tape, const Tensor& g) {
  const size_t columns = g.shape().columns();
  Tensor sums = Tensor::uninitialized({columns}, g.dtype());
  with_type(g.dtype(), [&]<class T>(T) {
    const T* from = g.values<T>().data();
    sum_over_rows(tape, g.shape().rows(), columns, sums.values<T>().data(),
                  [=](size_t t, size_t j) { return from[t * columns + j]; });
  });
  return sums;
}

}  // namespace

Variable linear(const Variable& input, const Variable& weight, const Variable& bias) {
  require_floats("linear", {input, weight});
  if (bias.defined()) require_floats("linear", {input, bias});
  const Tensor x = input.value(), w = weight.value();
  require(w.shape().rank() == 2 && x.shape().rank() >= 1 && w.shape()[1] == x.shape().columns(),
          "linear: x {} does not fit weight {}", x.shape().text(), w.shape().text());
  const size_t out_dim = w.shape()[0], in_dim = w.shape()[1], rows = x.shape().rows();
  require(!bias.defined() || bias.shape() == Shape{out_dim}, "linear: bias {} does not fit weight {}", text(bias),
          w.shape().text());

  Tape& tape = input.tape();
  Tensor y = Tensor::uninitialized(x.shape().with(x.shape().rank() - 1, out_dim), x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    product(tape, GemmLayout::kNT, rows, out_dim, in_dim, row<T>(x, 0), row<T>(w, 0), row<T>(y, 0));
  });
  if (bias.defined()) add_bias(tape, y, bias.value());

  const bool wants_x = input.needs_gradient(), wants_w = weight.needs_gradient(), wants_b = bias.needs_gradient();
  return tape.record("linear", y, {input, weight, bias}, [=, &tape](const Tensor& g) {
    std::vector<Tensor> gradients(3);
    if (wants_x) gradients[0] = Tensor::uninitialized(x.shape(), x.dtype());
    if (wants_w) gradients[1] = Tensor::uninitialized(w.shape(), w.dtype());
    with_type(g.dtype(), [&]<class T>(T) {
      if (wants_x)
        product(tape, GemmLayout::kNN, rows, in_dim, out_dim, row<T>(g, 0), row<T>(w, 0), row<T>(gradients[0], 0));
      if (wants_w)
        product(tape, GemmLayout::kTN, out_dim, in_dim, rows, row<T>(g, 0), row<T>(x, 0), row<T>(gradients[1], 0));
    });
    if (wants_b) gradients[2] = column_sums(tape, g);
    return gradients;
  });
}

Variable matmul(const Variable& left, const Variable& right) {
  require_floats("matmul", {left, right});
  const Tensor a = left.value(), b = right.value();
  require(a.shape().rank() == 2 && b.shape().rank() == 2 && a.shape()[1] == b.shape()[0],
          "matmul: shapes {} and {} do not fit", a.shape().text(), b.shape().text());
  const size_t m = a.shape()[0], k = a.shape()[1], n = b.shape()[1];
  Tape& tape = left.tape();
  Tensor c = Tensor::uninitialized({m, n}, a.dtype());
  with_type(a.dtype(),
            [&]<class T>(T) { product(tape, GemmLayout::kNN, m, n, k, row<T>(a, 0), row<T>(b, 0), row<T>(c, 0)); });
  const bool wants_a = left.needs_gradient(), wants_b = right.needs_gradient();
  return tape.record("matmul", c, {left, right}, [=, &tape](const Tensor& g) {
    std::vector<Tensor> gradients(2);
    if (wants_a) gradients[0] = Tensor::uninitialized(a.shape(), a.dtype());
    if (wants_b) gradients[1] = Tensor::uninitialized(b.shape(), b.dtype());
    with_type(g.dtype(), [&]<class T>(T) {
      if (wants_a) product(tape, GemmLayout::kNT, m, k, n, row<T>(g, 0), row<T>(b, 0), row<T>(gradients[0], 0));
      if (wants_b) product(tape, GemmLayout::kTN, k, n, m, row<T>(a, 0), row<T>(g, 0), row<T>(gradients[1], 0));
    });
    return gradients;
  });
}

Variable grouped_linear(const Variable& input, const Variable& weight, const std::vector<size_t>& ends) {
  require_floats("grouped_linear", {input, weight});
  const Tensor x = input.value(), w = weight.value();
  require(x.shape().rank() == 2 && w.shape().rank() == 3 && w.shape()[2] == x.shape()[1],
          "grouped_linear: x {} does not fit weight {}", x.shape().text(), w.shape().text());
  require(ends.size() == w.shape()[0] && std::is_sorted(ends.begin(), ends.end()) &&
              (ends.empty() ? 0 : ends.back()) == x.shape()[0],
          "grouped_linear: the {} group ends do not cut {} rows for weight {}", ends.size(), x.shape()[0],
          w.shape().text());
  const size_t out_dim = w.shape()[1], in_dim = w.shape()[2];
  Tape& tape = input.tape();
  Tensor y = Tensor::uninitialized({x.shape()[0], out_dim}, x.dtype());
  // Calls f(first row, rows, first row of the group's weight) for every group.
  const auto each_group = [ends, out_dim](auto&& f) {
    for (size_t e = 0, begin = 0; e < ends.size(); begin = ends[e++]) f(begin, ends[e] - begin, e * out_dim);
  };
  with_type(x.dtype(), [&]<class T>(T) {
    each_group([&](size_t begin, size_t rows, size_t group) {
      product(tape, GemmLayout::kNT, rows, out_dim, in_dim, row<T>(x, begin), row<T>(w, group), row<T>(y, begin));
    });
  });

  const bool wants_x = input.needs_gradient(), wants_w = weight.needs_gradient();
  return tape.record("grouped_linear", y, {input, weight}, [=, &tape](const Tensor& g) {
    std::vector<Tensor> gradients(2);
    if (wants_x) gradients[0] = Tensor::uninitialized(x.shape(), x.dtype());
    if (wants_w) gradients[1] = Tensor::uninitialized(w.shape(), w.dtype());
    with_type(g.dtype(), [&]<class T>(T) {
      each_group([&](size_t begin, size_t rows, size_t group) {
        if (wants_x)
          product(tape, GemmLayout::kNN, rows, in_dim, out_dim, row<T>(g, begin), row<T>(w, group),
                  row<T>(gradients[0], begin));
        if (wants_w)  // a group without rows gets zeros
          product(tape, GemmLayout::kTN, out_dim, in_dim, rows, row<T>(g, begin), row<T>(x, begin),
                  row<T>(gradients[1], group));
      });
    });
    return gradients;
  });
}

}  // namespace shenbi::ops
