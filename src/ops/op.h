#pragma once
// What the sources of ops share: the two arithmetic types, the ways to split work over threads, the errors. An op's
// file holds its shape rule, its forward loop and its vector-Jacobian product (vjp) side by side; docs/autograd.md
// tells how to add one.
//
// Every op runs in f32 (the product) and f64 (the proof: finite differences need it), from one template. Sums have one
// order, whatever the number of threads: rows are split over lanes, or columns are, a sum never is.

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "base/error.h"

namespace shenbi::ops {

using autograd::Tape;
using autograd::Variable;
using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

/// Throws Error{kInvalidArgument} unless `ok`; the message starts with the op's name.
template <class... Args>
void require(bool ok, fmt::format_string<Args...> message, Args&&... args) {
  if (!ok) [[unlikely]]
    throw Error(Code::kInvalidArgument, fmt::format(message, std::forward<Args>(args)...));
}

/// "f32 [2, 3]" or "nothing", for messages.
inline std::string text(const Variable& x) { return x.defined() ? x.value().text() : "nothing"; }

/// All operands are present (an absent optional one is left out by the caller), of one float type.
inline void require_floats(const char* op, std::initializer_list<Variable> operands) {
  for (const Variable& x : operands) {
    require(x.defined(), "{}: an operand is missing", op);
    require(x.dtype() == DType::kF32 || x.dtype() == DType::kF64, "{}: operand {} must be f32 or f64", op, text(x));
    require(x.dtype() == operands.begin()->dtype(), "{}: operands {} and {} are of different types", op,
            text(*operands.begin()), text(x));
  }
}

/// Calls f(float{}) or f(double{}).
template <class F>
void with_type(DType dtype, F&& f) {
  dtype == DType::kF64 ? f(double{}) : f(float{});
}

/// f(begin, end) over parts of [0, items), in multiples of `unit`. f must not throw.
template <class F>
void parallel(const Tape& tape, size_t items, size_t work_per_item, F&& f, size_t unit = 1) {
  if (tape.team().count() == 1 || items <= unit || items * work_per_item < tape.options().serial_below)
    return f(size_t{0}, items);
  tape.team().run([&](Lane& lane) {
    const auto [begin, end] = lane.share(items, unit);
    if (begin < end) f(begin, end);
  });
}

/// The team for a matrix product of m x n x k, or null (the calling thread alone) where it is too small to wake
/// anybody. A vector register does about 16 of its multiplications in the time of one scalar operation.
inline ThreadTeam* team_for_product(const Tape& tape, size_t m, size_t n, size_t k) {
  return m * n * k / 16 < tape.options().serial_below ? nullptr : &tape.team();
}

/// out[j] = sum over t, ascending and in double, of term(t, j): how gradients of weights that rows share are summed.
template <class T, class F>
void sum_over_rows(const Tape& tape, size_t rows, size_t columns, T* out, F&& term) {
  std::vector<double> sums(columns, 0.0);
  parallel(
      tape, columns, rows,
      [&](size_t begin, size_t end) {
        for (size_t t = 0; t < rows; ++t)
          for (size_t j = begin; j < end; ++j) sums[j] += static_cast<double>(term(t, j));
        for (size_t j = begin; j < end; ++j) out[j] = static_cast<T>(sums[j]);
      },
      16);
}

}  // namespace shenbi::ops
