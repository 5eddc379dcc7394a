#include "base/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace shenbi {

TEST(Float16, every_half_survives_the_round_trip_through_f32) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = f16_to_f32(static_cast<uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      ASSERT_EQ(f32_to_f16(value), half);
    }
  }
}

TEST(Float16, rounds_to_nearest_even_and_overflows_to_infinity) {
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f), 0x3C00);           // exactly half way: even mantissa wins
  EXPECT_EQ(f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3C02);
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7C00);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);                  // half of the smallest subnormal, tie to even
  EXPECT_EQ(f32_to_f16(0x1.8p-25f), 0x0001);
}

TEST(BFloat16, rounds_to_nearest_even_and_keeps_nan) {
  EXPECT_EQ(f32_to_bf16(1.0f + 0x1p-8f), 0x3F80);
  EXPECT_EQ(f32_to_bf16(1.0f + 3 * 0x1p-8f), 0x3F82);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

}  // namespace shenbi
