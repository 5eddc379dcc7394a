#include "engine/thinking_limit.h"

#include <gtest/gtest.h>

namespace shenbi::engine {
namespace {

ThinkingLimit limit(uint64_t tokens, bool open) {
  return {.tokens = tokens, .begin = "<think>", .end = "</think>", .closing = {7, 8}, .open = open};
}

// How many tokens of the answer were drawn before the first forced one; -1: none was forced.
int drawn(ThinkingWatch watch, const std::vector<std::string>& answer) {
  for (size_t i = 0; i < answer.size(); ++i) {
    if (watch.forced()) return static_cast<int>(i);
    watch.push(answer[i]);
  }
  return watch.forced() ? static_cast<int>(answer.size()) : -1;
}

TEST(ThinkingLimit, is_reached_after_so_many_tokens_of_thinking) {
  EXPECT_EQ(drawn(ThinkingWatch(limit(2, true)), {"a", "b", "c"}), 2);
  EXPECT_EQ(drawn(ThinkingWatch(limit(2, false)), {"\n", "<th", "ink>", "a", "b", "c"}), 5);
}

TEST(ThinkingLimit, closing_is_written_once_and_then_the_model_is_free) {
  ThinkingWatch watch(limit(1, true));
  watch.push("a");
  EXPECT_EQ(watch.forced(), 7);
  watch.push("\n");
  EXPECT_EQ(watch.forced(), 8);
  watch.push("</think>");
  EXPECT_EQ(watch.forced(), std::nullopt);
  watch.push("b");
  EXPECT_EQ(watch.forced(), std::nullopt);
}

TEST(ThinkingLimit, thinking_that_ends_by_itself_is_left_alone) {
  EXPECT_EQ(drawn(ThinkingWatch(limit(3, true)), {"a", "</th", "ink> so", "b", "c", "d"}), -1);
}

TEST(ThinkingLimit, an_answer_without_thinking_is_left_alone) {
  EXPECT_EQ(drawn(ThinkingWatch(limit(1, false)), {"So ", "<think>", "a", "b"}), -1);
  EXPECT_EQ(drawn(ThinkingWatch(), {"a", "b"}), -1);
}

TEST(ThinkingLimit, of_nothing_closes_at_once) {
  EXPECT_EQ(drawn(ThinkingWatch(limit(0, true)), {"a"}), 0);
  EXPECT_EQ(drawn(ThinkingWatch(limit(0, false)), {"<think>", "a"}), 1);
}

}  // namespace
}  // namespace shenbi::engine
