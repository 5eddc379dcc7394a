#include "engine/speculator.h"

#include <gtest/gtest.h>

namespace shenbi::engine {

TEST(Speculator, guesses_only_for_those_that_may_have_some_and_only_when_it_is_on) {
  const std::vector<int32_t> history = {3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8};
  Drafter drafter;
  drafter.observe(history);
  const std::vector<Guessable> sequences = {{.drafter = &drafter, .history = history, .most = 4},
                                            {},
                                            {.drafter = &drafter, .history = history, .most = 0},
                                            {.drafter = &drafter, .history = history, .most = 100}};
  const auto guesses = Speculator(Speculation::kAlways).guess(sequences, std::nullopt, 5);
  ASSERT_EQ(guesses.size(), 4u);
  EXPECT_TRUE(guesses[1].empty());
  EXPECT_TRUE(guesses[2].empty());
  EXPECT_EQ(guesses[0].size() + guesses[3].size(), 5u) << "at most so many in all";
  const std::vector<int32_t> next = {3, 4, 5, 6, 7, 8};
  EXPECT_EQ(right_guesses(guesses[0], next), guesses[0].size());
  EXPECT_EQ(right_guesses(guesses[3], next), guesses[3].size());

  for (const auto& none : Speculator(Speculation::kOff).guess(sequences, std::nullopt, 5)) EXPECT_TRUE(none.empty());
}

TEST(Speculator, a_guess_behind_a_wrong_one_is_not_right) {
  const std::vector<int32_t> guesses = {5, 6, 7, 8};
  EXPECT_EQ(right_guesses(guesses, std::vector<int32_t>{5, 6, 9, 8}), 2u);
  EXPECT_EQ(right_guesses(guesses, std::vector<int32_t>{6, 6, 7, 8}), 0u);
  EXPECT_EQ(right_guesses(guesses, std::vector<int32_t>{5}), 1u);
  EXPECT_EQ(right_guesses(guesses, std::vector<int32_t>{5, 6, 7, 8, 9}), 4u);
  EXPECT_EQ(right_guesses({}, guesses), 0u);
  EXPECT_EQ(right_guesses(guesses, {}), 0u);
}

TEST(Speculator, pages_for_guesses_are_taken_only_where_nobody_else_has_them) {
  KvCache cache(4096, 3);
  std::vector<uint32_t> pages = {*cache.allocate()}, others = {*cache.allocate()};
  EXPECT_TRUE(take_spare_pages(cache, pages, 2));
  EXPECT_EQ(pages.size(), 2u);
  EXPECT_FALSE(take_spare_pages(cache, pages, 3));
  EXPECT_EQ(pages.size(), 2u);
  release_spare_pages(cache, pages, 2);
  EXPECT_EQ(pages.size(), 2u);
  release_spare_pages(cache, pages, 1);
  EXPECT_EQ(pages.size(), 1u);
  EXPECT_EQ(cache.free_pages(), 1u);
}

}  // namespace shenbi::engine
