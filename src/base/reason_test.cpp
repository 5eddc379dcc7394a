#include "base/reason.h"

#include <gtest/gtest.h>

namespace shenbi {
namespace {

TEST(Reason, words_lead_back_to_their_reason) {
  for (const Reason reason : {Reason::kUnsaid, Reason::kContextLength, Reason::kModelNotFound, Reason::kContentFilter,
                              Reason::kQuota, Reason::kAccount}) {
    EXPECT_EQ(reason_of_word(reason_word(reason)), reason);
  }
  EXPECT_EQ(reason_of_word("out of luck"), Reason::kUnsaid);
}

TEST(Reason, an_error_that_has_none_is_unsaid) {
  EXPECT_EQ(reason_of(Error(Code::kNotFound, "x")), Reason::kUnsaid);
  EXPECT_EQ(reason_of(ReasonedError(Code::kNotFound, Reason::kModelNotFound, "x")), Reason::kModelNotFound);
}

}  // namespace
}  // namespace shenbi
