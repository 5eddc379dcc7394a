#include "nn/fused_linear.h"

#include "kernels/rows.h"

namespace shenbi::nn {

void FusedInput::reserve(size_t tokens, size_t columns, FormSet forms) {
  for (const auto form : kAllForms)
    if (forms.has(form)) batches_[static_cast<size_t>(form)].reserve(tokens, columns);
}

void FusedInput::prepare(const float* x, size_t tokens, size_t columns, FormSet forms, size_t row_begin, size_t row_end,
                         size_t column_begin, size_t column_end) const noexcept {
  for (const auto form : kAllForms)
    if (forms.has(form))
      kernels::Activations::convert(in(form, tokens, columns), x, columns, row_begin, row_end, column_begin,
                                    column_end);
}

void FusedLinear::multiply_piece(const FusedInput& x, size_t tokens, size_t piece, size_t count, float* y,
                                 size_t stride) const noexcept {
  const auto [begin, end] = matrix.rows_of(piece, count);
  matrix.multiply_rows(begin, end, in(x, tokens), y, stride);
}

void FusedLinear::multiply_rows(const FusedInput& x, size_t tokens, size_t begin, size_t end, float* y,
                                size_t stride) const noexcept {
  if (begin >= end) return;
  matrix.multiply_rows(begin, end, in(x, tokens), y, stride);
  if (bias.empty()) return;
  for (size_t t = 0; t < tokens; ++t)
    kernels::add(y + t * stride + begin, bias.data() + begin, end - begin, y + t * stride + begin);
}

void FusedLinear::add_bias(float* y) const noexcept {
  if (!bias.empty()) kernels::add(y, bias.data(), bias.size(), y);
}

}  // namespace shenbi::nn
