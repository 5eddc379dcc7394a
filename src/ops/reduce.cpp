#include "ops/reduce.h"

#include <algorithm>

#include "ops/op.h"

namespace shenbi::ops {
namespace {

Variable weighted_sum(const char* op, const Variable& input, double weight) {
  const Tensor x = input.value();
  double total = 0;
  with_type(x.dtype(), [&]<class T>(T) {
    for (T value : x.values<T>()) total += static_cast<double>(value);
  });
  return input.tape().record(
      op, Tensor::scalar(total * weight, x.dtype()), {input}, [shape = x.shape(), weight](const Tensor& g) {
        Tensor dx = Tensor::uninitialized(shape, g.dtype());
        with_type(g.dtype(), [&]<class T>(T) { std::ranges::fill(dx.values<T>(), static_cast<T>(g.item() * weight)); });
        return std::vector<Tensor>{dx};
      });
}

}  // namespace

Variable sum(const Variable& x) {
  require_floats("sum", {x});
  return weighted_sum("sum", x, 1.0);
}

Variable mean(const Variable& x) {
  require_floats("mean", {x});
  require(x.shape().elements() > 0, "mean: of nothing");
  return weighted_sum("mean", x, 1.0 / static_cast<double>(x.shape().elements()));
}

}  // namespace shenbi::ops
