// y = softmax(x), dx = y * (g - sum(g * y)).
#include "ops/softmax.h"

#include "ops/op.h"
#include "ops/softmax_row.h"

namespace shenbi::ops {

Variable softmax(const Variable& input) {
  require_floats("softmax", {input});
  Tape& tape = input.tape();
  const size_t columns = input.shape().columns(), rows = input.shape().rows();
  Tensor y = input.value().clone();
  with_type(y.dtype(), [&]<class T>(T) {
    T* const to = y.values<T>().data();
    parallel(tape, rows, 20 * columns, [&](size_t begin, size_t end) {
      for (size_t t = begin; t < end; ++t) softmax_row(to + t * columns, columns);
    });
  });
  return tape.record("softmax", y, {input}, [=, &tape](const Tensor& g) {
    Tensor dx = Tensor::uninitialized(y.shape(), y.dtype());
    with_type(y.dtype(), [&]<class T>(T) {
      const T *p = y.values<T>().data(), *up = g.values<T>().data();
      T* const to = dx.values<T>().data();
      parallel(tape, rows, 4 * columns, [&](size_t begin, size_t end) {
        for (size_t t = begin; t < end; ++t) {
          const size_t row = t * columns;
          softmax_gradient_row(p + row, up + row, to + row, columns);
        }
      });
    });
    return std::vector<Tensor>{dx};
  });
}

}  // namespace shenbi::ops
