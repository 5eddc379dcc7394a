#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

namespace shenbi::engine {

TEST(StopMatcher, stops_at_a_string_split_over_many_pieces) {
  StopMatcher stops({"</answer>"});
  EXPECT_EQ(stops.push("yes<"), "yes");
  EXPECT_EQ(stops.push("/ans"), "");
  EXPECT_EQ(stops.push("wer> more"), "");
  EXPECT_TRUE(stops.stopped());
  EXPECT_EQ(stops.matched(), "</answer>");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopMatcher, gives_back_what_it_held_in_vain) {
  StopMatcher stops({"abc", "bx"});
  EXPECT_EQ(stops.push("aab"), "a");
  EXPECT_EQ(stops.push("d"), "abd");
  EXPECT_EQ(stops.push("ab"), "");
  EXPECT_EQ(stops.finish(), "ab");
  EXPECT_FALSE(stops.stopped());
}

TEST(StopMatcher, the_string_that_begins_first_wins) {
  StopMatcher stops({"world", "lo w"});
  EXPECT_EQ(stops.push("hello world"), "hel");
  EXPECT_EQ(stops.matched(), "lo w");
}

}  // namespace shenbi::engine
