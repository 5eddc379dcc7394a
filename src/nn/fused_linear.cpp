#include "nn/fused_linear.h"

#include "kernels/rows.h"

namespace shenbi::nn {

void FusedInput::reserve(size_t tokens, size_t columns, FormSet forms) {
  for (const auto form : kAllForms)
    if (forms.has(form)) batches_[static_cast<size_t>(form)].reserve(tokens, columns);
}

void FusedInput::prepare_part(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms,
                              size_t row_begin, size_t row_end, size_t column_begin, size_t column_end) noexcept {
  for (const auto form : kAllForms)
    if (forms.has(form))
      batches_[static_cast<size_t>(form)].quantize_part(lane, x, tokens, columns, columns, form, row_begin, row_end,
                                                        column_begin, column_end);
}

void FusedInput::prepare_rows(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms, size_t begin,
                              size_t end) noexcept {
  prepare_part(lane, x, tokens, columns, forms, begin, end, 0, columns);
}

void FusedInput::prepare_columns(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms, size_t begin,
                                 size_t end) noexcept {
  prepare_part(lane, x, tokens, columns, forms, 0, tokens, begin, end);
}

void FusedInput::prepare(Lane& lane, const float* x, size_t tokens, size_t columns, FormSet forms) noexcept {
  for (const auto form : kAllForms)
    if (forms.has(form)) batches_[static_cast<size_t>(form)].quantize(lane, x, tokens, columns, columns, form);
}

void FusedLinear::multiply(Lane& lane, const FusedInput& x, float* y, size_t stride) const noexcept {
  matrix.multiply(lane, x.in(matrix.form()), y, stride);
}

void FusedLinear::multiply_rows(const FusedInput& x, size_t tokens, size_t begin, size_t end, float* y,
                                size_t stride) const noexcept {
  if (begin >= end) return;
  matrix.multiply_rows(begin, end, x.in(matrix.form()), y, stride);
  if (bias.empty()) return;
  for (size_t t = 0; t < tokens; ++t)
    kernels::add(y + t * stride + begin, bias.data() + begin, end - begin, y + t * stride + begin);
}

void FusedLinear::add_bias(float* y) const noexcept {
  if (!bias.empty()) kernels::add(y, bias.data(), bias.size(), y);
}

}  // namespace shenbi::nn
