#pragma once
// Linear layers with packed weights, and their input: rows of activations in each form that some matrix wants. Part of
// the inference path; the truth of every fused_* file is the composition in nn/compose.h.
//
//   input.prepare_rows(lane, x, tokens, d, forms, begin, end);   // the rows this lane computed
//   lane.barrier();
//   linear.multiply(lane, input, y, y_stride);                   // this lane's share of the outputs
//   lane.barrier();

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

/// Lanes that quantise what they computed cut columns in multiples of this.
inline constexpr size_t kColumnUnit = 64;

class FusedInput {
 public:
  /// Room for `tokens` rows of `columns` in these forms; never shrinks. Not thread-safe.
  void reserve(size_t tokens, size_t columns, FormSet forms);

  // SPMD; every lane names the same x, tokens, columns, stride and forms, and then what it converts. A barrier before
  // use.

  /// Rows [begin, end): those that this lane computed.
  void prepare_rows(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms, size_t begin,
                    size_t end) noexcept;
  /// Columns [begin, end) of all rows, in multiples of kColumnUnit or the end.
  void prepare_columns(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms, size_t begin,
                       size_t end) noexcept;
  /// Any part.
  void prepare_part(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms, size_t row_begin,
                    size_t row_end, size_t column_begin, size_t column_end) noexcept;
  /// This lane's share of everything.
  void prepare(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms) noexcept;

  const kernels::Activations& in(kernels::ActivationForm form) const noexcept {
    return batches_[static_cast<size_t>(form)];
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

  /// y[t, r] for this lane's share of the rows r; without the bias.
  void multiply(Lane& lane, const FusedInput& x, float* y, size_t stride) const noexcept;
  /// The same for rows [begin, end), in multiples of 16 or the end, with the bias.
  void multiply_rows(const FusedInput& x, size_t tokens, size_t begin, size_t end, float* y,
                     size_t stride) const noexcept;
  /// y += bias for one row.
  void add_bias(float* y) const noexcept;
};

}  // namespace shenbi::nn
