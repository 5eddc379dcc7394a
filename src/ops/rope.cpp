// A rotation times a magnitude is linear, so the way back is the same loop with the angle turned round.
#include "ops/rope.h"

#include <cmath>
#include <memory>

#include "ops/op.h"

namespace shenbi::ops {
namespace {

struct Table {
  size_t pairs = 0;
  bool adjacent = false;
  std::vector<double> cos, sin;  ///< [tokens, pairs], times the magnitude
};

Table make_table(std::span<const int32_t> positions, const RopeOptions& options) {
  Table table{.pairs = options.inverse_frequencies.size(), .adjacent = options.adjacent};
  table.cos.reserve(positions.size() * table.pairs);
  table.sin.reserve(positions.size() * table.pairs);
  for (int32_t position : positions)
    for (float frequency : options.inverse_frequencies) {
      const double angle = static_cast<double>(position) * static_cast<double>(frequency);
      table.cos.push_back(std::cos(angle) * options.magnitude);
      table.sin.push_back(std::sin(angle) * options.magnitude);
    }
  return table;
}

/// direction 1 turns, -1 turns back.
Tensor rotate(const Tape& tape, const Tensor& x, const Table& table, double direction) {
  Tensor out = x.clone();
  const size_t heads = x.shape()[1], dims = x.shape()[2], pairs = table.pairs;
  const size_t step = table.adjacent ? 2 : 1, partner = table.adjacent ? 1 : pairs;
  with_type(x.dtype(), [&]<class T>(T) {
    T* const to = out.values<T>().data();
    parallel(tape, x.shape()[0] * heads, 4 * dims, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        const double* cos = table.cos.data() + row / heads * pairs;
        const double* sin = table.sin.data() + row / heads * pairs;
        T* head = to + row * dims;
        for (size_t i = 0; i < pairs; ++i) {
          const T c = static_cast<T>(cos[i]), s = static_cast<T>(sin[i] * direction);
          const T first = head[i * step], second = head[i * step + partner];
          head[i * step] = first * c - second * s;
          head[i * step + partner] = second * c + first * s;
        }
      }
    });
  });
  return out;
}

}  // namespace

Variable rope(const Variable& x, std::span<const int32_t> positions, const RopeOptions& options) {
  require_floats("rope", {x});
  require(x.shape().rank() == 3, "rope: x must be [tokens, heads, dims], not {}", x.shape().text());
  require(positions.size() == x.shape()[0], "rope: {} positions for x {}", positions.size(), x.shape().text());
  require(2 * options.inverse_frequencies.size() <= x.shape()[2], "rope: {} pairs do not fit x {}",
          options.inverse_frequencies.size(), x.shape().text());
  Tape& tape = x.tape();
  const auto table = std::make_shared<const Table>(make_table(positions, options));
  return tape.record("rope", rotate(tape, x.value(), *table, 1), {x},
                     [table, &tape](const Tensor& g) { return std::vector<Tensor>{rotate(tape, g, *table, -1)}; });
}

}  // namespace shenbi::ops
