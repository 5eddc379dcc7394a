#include "kernels/gemm_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/isa_guard.h"

namespace shenbi::kernels {
namespace {

/// Operands with rows longer than needed; what lies between them is NaN, and must neither be read nor written.
struct Operands {
  GemmF32 product;
  std::vector<float> a, b, c;

  Operands(GemmLayout layout, size_t m, size_t n, size_t k, bool accumulate, size_t gap = 3) {
    const size_t a_rows = layout == GemmLayout::kTN ? k : m, a_columns = layout == GemmLayout::kTN ? m : k;
    const size_t b_rows = layout == GemmLayout::kNT ? n : k, b_columns = layout == GemmLayout::kNT ? k : n;
    a = matrix(a_rows, a_columns, gap, 1);
    b = matrix(b_rows, b_columns, gap, 2);
    c = matrix(m, n, gap, 3);
    product = {.layout = layout,
               .m = m,
               .n = n,
               .k = k,
               .a = a.data(),
               .b = b.data(),
               .a_stride = a_columns + gap,
               .b_stride = b_columns + gap,
               .c_stride = n + gap,
               .accumulate = accumulate};
  }

  static std::vector<float> matrix(size_t rows, size_t columns, size_t gap, uint64_t seed) {
    Philox random(seed);
    std::vector<float> values(rows * (columns + gap), std::numeric_limits<float>::quiet_NaN());
    for (size_t r = 0; r < rows; ++r) {
      for (size_t i = 0; i < columns; ++i) values[r * (columns + gap) + i] = random.normal(r * columns + i);
    }
    return values;
  }

  std::vector<float> run(ThreadTeam* team) {
    std::vector<float> result = c;
    product.c = result.data();
    gemm_f32(product, team);
    return result;
  }

  /// The truth, one chain of fma an element.
  std::vector<float> chains() const {
    std::vector<float> result = c;
    for (size_t i = 0; i < product.m; ++i) {
      for (size_t j = 0; j < product.n; ++j) {
        float& element = result[i * product.c_stride + j];
        float sum = product.accumulate ? element : 0.0f;
        for (size_t p = 0; p < product.k; ++p) {
          const float x = product.layout == GemmLayout::kTN ? a[p * product.a_stride + i] : a[i * product.a_stride + p];
          const float y = product.layout == GemmLayout::kNT ? b[j * product.b_stride + p] : b[p * product.b_stride + j];
          sum = std::fmaf(x, y, sum);
        }
        element = sum;
      }
    }
    return result;
  }
};

bool same_bits(const std::vector<float>& x, const std::vector<float>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

}  // namespace

TEST(GemmF32, is_one_chain_of_fma_an_element_for_every_layout_instruction_set_and_team) {
  const size_t sizes[][3] = {{1, 1, 1},     {1, 33, 7},    {5, 1, 300},   {12, 32, 256},
                             {13, 47, 257}, {100, 70, 33}, {30, 200, 520}};
  ThreadTeam two(2, false), three(3, false);
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    for (const GemmLayout layout : {GemmLayout::kNT, GemmLayout::kNN, GemmLayout::kTN}) {
      for (const auto& [m, n, k] : sizes) {
        for (const bool accumulate : {false, true}) {
          Operands operands(layout, m, n, k, accumulate);
          const std::vector<float> wanted = operands.chains();
          for (ThreadTeam* team : {static_cast<ThreadTeam*>(nullptr), &two, &three}) {
            ASSERT_TRUE(same_bits(operands.run(team), wanted))
                << isa_name(isa) << " layout " << static_cast<int>(layout) << ' ' << m << 'x' << n << 'x' << k;
          }
        }
      }
    }
  }
}

TEST(GemmF32, crosses_blocks_of_columns) {
  Operands operands(GemmLayout::kNN, 3, 4096 + 40, 5, false);
  ThreadTeam team(2, false);
  EXPECT_TRUE(same_bits(operands.run(&team), operands.chains()));
}

TEST(GemmF32, of_depth_zero_is_zero_or_what_was_there) {
  for (const bool accumulate : {false, true}) {
    std::vector<float> c(6, 7.0f);
    gemm_f32({.m = 2, .n = 3, .k = 0, .c = c.data(), .accumulate = accumulate}, nullptr);
    EXPECT_EQ(c, std::vector<float>(6, accumulate ? 7.0f : 0.0f));
  }
}

}  // namespace shenbi::kernels
