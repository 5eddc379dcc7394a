#include "kernels/gemm_f32.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <tuple>

#include "kernels/isa/choose_table.h"
#include "kernels/isa/gemm_f32_table.h"

namespace shenbi::kernels {
namespace {

// Blocks of k: a panel of B (256 x 32 floats = 32 KB) fits into the first-level cache and a block of A (96 x 256 floats
// = 96 KB) into the second. Continuing in C keeps the chain of fma whole. Blocks of n bound the packed B (4 MB).
constexpr size_t kBlockK = 256;
constexpr size_t kBlockN = 4096;
constexpr size_t kBlockPanelsA = 8;

size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

// Where A and B lie: element (i, p) of A, i in m, p in k, and of B, i in n, at across ? i * stride + p : p * stride +
// i.
struct Operand {
  const float* data;
  size_t stride;
  bool across;
};

struct Product {
  const GemmTable& table;
  GemmF32 sizes;
  Operand a, b;
  size_t c_stride;

  void pack(const Operand& from, size_t first, size_t count, size_t p, size_t k, size_t width, float* panel) const {
    if (from.across) {
      table.pack_across(from.data + first * from.stride + p, from.stride, count, k, width, panel);
    } else {
      table.pack_along(from.data + p * from.stride + first, from.stride, count, k, width, panel);
    }
  }
};

// One lane's part of a block of B, already packed: rows of C [row, row_end) x panels of B [panel, panel_end).
struct Part {
  size_t row, row_end, panel, panel_end;
};

void multiply_part(const Product& product, const Part& part, size_t n, size_t columns, size_t p, size_t k,
                   const float* packed_b, float* packed_a) {
  const size_t height = product.table.tile_rows, width = product.table.tile_columns;
  const bool keep = p > 0 || product.sizes.accumulate;
  for (size_t row = part.row; row < part.row_end; row += kBlockPanelsA * height) {
    const size_t rows = std::min(part.row_end - row, kBlockPanelsA * height);
    for (size_t r = 0; r < rows; r += height) {
      product.pack(product.a, row + r, std::min(height, rows - r), p, k, height, packed_a + r * k);
    }
    for (size_t panel = part.panel; panel < part.panel_end; ++panel) {
      const size_t column = panel * width;
      for (size_t r = 0; r < rows; r += height) {
        product.table.tile(packed_a + r * k, packed_b + column * k, k,
                           product.sizes.c + (row + r) * product.c_stride + n + column, product.c_stride,
                           std::min(height, rows - r), std::min(width, columns - column), keep);
      }
    }
  }
}

// Each lane computes its share of the rows, or, if there are too few of them, of the columns.
Part share_of(const Lane& lane, const Product& product, size_t panels) {
  const size_t height = product.table.tile_rows, m = product.sizes.m;
  if (divide_up(m, height) >= 2 * static_cast<size_t>(lane.count()) || panels < static_cast<size_t>(lane.count())) {
    const auto [begin, end] = lane.share(m, height);
    return {begin, end, 0, panels};
  }
  const auto [begin, end] = lane.share(panels);
  return {0, m, begin, end};
}

void run(Lane& lane, const Product& product, float* packed_b, float* packed_a) {
  const GemmF32& sizes = product.sizes;
  const size_t width = product.table.tile_columns;
  for (size_t n = 0; n < sizes.n; n += kBlockN) {
    const size_t columns = std::min(kBlockN, sizes.n - n), panels = divide_up(columns, width);
    for (size_t p = 0; p < sizes.k; p += kBlockK) {
      const size_t k = std::min(kBlockK, sizes.k - p);
      const auto [begin, end] = lane.share(panels);
      for (size_t panel = begin; panel < end; ++panel) {
        const size_t column = panel * width;
        product.pack(product.b, n + column, std::min(width, columns - column), p, k, width, packed_b + column * k);
      }
      lane.barrier();
      const Part part = share_of(lane, product, panels);
      multiply_part(product, part, n, columns, p, k, packed_b, packed_a);
      lane.barrier();  // before the packed B is overwritten
    }
  }
}

std::shared_ptr<float> aligned_floats(size_t count) {
  void* memory = std::aligned_alloc(64, divide_up(count * sizeof(float), 64) * 64);
  if (memory == nullptr) throw std::bad_alloc();
  return {static_cast<float*>(memory), std::free};
}

void store_zeros(const GemmF32& sizes, size_t c_stride) {
  for (size_t row = 0; row < sizes.m; ++row) std::memset(sizes.c + row * c_stride, 0, sizes.n * sizeof(float));
}

}  // namespace

void gemm_f32(const GemmF32& sizes, ThreadTeam* team) {
  const auto [m, n, k] = std::tuple{sizes.m, sizes.n, sizes.k};
  const size_t c_stride = sizes.c_stride == 0 ? n : sizes.c_stride;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!sizes.accumulate) store_zeros(sizes, c_stride);
    return;
  }
  const bool a_across = sizes.layout != GemmLayout::kTN, b_across = sizes.layout == GemmLayout::kNT;
  const auto stride = [](size_t given, size_t dense) { return given == 0 ? dense : given; };
  const Product product{SHENBI_TABLE(gemm_f32, chosen_isa()),
                        sizes,
                        {sizes.a, stride(sizes.a_stride, a_across ? k : m), a_across},
                        {sizes.b, stride(sizes.b_stride, b_across ? k : n), b_across},
                        c_stride};
  // A team of one costs nothing: no thread is started.
  std::optional<ThreadTeam> alone;
  if (team == nullptr) team = &alone.emplace(1);

  const size_t width = product.table.tile_columns, height = product.table.tile_rows;
  const size_t block_k = std::min(k, kBlockK);
  const auto packed_b = aligned_floats(divide_up(std::min(n, kBlockN), width) * width * block_k);
  const size_t lane_a = divide_up(kBlockPanelsA * height * block_k, 16) * 16;
  const auto packed_a = aligned_floats(lane_a * static_cast<size_t>(team->count()));
  team->run([&](Lane& lane) {
    run(lane, product, packed_b.get(), packed_a.get() + static_cast<size_t>(lane.index()) * lane_a);
  });
}

}  // namespace shenbi::kernels
