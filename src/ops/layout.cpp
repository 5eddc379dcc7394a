// A slice of an axis is, in memory, one run of bytes for each item of the axes outside it; concat is the way back.
#include "ops/layout.h"

#include <cstring>

#include "ops/op.h"

namespace shenbi::ops {
namespace {

/// Sizes before and after an axis, the latter in bytes.
struct Runs {
  size_t outer = 1, inner_bytes = 0;
};
Runs runs_of(const Tensor& x, size_t axis) {
  Runs runs{.outer = 1, .inner_bytes = tensor::size_of(x.dtype())};
  for (size_t i = 0; i < axis; ++i) runs.outer *= x.shape()[i];
  for (size_t i = axis + 1; i < x.shape().rank(); ++i) runs.inner_bytes *= x.shape()[i];
  return runs;
}

Tensor cut(const Tensor& x, size_t axis, size_t begin, size_t end) {
  Tensor out = Tensor::uninitialized(x.shape().with(axis, end - begin), x.dtype());
  const auto [outer, inner] = runs_of(x, axis);
  const size_t from = x.shape()[axis] * inner, to = (end - begin) * inner;
  for (size_t i = 0; i < outer; ++i) std::memcpy(out.data() + i * to, x.data() + i * from + begin * inner, to);
  return out;
}

/// Writes `part` at item `begin` of the axis of `whole`.
void paste(Tensor& whole, const Tensor& part, size_t axis, size_t begin) {
  const auto [outer, inner] = runs_of(whole, axis);
  const size_t to = whole.shape()[axis] * inner, from = part.shape()[axis] * inner;
  for (size_t i = 0; i < outer; ++i) std::memcpy(whole.data() + i * to + begin * inner, part.data() + i * from, from);
}

Tensor turned(const Tensor& x) {
  const size_t rows = x.shape()[0], columns = x.shape()[1];
  Tensor out = Tensor::uninitialized({columns, rows}, x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T* from = x.values<T>().data();
    T* to = out.values<T>().data();
    for (size_t i = 0; i < rows; ++i)
      for (size_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  });
  return out;
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  require_floats("reshape", {x});
  return x.tape().record("reshape", x.value().reshaped(shape), {x},
                         [before = x.shape()](const Tensor& g) { return std::vector<Tensor>{g.reshaped(before)}; });
}

Variable transpose(const Variable& x) {
  require_floats("transpose", {x});
  require(x.shape().rank() == 2, "transpose: x must have two axes, not {}", x.shape().text());
  return x.tape().record("transpose", turned(x.value()), {x},
                         [](const Tensor& g) { return std::vector<Tensor>{turned(g)}; });
}

Variable slice(const Variable& x, size_t axis, size_t begin, size_t end) {
  require_floats("slice", {x});
  require(axis < x.shape().rank() && begin <= end && end <= x.shape()[axis], "slice: items {} to {} of axis {} of {}",
          begin, end, axis, x.shape().text());
  return x.tape().record("slice", cut(x.value(), axis, begin, end), {x}, [=, shape = x.shape()](const Tensor& g) {
    Tensor dx = Tensor::zeros(shape, g.dtype());
    paste(dx, g, axis, begin);
    return std::vector<Tensor>{dx};
  });
}

Variable concat(const std::vector<Variable>& parts, size_t axis) {
  require(!parts.empty(), "concat: nothing to join");
  const Shape& first = parts[0].shape();
  std::vector<size_t> begins;
  size_t total = 0;
  for (const Variable& part : parts) {
    require_floats("concat", {parts[0], part});
    require(
        axis < first.rank() && part.shape().rank() == first.rank() && part.shape().with(axis, 0) == first.with(axis, 0),
        "concat: shapes {} and {} do not fit along axis {}", first.text(), part.shape().text(), axis);
    begins.push_back(total);
    total += part.shape()[axis];
  }
  begins.push_back(total);
  Tensor out = Tensor::uninitialized(first.with(axis, total), parts[0].dtype());
  for (size_t i = 0; i < parts.size(); ++i) paste(out, parts[i].value(), axis, begins[i]);
  return parts[0].tape().record("concat", out, parts, [=](const Tensor& g) {
    std::vector<Tensor> gradients;
    for (size_t i = 0; i + 1 < begins.size(); ++i) gradients.push_back(cut(g, axis, begins[i], begins[i + 1]));
    return gradients;
  });
}

}  // namespace shenbi::ops
