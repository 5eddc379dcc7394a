#include "engine/draft_plan.h"

#include <gtest/gtest.h>

namespace shenbi::engine {
namespace {

using Lengths = std::vector<size_t>;
using Chances = std::vector<std::vector<float>>;

constexpr PassShape kPlain{.rows = 1};

// Passes of 1 to 8 rows; each takes `row` more than the one before.
PassCosts costs_of(double row) {
  PassCosts costs;
  for (int times = 0; times < 5; ++times) {
    for (size_t rows = 1; rows <= 8; ++rows) costs.note({.rows = rows}, 1 + row * static_cast<double>(rows - 1));
  }
  return costs;
}

}  // namespace

TEST(DraftLengths, are_none_until_the_plain_pass_is_known) {
  EXPECT_EQ(draft_lengths(PassCosts{}, kPlain, Chances{{0.99f, 0.99f}}, 32), Lengths{0});
}

TEST(DraftLengths, go_as_far_as_a_row_saves_more_than_it_costs) {
  const Chances sure{{0.9f, 0.8f, 0.7f, 0.6f, 0.5f, 0.4f, 0.3f}};
  EXPECT_EQ(draft_lengths(costs_of(0.05), kPlain, sure, 32), Lengths{7});
  EXPECT_EQ(draft_lengths(costs_of(0.3), kPlain, sure, 32), Lengths{4});
  EXPECT_EQ(draft_lengths(costs_of(1), kPlain, sure, 32), Lengths{0});
  EXPECT_EQ(draft_lengths(costs_of(0.05), kPlain, sure, 3), Lengths{3});
}

TEST(DraftLengths, are_none_for_unlikely_guesses) {
  EXPECT_EQ(draft_lengths(costs_of(0.3), kPlain, Chances{{0.3f, 0.1f}}, 32), Lengths{0});
}

TEST(DraftLengths, make_nobody_slower_for_the_luck_of_another) {
  const auto costs_of_three = [](double row) {
    PassCosts costs;
    for (size_t rows = 3; rows <= 12; ++rows) costs.note({.rows = rows}, 1 + row * static_cast<double>(rows - 3));
    return costs;
  };
  const std::vector<float> lucky{0.95f, 0.9f, 0.85f};
  const PassShape plain{.rows = 3};
  EXPECT_EQ(draft_lengths(costs_of_three(0.1), plain, Chances{lucky, lucky, lucky}, 32), (Lengths{3, 3, 3}));
  EXPECT_EQ(draft_lengths(costs_of_three(0.1), plain, Chances{{0.1f}, lucky, {}}, 32), (Lengths{0, 0, 0}));
  EXPECT_EQ(draft_lengths(costs_of_three(0.005), plain, Chances{{0.1f}, lucky, {}}, 32), (Lengths{1, 3, 0}));
}

TEST(DraftLengths, are_tried_at_twice_the_rows_that_are_known) {
  PassCosts costs;
  costs.note(kPlain, 1);
  const Chances sure{std::vector<float>(16, 0.99f)};
  EXPECT_EQ(draft_lengths(costs, kPlain, sure, 32), Lengths{3});
  costs.note({.rows = 4}, 1.2);
  EXPECT_EQ(draft_lengths(costs, kPlain, sure, 32), Lengths{7});
  costs.note({.rows = 8}, 9);
  EXPECT_EQ(draft_lengths(costs, kPlain, sure, 32), Lengths{3});
}

TEST(DraftLengths, are_tried_once_where_nobody_knows_and_not_again_when_they_did_not_pay) {
  PassCosts costs;
  costs.note(kPlain, 1);
  const Chances chances{{0.5f}};
  EXPECT_EQ(draft_lengths(costs, kPlain, chances, 32), Lengths{1});
  costs.note({.rows = 2}, 1.6);
  EXPECT_EQ(draft_lengths(costs, kPlain, chances, 32), Lengths{0});
  for (int i = 0; i < 60; ++i) costs.note(kPlain, 1);
  EXPECT_EQ(draft_lengths(costs, kPlain, chances, 32), Lengths{0});
  for (int i = 0; i < 10; ++i) costs.note(kPlain, 1);
  EXPECT_EQ(draft_lengths(costs, kPlain, chances, 32), Lengths{1}) << "one measurement may have been an accident";
}

TEST(DraftLengths, compare_with_the_pass_that_there_would_be_otherwise) {
  PassCosts costs = costs_of(0.05);
  const PassShape coarse{.rows = 1, .coarse_head = true};
  for (int i = 0; i < 5; ++i) costs.note(coarse, 0.5);
  const Chances chances{{0.9f}};
  EXPECT_EQ(draft_lengths(costs, kPlain, chances, 32), Lengths{1});
  EXPECT_EQ(draft_lengths(costs, coarse, chances, 32), Lengths{0}) << "twice as fast without";
}

TEST(PassCosts, pass_over_an_accident) {
  PassCosts costs;
  for (const double seconds : {1.0, 1.1, 50.0, 0.9, 1.05}) costs.note(kPlain, seconds);
  EXPECT_EQ(costs.measured(kPlain), 1.05);
}

TEST(PassCosts, estimate_between_what_is_known) {
  PassCosts costs;
  costs.note({.rows = 2}, 1.2);
  costs.note({.rows = 6}, 2.0);
  EXPECT_DOUBLE_EQ(costs.estimate({.rows = 4}, kPlain, 1), 1.6);
  EXPECT_DOUBLE_EQ(costs.estimate({.rows = 8}, kPlain, 1), 2.2);
  costs.note({.rows = 65}, 9);
  EXPECT_FALSE(costs.measured({.rows = 65})) << "not noted";
}

TEST(DraftLengths, beside_prompts_hold_likely_guesses_alone) {
  EXPECT_EQ(draft_lengths_beside_prompts(Chances{{0.9f, 0.5f, 0.1f}, {}, {0.2f}}, 32), (Lengths{2, 0, 0}));
}

}  // namespace shenbi::engine
