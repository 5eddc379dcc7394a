#pragma once
// The f32 product kernels of one instruction set. C types only: see kernels/isa.h.

#include <cstddef>

namespace shenbi::kernels {

/// C is computed in tiles of tile_rows x tile_columns. Packed A: panels of tile_rows rows, [k][tile_rows]; packed B:
/// panels of tile_columns columns, [k][tile_columns]; both padded with zeros.
struct GemmTable {
  size_t tile_rows, tile_columns;

  /// C[rows, columns] = (keep ? C : 0) + A panel * B panel; rows <= tile_rows, columns <= tile_columns.
  void (*tile)(const float* a, const float* b, size_t k, float* c, size_t c_stride, size_t rows, size_t columns,
               bool keep);
  /// One panel: panel[p * width + i] = source[i * stride + p] for i < count, p < k (rows lie along k).
  void (*pack_across)(const float* source, size_t stride, size_t count, size_t k, size_t width, float* panel);
  /// One panel: panel[p * width + i] = source[p * stride + i] (rows lie along i).
  void (*pack_along)(const float* source, size_t stride, size_t count, size_t k, size_t width, float* panel);
};

const GemmTable* gemm_f32_scalar() noexcept;
const GemmTable* gemm_f32_avx2() noexcept;
const GemmTable* gemm_f32_avx512() noexcept;

}  // namespace shenbi::kernels
