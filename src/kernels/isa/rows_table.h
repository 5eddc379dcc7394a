#pragma once
// The row kernels of one instruction set (kernels/rows.h says what they compute). C types only: see kernels/isa.h.

#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

struct RowsTable {
  void (*rms_norm)(const float* x, const float* weight, float epsilon, size_t n, float* out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon, size_t n, float* out);
  void (*rope_half)(float* head, size_t pairs, const float* cos, const float* sin);
  void (*rope_adjacent)(float* head, size_t pairs, const float* cos, const float* sin);
  /// Indexed by RowActivation; `up` null: not gated.
  void (*activate[7])(const float* gate, const float* up, size_t n, float* out);
  void (*add_scaled)(const float* a, const float* b, float factor, size_t n, float* out);
  void (*add)(const float* a, const float* b, size_t n, float* out);
  void (*multiply)(const float* a, const float* b, size_t n, float* out);
  void (*scale)(const float* x, float factor, size_t n, float* out);
  void (*softcap)(const float* x, float cap, size_t n, float* out);
  void (*exp)(const float* x, size_t n, float* out);
  /// out = x - offset
  void (*subtract)(const float* x, float offset, size_t n, float* out);
  float (*sum)(const float* x, size_t n);
  float (*max)(const float* x, size_t n);
  /// Sum of exp(x - offset); stores the terms if `out` is not null.
  float (*sum_exp)(const float* x, float offset, size_t n, float* out);
  /// Index of the first element equal to `value`, or n.
  size_t (*find)(const float* x, float value, size_t n);
};

// Null where the compiler's target lacks the instruction set.
const RowsTable* rows_scalar() noexcept;
const RowsTable* rows_avx2() noexcept;
const RowsTable* rows_avx512() noexcept;

}  // namespace shenbi::kernels
