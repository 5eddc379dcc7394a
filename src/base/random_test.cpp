#include "base/random.h"

#include <gtest/gtest.h>

namespace shenbi {

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, equals_the_published_known_answers) {
  const std::array<uint32_t, 4> zero = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(Philox(0, 0).block(0), zero);
  const std::array<uint32_t, 4> ones = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(Philox(~0ull, ~0ull).block(~0ull), ones);
}

TEST(Philox, uniform_stays_below_one) {
  const Philox random(7);
  double sum = 0;
  for (uint64_t i = 0; i < 100000; ++i) {
    const float u = random.uniform(i);
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);  // five standard deviations of the mean
}

}  // namespace shenbi
