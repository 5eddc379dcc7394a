// Each function is a struct with its value and its slope, both from x: the vjp keeps x alone, which the op before it
// keeps anyway, instead of x and the result.
#include "ops/activation.h"

#include <cmath>
#include <numbers>

#include "ops/op.h"

namespace shenbi::ops {
namespace {

template <class T>
T logistic(T x) noexcept {
  // Neither branch raises e to a large positive power.
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const T e = std::exp(x);
  return e / (1 + e);
}

struct Silu {
  template <class T>
  T value(T x) const noexcept {
    return x * logistic(x);
  }
  template <class T>
  T slope(T x) const noexcept {
    const T s = logistic(x);
    return s * (1 + x * (1 - s));
  }
};

struct GeluErf {
  template <class T>
  T value(T x) const noexcept {
    return x * phi(x);
  }
  template <class T>
  T slope(T x) const noexcept {
    const T density = std::exp(-x * x / 2) * static_cast<T>(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
    return phi(x) + x * density;
  }
  /// erfc, so that the left tail does not cancel.
  template <class T>
  static T phi(T x) noexcept {
    return std::erfc(-x * static_cast<T>(1 / std::numbers::sqrt2)) / 2;
  }
};

struct GeluTanh {
  template <class T>
  T value(T x) const noexcept {
    return x / 2 * (1 + std::tanh(inner(x)));
  }
  template <class T>
  T slope(T x) const noexcept {
    const T t = std::tanh(inner(x));
    const T inner_slope = static_cast<T>(kRoot) * (1 + static_cast<T>(3 * kCubic) * x * x);
    return (1 + t) / 2 + x / 2 * (1 - t * t) * inner_slope;
  }
  template <class T>
  static T inner(T x) noexcept {
    return static_cast<T>(kRoot) * (x + static_cast<T>(kCubic) * x * x * x);
  }
  static constexpr double kRoot = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
  static constexpr double kCubic = 0.044715;
};

struct Relu {
  template <class T>
  T value(T x) const noexcept {
    return x > 0 ? x : T{0};
  }
  template <class T>
  T slope(T x) const noexcept {
    return x > 0 ? T{1} : T{0};
  }
};

struct ReluSquared {
  template <class T>
  T value(T x) const noexcept {
    return x > 0 ? x * x : T{0};
  }
  template <class T>
  T slope(T x) const noexcept {
    return x > 0 ? 2 * x : T{0};
  }
};

struct Sigmoid {
  template <class T>
  T value(T x) const noexcept {
    return logistic(x);
  }
  template <class T>
  T slope(T x) const noexcept {
    const T s = logistic(x);
    return s * (1 - s);
  }
};

struct Softcap {
  double cap;
  template <class T>
  T value(T x) const noexcept {
    const T c = static_cast<T>(cap);
    return c * std::tanh(x / c);
  }
  template <class T>
  T slope(T x) const noexcept {
    const T t = std::tanh(x / static_cast<T>(cap));
    return 1 - t * t;
  }
};

// A transcendental function costs about twenty simple operations.
constexpr size_t kWork = 20;

template <class Function>
Variable apply(const char* op, const Variable& input, Function function) {
  require_floats(op, {input});
  Tape& tape = input.tape();
  const Tensor x = input.value();
  Tensor out = Tensor::uninitialized(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T* from = x.values<T>().data();
    T* to = out.values<T>().data();
    parallel(
        tape, x.elements(), kWork,
        [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) to[i] = function.value(from[i]);
        },
        64);
  });
  return tape.record(op, out, {input}, [x, function, &tape](const Tensor& g) {
    Tensor dx = Tensor::uninitialized(x.shape(), x.dtype());
    with_type(x.dtype(), [&]<class T>(T) {
      const T *from = x.values<T>().data(), *up = g.values<T>().data();
      T* to = dx.values<T>().data();
      parallel(
          tape, x.elements(), kWork,
          [&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) to[i] = up[i] * function.slope(from[i]);
          },
          64);
    });
    return std::vector<Tensor>{dx};
  });
}

}  // namespace

Variable silu(const Variable& x) { return apply("silu", x, Silu{}); }
Variable gelu_erf(const Variable& x) { return apply("gelu_erf", x, GeluErf{}); }
Variable gelu_tanh(const Variable& x) { return apply("gelu_tanh", x, GeluTanh{}); }
Variable relu(const Variable& x) { return apply("relu", x, Relu{}); }
Variable relu_squared(const Variable& x) { return apply("relu_squared", x, ReluSquared{}); }
Variable sigmoid(const Variable& x) { return apply("sigmoid", x, Sigmoid{}); }
Variable softcap(const Variable& x, double cap) {
  require(cap > 0 && std::isfinite(cap), "softcap: the cap must be positive, not {}", cap);
  return apply("softcap", x, Softcap{cap});
}

}  // namespace shenbi::ops
