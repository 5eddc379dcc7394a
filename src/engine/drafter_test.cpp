#include "engine/drafter.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace shenbi::engine {
namespace {

using Ids = std::vector<int32_t>;

NgramIndex::Match found(const Ids& history) {
  NgramIndex index;
  index.extend(history);
  return index.find(history);
}

}  // namespace

TEST(NgramIndex, finds_what_followed_the_longest_earlier_run) {
  const auto match = found({1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3});
  EXPECT_EQ(match.length, 3u);
  EXPECT_EQ(match.next, 3u);
}

TEST(NgramIndex, takes_the_newest_of_equal_runs) {
  const auto match = found({7, 2, 3, 4, 8, 2, 3, 5, 9, 2, 3});
  EXPECT_EQ(match.length, 2u);
  EXPECT_EQ(match.next, 7u);
}

TEST(NgramIndex, says_nothing_of_a_single_token) {
  EXPECT_EQ(found({1, 2, 3, 2}).length, 0u);
  EXPECT_EQ(found({1}).length, 0u);
  EXPECT_EQ(found({}).length, 0u);
}

TEST(NgramIndex, finds_a_run_that_overlaps_the_end) {
  const auto match = found({4, 4, 4, 4});
  EXPECT_EQ(match.length, 3u);
  EXPECT_EQ(match.next, 3u);
}

TEST(NgramIndex, grows_by_single_tokens_to_what_it_is_at_once) {
  const Philox random(3);
  Ids history(3000);
  for (size_t i = 0; i < history.size(); ++i) history[i] = static_cast<int32_t>(random.block(i)[0] % 12);
  NgramIndex grown;
  for (size_t n = 1; n <= history.size(); ++n) {
    const auto part = std::span(history).first(n);
    grown.extend(part);
    if (n % 97 != 0) continue;
    NgramIndex whole;
    whole.extend(part);
    EXPECT_EQ(grown.find(part).next, whole.find(part).next);
    EXPECT_EQ(grown.find(part).length, whole.find(part).length);
  }
}

TEST(Drafter, goes_on_with_what_stood_in_the_prompt) {
  Ids history = {11, 12, 13, 14, 15, 16, 17, 18, 11, 12, 13};
  Drafter drafter;
  drafter.observe(history);
  Ids tokens;
  std::vector<float> chances;
  drafter.draft(history, 3, tokens, chances);
  EXPECT_EQ(tokens, (Ids{14, 15, 16}));
  ASSERT_EQ(chances.size(), 3u);
  EXPECT_GT(chances[0], chances[1]);
  EXPECT_GT(chances[1], chances[2]);
}

TEST(Drafter, grows_sure_while_it_is_right_and_unsure_when_it_is_not) {
  Ids history(60);
  std::iota(history.begin(), history.end(), 100);
  const Ids text = history;
  history.insert(history.end(), {100, 101});
  Drafter drafter;
  drafter.observe(history);
  Ids tokens;
  std::vector<float> chances;
  const auto chance = [&] {
    drafter.draft(history, 1, tokens, chances);
    return chances.empty() ? 0.0f : chances[0];
  };
  const float first = chance();
  for (size_t i = 2; i < 50; ++i) {
    history.push_back(text[i]);
    drafter.observe(history);
  }
  EXPECT_GT(chance(), 0.9f);
  EXPECT_GT(chance(), first);
  for (int32_t i = 0; i < 40; ++i) {  // two tokens of the text, then another
    history.insert(history.end(), {100, 101, 500 + i});
    drafter.observe(history);
  }
  history.insert(history.end(), {100, 101});
  drafter.observe(history);
  EXPECT_LT(chance(), first);
}

TEST(Drafter, passes_over_a_token_that_was_replaced) {
  Ids history = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4};
  Drafter drafter;
  drafter.observe(history);
  history.push_back(50);  // for 5
  drafter.observe(history);
  Ids tokens;
  std::vector<float> chances;
  drafter.draft(history, 1, tokens, chances);
  EXPECT_EQ(tokens, Ids{6});
}

TEST(Drafter, repeats_a_loop_beyond_its_end) {
  const Ids history = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
  Drafter drafter;
  drafter.observe(history);
  Ids tokens;
  std::vector<float> chances;
  drafter.draft(history, 7, tokens, chances);
  ASSERT_GE(tokens.size(), 5u);
  for (size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(tokens[i], history[i % 3]);
}

}  // namespace shenbi::engine
