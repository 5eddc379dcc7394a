#pragma once
// Linear layers with packed weights, and their input: rows of activations in each form that some matrix wants. Part of
// the inference path; the truth of every fused_* file is the composition in nn/compose.h.
//
//   lane.pieces(rows, [&](size_t t) { input.prepare(x, tokens, d, forms, t, t + 1, 0, d); });
//   const size_t count = linear.matrix.pieces(lane.count());
//   lane.pieces(count, [&](size_t i) { linear.multiply_piece(input, tokens, i, count, y, y_stride); });

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_team.h"
#include "kernels/packed_matrix.h"

namespace shenbi::nn {

/// A set of activation forms.
class FormSet {
 public:
  void add(kernels::ActivationForm form) noexcept { bits_ |= 1u << static_cast<unsigned>(form); }
  void add(FormSet other) noexcept { bits_ |= other.bits_; }
  bool has(kernels::ActivationForm form) const noexcept { return (bits_ >> static_cast<unsigned>(form) & 1u) != 0; }

 private:
  unsigned bits_ = 0;
};

inline constexpr std::array kAllForms = {kernels::ActivationForm::kF32, kernels::ActivationForm::kInt8,
                                         kernels::ActivationForm::kInt16};

/// Who quantises a part of the columns cuts them in multiples of this.
inline constexpr size_t kColumnUnit = 64;

class FusedInput {
 public:
  /// Room for `tokens` rows of `columns` in these forms; never shrinks. Not thread-safe.
  void reserve(size_t tokens, size_t columns, FormSet forms);

  /// Rows [row_begin, row_end), columns [column_begin, column_end) (in multiples of kColumnUnit or the end) of x
  /// [tokens, columns], into each of the forms. Whoever computed them may call it.
  void prepare(const float* x, size_t tokens, size_t columns, FormSet forms, size_t row_begin, size_t row_end,
               size_t column_begin, size_t column_end) const noexcept;
  void prepare_rows(const float* x, size_t tokens, size_t columns, FormSet forms, size_t begin,
                    size_t end) const noexcept {
    prepare(x, tokens, columns, forms, begin, end, 0, columns);
  }

  kernels::ActivationBatch in(kernels::ActivationForm form, size_t tokens, size_t columns) const noexcept {
    return batches_[static_cast<size_t>(form)].batch(tokens, columns, form);
  }

 private:
  std::array<kernels::Activations, kAllForms.size()> batches_;
};

struct FusedLinear {
  kernels::PackedMatrix matrix;
  std::vector<float> bias;  ///< empty: none

  bool empty() const noexcept { return matrix.empty(); }
  size_t rows() const noexcept { return matrix.rows(); }
  void want(FormSet& forms) const noexcept { forms.add(matrix.form()); }
  /// What it multiplies, of the inputs of so many tokens.
  kernels::ActivationBatch in(const FusedInput& x, size_t tokens) const noexcept {
    return x.in(matrix.form(), tokens, matrix.columns());
  }

  /// y[t, r] for the rows r of one of `count` pieces; without the bias.
  void multiply_piece(const FusedInput& x, size_t tokens, size_t piece, size_t count, float* y,
                      size_t stride) const noexcept;
  /// The same for rows [begin, end), in multiples of 16 or the end, with the bias.
  void multiply_rows(const FusedInput& x, size_t tokens, size_t begin, size_t end, float* y,
                     size_t stride) const noexcept;
  /// y += bias for one row.
  void add_bias(float* y) const noexcept;
};

}  // namespace shenbi::nn
