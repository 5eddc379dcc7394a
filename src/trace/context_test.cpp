#include "trace/context.h"

#include <gtest/gtest.h>

namespace shenbi::trace {
namespace {

// The example of the W3C recommendation.
constexpr const char* kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, reads_the_example_of_the_standard_and_writes_it_again) {
  const auto context = read_context(kExample, "congo=t61rcWkgMzE");
  ASSERT_TRUE(context);
  EXPECT_EQ(hex(context->trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(hex(context->span), "00f067aa0ba902b7");
  EXPECT_TRUE(context->recorded);
  EXPECT_EQ(context->state, "congo=t61rcWkgMzE");
  EXPECT_EQ(traceparent(*context), kExample);
}

TEST(TraceContext, what_is_not_to_the_letter_is_no_context) {
  for (const char* text : {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"}) {
    EXPECT_FALSE(read_context(text, "")) << text;
  }
}

TEST(TraceContext, a_later_version_may_say_more_behind_a_dash) {
  EXPECT_TRUE(read_context("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", ""));
  EXPECT_FALSE(read_context("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", ""));
}

TEST(TraceContext, a_state_out_of_bounds_is_dropped_alone) {
  EXPECT_EQ(read_context(kExample, std::string(513, 'a'))->state, "");
  EXPECT_EQ(read_context(kExample, "a=\x01")->state, "");
  EXPECT_EQ(read_context(kExample, std::string(512, 'a'))->state.size(), 512u);
}

TEST(TraceContext, only_the_recorded_bit_of_the_flags_counts) {
  EXPECT_FALSE(read_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", "")->recorded);
  EXPECT_TRUE(read_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", "")->recorded);
}

TEST(TraceContext, new_numbers_differ_and_are_not_zero) {
  EXPECT_NE(new_trace_id(), new_trace_id());
  EXPECT_NE(new_span_id(), SpanId{});
}

}  // namespace
}  // namespace shenbi::trace
