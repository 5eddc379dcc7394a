// The gradient adds rows that meet in one row of the table in ascending order of t; lanes split the columns.
#include "ops/embedding.h"

#include <cstring>

#include "ops/op.h"

namespace shenbi::ops {

Variable embedding(const Variable& table, std::span<const int32_t> ids) {
  require_floats("embedding", {table});
  const Tensor weight = table.value();
  require(weight.shape().rank() >= 1, "embedding: the table {} has no rows", weight.text());
  const size_t count = weight.shape()[0];
  for (int32_t id : ids)
    require(id >= 0 && static_cast<size_t>(id) < count, "embedding: id {} is outside the {} rows", id, count);

  Tape& tape = table.tape();
  Tensor out = Tensor::uninitialized(weight.shape().with(0, ids.size()), weight.dtype());
  const size_t row_bytes = count == 0 ? 0 : weight.bytes() / count;
  for (size_t t = 0; t < ids.size(); ++t)
    std::memcpy(out.data() + t * row_bytes, weight.data() + static_cast<size_t>(ids[t]) * row_bytes, row_bytes);

  return tape.record(
      "embedding", out, {table},
      [&tape, shape = weight.shape(), kept = std::vector<int32_t>(ids.begin(), ids.end())](const Tensor& g) {
        Tensor dw = Tensor::zeros(shape, g.dtype());
        const size_t columns = shape[0] == 0 ? 0 : shape.elements() / shape[0];
        with_type(g.dtype(), [&]<class T>(T) {
          const T* up = g.values<T>().data();
          T* const to = dw.values<T>().data();
          parallel(
              tape, columns, kept.size(),
              [&](size_t begin, size_t end) {
                for (size_t t = 0; t < kept.size(); ++t)
                  for (size_t j = begin; j < end; ++j)
                    to[static_cast<size_t>(kept[t]) * columns + j] += up[t * columns + j];
              },
              16);
        });
        return std::vector<Tensor>{dw};
      });
}

}  // namespace shenbi::ops
