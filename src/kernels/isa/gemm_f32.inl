// f32 matrix product tiles, written once over sixteen lanes. Included after one of the lanes_*.h.
//
// A tile keeps kRows x kGroups x 16 sums in registers over the whole k of its panels: per step kGroups loads of B and
// kRows broadcasts of A feed kRows * kGroups fma.

#include "kernels/isa/gemm_f32_table.h"

namespace {

constexpr int kGroups = kAccumulators >= 24 ? 2 : 1;
constexpr int kRows = kAccumulators / kGroups;
constexpr size_t kColumns = kGroups * kLanes;

// A whole tile from or into `c`.
SHENBI_INLINE void whole_tile(const float* a, const float* b, size_t k, float* c, size_t c_stride, bool keep) {
  Lanes sum[kRows][kGroups];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g)
      sum[r][g] = keep ? load(c + static_cast<size_t>(r) * c_stride + g * kLanes) : zero();
  }
  for (size_t p = 0; p < k; ++p, a += kRows, b += kColumns) {
    Lanes column[kGroups];
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) column[g] = load(b + g * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Lanes row = broadcast(a[r]);
#pragma GCC unroll 4
      for (int g = 0; g < kGroups; ++g) sum[r][g] = fma(row, column[g], sum[r][g]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) store(c + static_cast<size_t>(r) * c_stride + g * kLanes, sum[r][g]);
  }
}

void tile(const float* a, const float* b, size_t k, float* c, size_t c_stride, size_t rows, size_t columns, bool keep) {
  if (rows == kRows && columns == kColumns) return whole_tile(a, b, k, c, c_stride, keep);
  // At the edge of C: through a tile of its own.
  float edge[kRows * kColumns] = {};
  if (keep) {
    for (size_t r = 0; r < rows; ++r) std::memcpy(edge + r * kColumns, c + r * c_stride, columns * sizeof(float));
  }
  whole_tile(a, b, k, edge, kColumns, keep);
  for (size_t r = 0; r < rows; ++r) std::memcpy(c + r * c_stride, edge + r * kColumns, columns * sizeof(float));
}

typedef float Four __attribute__((vector_size(16)));

SHENBI_INLINE Four load_four(const float* p) {
  Four four;
  __builtin_memcpy(&four, p, sizeof(four));
  return four;
}

// to[j * width + i] = from[i * stride + j] for i, j < 4.
SHENBI_INLINE void transpose_four(const float* from, size_t stride, float* to, size_t width) {
  const Four r0 = load_four(from), r1 = load_four(from + stride);
  const Four r2 = load_four(from + 2 * stride), r3 = load_four(from + 3 * stride);
  const Four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
  const Four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  const Four columns[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                           __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                           __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                           __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) __builtin_memcpy(to + j * width, &columns[j], sizeof(Four));
}

void pack_across(const float* source, size_t stride, size_t count, size_t k, size_t width, float* panel) {
  if (count < width) std::memset(panel, 0, k * width * sizeof(float));
  const size_t whole_i = count / 4 * 4, whole_k = k / 4 * 4;
  // A line of sixteen k of each row at a time: the lines of the panel stay in the cache until they are full.
  for (size_t line = 0; line < whole_k; line += kLanes) {
    const size_t end = whole_k - line < kLanes ? whole_k : line + kLanes;
    for (size_t i = 0; i < whole_i; i += 4) {
      for (size_t p = line; p < end; p += 4) transpose_four(source + i * stride + p, stride, panel + p * width + i, width);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t p = i < whole_i ? whole_k : 0; p < k; ++p) panel[p * width + i] = source[i * stride + p];
  }
}

void pack_along(const float* source, size_t stride, size_t count, size_t k, size_t width, float* panel) {
  for (size_t p = 0; p < k; ++p) {
    std::memcpy(panel + p * width, source + p * stride, count * sizeof(float));
    for (size_t i = count; i < width; ++i) panel[p * width + i] = 0.0f;
  }
}

constexpr shenbi::kernels::GemmTable kGemm = {
    .tile_rows = kRows, .tile_columns = kColumns, .tile = tile, .pack_across = pack_across, .pack_along = pack_along};

}  // namespace
