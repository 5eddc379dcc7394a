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

void pack_across(const float* source, size_t stride, size_t count, size_t k, size_t width, float* panel) {
  if (count < width) std::memset(panel, 0, k * width * sizeof(float));
  // Sixteen columns of k at a time: the lines of the panel stay in the cache until they are full.
  for (size_t p = 0; p < k; p += kLanes) {
    const size_t end = k - p < kLanes ? k : p + kLanes;
    for (size_t i = 0; i < count; ++i) {
      for (size_t j = p; j < end; ++j) panel[j * width + i] = source[i * stride + j];
    }
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
