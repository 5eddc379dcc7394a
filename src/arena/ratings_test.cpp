#include "arena/ratings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/random.h"

namespace shenbi::arena {
namespace {

using Json = nlohmann::json;

Json golden() {
  std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/arena/ratings.json");
  return Json::parse(file);
}

std::vector<Vote> votes_of(const Json& list) {
  std::vector<Vote> votes;
  for (const Json& one : list) {
    Vote vote{.first = one[0], .second = one[1], .outcome = static_cast<Outcome>(one[2].get<int>())};
    for (size_t i = 0; i < kStyleFigures && i + 3 < one.size(); ++i) vote.style[i] = one[i + 3];
    votes.push_back(vote);
  }
  return votes;
}

Vote won(uint32_t first, uint32_t second, uint32_t voter = 0) {
  return {.first = first, .second = second, .outcome = Outcome::kFirst, .voter = voter};
}

// Both minimise the same convex loss; choix stops by default where a step of strengths is below 1e-6 or so, which is
// less than a thousandth of a point.
TEST(Ratings, are_those_of_choix_and_of_scipys_minimiser) {
  const Json fixtures = golden();
  for (const Json& one : fixtures["cases"]) {
    Options options{
        .side = one.contains("side"), .style = one.contains("style") && !one["style"].is_null(), .rounds = 0};
    options.ridge = fixtures["ridge"];
    const Ratings ratings = rate(one["models"], votes_of(one["votes"]), options);
    for (size_t i = 0; i < ratings.models.size(); ++i) {
      EXPECT_NEAR(ratings.models[i].rating.value, one["ratings"][i].get<double>(), 0.01)
          << one["name"] << " model " << i;
    }
    if (options.side) {
      EXPECT_NEAR(ratings.side.value, one["side"].get<double>(), 0.01) << one["name"];
    }
    for (size_t i = 0; options.style && i < kStyleFigures; ++i) {
      EXPECT_NEAR(ratings.style[i].value, one["style"][i].get<double>(), 0.01) << one["name"];
    }
  }
}

TEST(Ratings, of_three_wins_in_four_are_odds_of_three_to_one) {
  // The maximum of 3 log p + log(1 - p) is p = 3/4: a difference of ln 3, or 400 log10(3) = 190.85 points.
  const Ratings ratings =
      rate(2, {won(0, 1), won(0, 1), won(0, 1), won(1, 0)}, {.side = false, .ridge = 1e-9, .rounds = 0});
  EXPECT_NEAR(ratings.models[0].rating.value - ratings.models[1].rating.value, 190.848, 0.001);
  EXPECT_NEAR(ratings.models[0].rating.value + ratings.models[1].rating.value, 2000, 1e-6);
}

TEST(Ratings, both_bad_is_counted_and_moves_nothing) {
  std::vector<Vote> votes = {won(0, 1), won(1, 0)};
  for (int i = 0; i < 5; ++i) votes.push_back({.first = 0, .second = 1, .outcome = Outcome::kBothBad});
  const Ratings ratings = rate(2, votes, {.rounds = 0});
  EXPECT_NEAR(ratings.models[0].rating.value, 1000, 1e-6);
  EXPECT_EQ(ratings.models[0].both_bad, 5);
  EXPECT_EQ(ratings.models[0].wins, 1);
  EXPECT_EQ(ratings.models[0].losses, 1);
  EXPECT_EQ(ratings.counted, 2);
}

TEST(Ratings, a_preferred_side_does_not_make_a_model_better) {
  // Equal models; whoever stands first wins three times in four. Model 0 stands first more often.
  std::vector<Vote> votes;
  for (int i = 0; i < 60; ++i)
    votes.push_back(i % 4 < 3 ? won(0, 1) : Vote{.first = 0, .second = 1, .outcome = Outcome::kSecond});
  for (int i = 0; i < 20; ++i)
    votes.push_back(i % 4 < 3 ? won(1, 0) : Vote{.first = 1, .second = 0, .outcome = Outcome::kSecond});
  const Ratings with = rate(2, votes, {.side = true, .rounds = 0}),
                without = rate(2, votes, {.side = false, .rounds = 0});
  EXPECT_NEAR(with.models[0].rating.value - with.models[1].rating.value, 0, 0.5);
  EXPECT_GT(without.models[0].rating.value - without.models[1].rating.value, 50);
  EXPECT_NEAR(with.side.value, 190.8, 1);  // 400 log10(3), less what the ridge takes
}

TEST(Ratings, one_voter_of_many_votes_weighs_no_more_than_the_cap) {
  std::vector<Vote> votes;
  for (int i = 0; i < 1000; ++i) votes.push_back(won(0, 1, 7));
  for (uint32_t i = 0; i < 20; ++i) votes.push_back(won(1, 0, 100 + i));
  const Options capped{.side = false, .voter_cap = 10, .rounds = 0};
  // 10 against 20: odds of one to two, or -120.4 points
  const Ratings ratings = rate(2, votes, capped);
  EXPECT_NEAR(ratings.models[0].rating.value - ratings.models[1].rating.value, -120.4, 0.5);
  Options alone = capped;
  votes.resize(1000);
  const double one_voter = rate(2, votes, alone).models[0].rating.value;
  alone.voter_cap = 0;
  EXPECT_EQ(one_voter, rate(2, votes, alone).models[0].rating.value) << "nobody else to be outvoted";
}

TEST(Ratings, say_when_some_models_never_met) {
  EXPECT_TRUE(rate(3, {won(0, 1), won(1, 2)}, {.rounds = 0}).connected);
  EXPECT_FALSE(rate(4, {won(0, 1), won(2, 3)}, {.rounds = 0}).connected);
  EXPECT_TRUE(rate(0, {}).models.empty());
  EXPECT_NEAR(rate(2, {}).models[0].rating.value, 1000, 1e-9);
}

TEST(Ratings, refuse_votes_on_models_that_are_none) { EXPECT_THROW(rate(2, {won(0, 2)}), Error); }

TEST(Ratings, are_the_same_each_time) {
  const auto votes = votes_of(golden()["cases"][1]["votes"]);
  const Ratings one = rate(5, votes, {.rounds = 50}), two = rate(5, votes, {.rounds = 50});
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(one.models[i].rating.low, two.models[i].rating.low);
    EXPECT_EQ(one.models[i].rating.high, two.models[i].rating.high);
    EXPECT_LE(one.models[i].rating.low, one.models[i].rating.value);
    EXPECT_GE(one.models[i].rating.high, one.models[i].rating.value);
  }
}

TEST(Ratings, a_rank_counts_those_that_are_better_for_certain) {
  std::vector<Vote> votes;
  for (int i = 0; i < 200; ++i) votes.push_back(i % 10 < 9 ? won(0, 1) : won(1, 0));
  for (int i = 0; i < 200; ++i) votes.push_back(i % 2 ? won(1, 2) : won(2, 1));
  for (int i = 0; i < 200; ++i) votes.push_back(i % 10 < 9 ? won(0, 2) : won(2, 0));
  const Ratings ratings = rate(3, votes, {.rounds = 200});
  EXPECT_EQ(ratings.models[0].rank, 1);
  EXPECT_EQ(ratings.models[1].rank, 2);
  EXPECT_EQ(ratings.models[2].rank, 2);
}

// Votes are drawn from known strengths 160 times; an interval of 95 % should hold the truth in 95 of 100 cases. Over
// 160 * 4 intervals (those of one run hang together) two standard errors are about 2.5 points; percentile intervals of
// a bootstrap are a little short on 300 votes.
TEST(Ratings, intervals_of_95_percent_hold_the_truth_about_95_times_in_100) {
  const double truth[4] = {0.8, 0.2, -0.3, -0.7};
  int held = 0, all = 0;
  for (uint64_t run = 0; run < 160; ++run) {
    const Philox random(99, run);
    std::vector<Vote> votes;
    for (uint64_t i = 0; i < 300; ++i) {
      const auto pair = static_cast<uint32_t>(random.uniform64(3 * i) * 12);
      const uint32_t a = pair / 3, b = (a + 1 + pair % 3) % 4;
      const double p = 1 / (1 + std::exp(-(truth[a] - truth[b] + 0.2)));
      votes.push_back(
          {.first = a, .second = b, .outcome = random.uniform64(3 * i + 1) < p ? Outcome::kFirst : Outcome::kSecond});
    }
    const Ratings ratings = rate(4, votes, {.rounds = 200, .seed = run + 1});
    for (size_t i = 0; i < 4; ++i) {
      const double real = 1000 + 400 / std::log(10.0) * truth[i];
      held += ratings.models[i].rating.low <= real && real <= ratings.models[i].rating.high ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GE(held, all * 91 / 100);
  EXPECT_LE(held, all * 98 / 100);
}

}  // namespace
}  // namespace shenbi::arena
