#include "kernels/isa.h"

#include <gtest/gtest.h>

namespace shenbi::kernels {

TEST(Isa, scalar_is_always_available_and_comes_first) {
  ASSERT_FALSE(available_isas().empty());
  EXPECT_EQ(available_isas().front(), Isa::kScalar);
}

TEST(Isa, a_forced_choice_holds_until_the_next) {
  const Isa before = chosen_isa();
  for (const Isa isa : available_isas()) {
    force_isa(isa);
    EXPECT_EQ(chosen_isa(), isa) << isa_name(isa);
  }
  force_isa(before);
}

}  // namespace shenbi::kernels
