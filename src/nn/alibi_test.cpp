#include "nn/alibi.h"

#include <gtest/gtest.h>

namespace shenbi::nn {

TEST(Alibi, a_power_of_two_halves_evenly) {
  EXPECT_EQ(alibi_slopes(4), (std::vector<float>{0.25f, 0.0625f, 0.015625f, 0.00390625f}));
  EXPECT_EQ(alibi_slopes(1), (std::vector<float>{0.00390625f}));
}

// As Baichuan-13B with 40 heads: 32 slopes, then every second one of 64.
TEST(Alibi, other_counts_borrow_from_twice_the_power) {
  EXPECT_EQ(alibi_slopes(3), (std::vector<float>{0.0625f, 0.00390625f, 0.25f}));
  const auto slopes = alibi_slopes(40);
  EXPECT_FLOAT_EQ(slopes[31], 0.00390625f);
  EXPECT_FLOAT_EQ(slopes[32], 0.91700404320467123f);  // 2^(-1/8)
  EXPECT_FLOAT_EQ(slopes[39], 0.2726269331663144f);   // 2^(-15/8)
}

}  // namespace shenbi::nn
