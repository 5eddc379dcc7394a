#include "ops/arithmetic.h"

#include "ops/op.h"

namespace shenbi::ops {
namespace {

/// out[i] = f(i) over all elements.
template <class T, class F>
void fill(const Tape& tape, Tensor& out, F&& f) {
  T* const to = out.values<T>().data();
  parallel(
      tape, out.elements(), 2,
      [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[i] = f(i);
      },
      64);
}

Tensor product(const Tape& tape, const Tensor& a, const Tensor& b) {
  Tensor out = Tensor::uninitialized(a.shape(), a.dtype());
  with_type(a.dtype(), [&]<class T>(T) {
    const T *x = a.values<T>().data(), *y = b.values<T>().data();
    fill<T>(tape, out, [=](size_t i) { return x[i] * y[i]; });
  });
  return out;
}

Tensor multiple(const Tape& tape, const Tensor& a, double factor) {
  Tensor out = Tensor::uninitialized(a.shape(), a.dtype());
  with_type(a.dtype(), [&]<class T>(T) {
    const T* x = a.values<T>().data();
    const T f = static_cast<T>(factor);
    fill<T>(tape, out, [=](size_t i) { return f * x[i]; });
  });
  return out;
}

Tensor rows_product(const Tape& tape, const Tensor& a, const Tensor& weight) {
  Tensor out = Tensor::uninitialized(a.shape(), a.dtype());
  const size_t columns = a.shape().columns();
  with_type(a.dtype(), [&]<class T>(T) {
    const T *x = a.values<T>().data(), *w = weight.values<T>().data();
    fill<T>(tape, out, [=](size_t i) { return x[i] * w[i / columns]; });
  });
  return out;
}

void require_same_shape(const char* op, const Variable& a, const Variable& b) {
  require_floats(op, {a, b});
  require(a.shape() == b.shape(), "{}: shapes {} and {} differ", op, a.shape().text(), b.shape().text());
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  require_same_shape("add", a, b);
  Tape& tape = a.tape();
  Tensor out = Tensor::uninitialized(a.shape(), a.dtype());
  with_type(a.dtype(), [&]<class T>(T) {
    const T *x = a.value().values<T>().data(), *y = b.value().values<T>().data();
    fill<T>(tape, out, [=](size_t i) { return x[i] + y[i]; });
  });
  return tape.record("add", out, {a, b}, [](const Tensor& g) { return std::vector<Tensor>{g, g}; });
}

Variable multiply(const Variable& a, const Variable& b) {
  require_same_shape("multiply", a, b);
  Tape& tape = a.tape();
  const Tensor x = a.value(), y = b.value();
  const bool wants_a = a.needs_gradient(), wants_b = b.needs_gradient();
  return tape.record("multiply", product(tape, x, y), {a, b}, [=, &tape](const Tensor& g) {
    return std::vector<Tensor>{wants_a ? product(tape, g, y) : Tensor(), wants_b ? product(tape, g, x) : Tensor()};
  });
}

Variable multiply_rows(const Variable& a, const Variable& weight) {
  require_floats("multiply_rows", {a, weight});
  require(a.shape().columns() > 0 && weight.shape().elements() == a.shape().rows(),
          "multiply_rows: {} has not one weight for each row of {}", weight.shape().text(), a.shape().text());
  Tape& tape = a.tape();
  const Tensor x = a.value(), w = weight.value();
  const bool wants_x = a.needs_gradient(), wants_w = weight.needs_gradient();
  return tape.record("multiply_rows", rows_product(tape, x, w), {a, weight}, [=, &tape](const Tensor& g) {
    Tensor dw;
    if (wants_w) {
      dw = Tensor::uninitialized(w.shape(), w.dtype());
      with_type(w.dtype(), [&]<class T>(T) {
        const size_t columns = x.shape().columns();
        const T *from = x.values<T>().data(), *up = g.values<T>().data();
        fill<T>(tape, dw, [=](size_t t) {
          double sum = 0;
          for (size_t j = t * columns; j < (t + 1) * columns; ++j) sum += static_cast<double>(from[j]) * up[j];
          return static_cast<T>(sum);
        });
      });
    }
    return std::vector<Tensor>{wants_x ? rows_product(tape, g, w) : Tensor(), dw};
  });
}

Variable scale(const Variable& x, double factor) {
  require_floats("scale", {x});
  Tape& tape = x.tape();
  return tape.record("scale", multiple(tape, x.value(), factor), {x},
                     [factor, &tape](const Tensor& g) { return std::vector<Tensor>{multiple(tape, g, factor)}; });
}

}  // namespace shenbi::ops
