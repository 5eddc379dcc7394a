#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"

namespace shenbi::engine {
namespace {

int32_t draw(const SamplingParams& params, std::vector<float> logits, std::vector<int32_t> history = {},
             size_t prompt = 0, uint64_t step = 0) {
  Sampler sampler(params, static_cast<uint32_t>(logits.size()));
  return sampler.sample(logits, history, prompt, step).id;
}

std::map<int32_t, double> frequencies(SamplingParams params, const std::vector<float>& logits, int draws = 20000) {
  params.seed = 42;
  Sampler sampler(params, static_cast<uint32_t>(logits.size()));
  std::map<int32_t, double> counts;
  for (int step = 0; step < draws; ++step) {
    auto copy = logits;
    counts[sampler.sample(copy, {}, 0, static_cast<uint64_t>(step)).id] += 1.0 / draws;
  }
  return counts;
}

// p = 0.5, 0.25, 0.125, 0.125
const std::vector<float> kHalves = {std::log(0.5f), std::log(0.25f), std::log(0.125f), std::log(0.125f)};

}  // namespace

TEST(Sampler, greedy_takes_the_lowest_id_of_equal_logits_and_passes_over_nan) {
  EXPECT_EQ(draw({.temperature = 0}, {1, 3, 3, 2}), 1);
  EXPECT_EQ(draw({.temperature = 0}, {NAN, 1, NAN, 2}), 3);
}

TEST(Sampler, draws_follow_the_distribution) {
  const auto seen = frequencies({}, kHalves);
  EXPECT_NEAR(seen.at(0), 0.5, 0.015);  // four standard deviations of 20,000 draws
  EXPECT_NEAR(seen.at(1), 0.25, 0.013);
  EXPECT_NEAR(seen.at(2), 0.125, 0.01);
}

TEST(Sampler, a_draw_depends_on_seed_and_step_only) {
  for (uint64_t step = 0; step < 50; ++step) {
    EXPECT_EQ(draw({.seed = 7}, kHalves, {}, 0, step), draw({.seed = 7}, kHalves, {}, 0, step));
  }
}

TEST(Sampler, temperature_below_one_sharpens) {
  const auto seen = frequencies({.temperature = 0.5f}, kHalves);  // p^2: 16 : 4 : 1 : 1
  EXPECT_NEAR(seen.at(0), 16.0 / 22, 0.015);
}

TEST(TopP, keeps_at_least_one_token_even_when_the_first_exceeds_p) {
  EXPECT_EQ(frequencies({.top_p = 0.1f}, kHalves).size(), 1u);
}
TEST(TopP, keeps_the_token_that_crosses_p) { EXPECT_EQ(frequencies({.top_p = 0.6f}, kHalves).size(), 2u); }
TEST(TopK, keeps_the_lower_id_of_equal_logits_at_the_edge) {
  const auto seen = frequencies({.top_k = 3}, kHalves);
  EXPECT_EQ(seen.count(3), 0u);
  EXPECT_EQ(seen.size(), 3u);
}
TEST(MinP, drops_what_is_below_a_share_of_the_best) { EXPECT_EQ(frequencies({.min_p = 0.4f}, kHalves).size(), 2u); }
TEST(Typical, keeps_the_tokens_nearest_to_the_entropy) {
  // Entropy 1.75 bits; surprises 1, 2, 3, 3 bits: 2 bits is nearest, then 1 bit.
  const auto seen = frequencies({.typical_p = 0.2f}, kHalves);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.begin()->first, 1);
}

TEST(Penalties, repetition_divides_positive_and_multiplies_negative_logits_of_prompt_and_output) {
  EXPECT_EQ(draw({.temperature = 0, .repetition_penalty = 2}, {3, 2, 0}, {0}, 1), 1);
  EXPECT_EQ(draw({.temperature = 0, .repetition_penalty = 2}, {-1, -1.5f, -9}, {0}, 1), 1);
}
TEST(Penalties, frequency_and_presence_count_the_output_only) {
  EXPECT_EQ(draw({.temperature = 0, .presence_penalty = 2}, {3, 2, 0}, {0}, 1), 0);
  EXPECT_EQ(draw({.temperature = 0, .presence_penalty = 2}, {3, 2, 0}, {0}, 0), 1);
  EXPECT_EQ(draw({.temperature = 0, .frequency_penalty = 0.6f}, {3, 2, 0}, {0, 0}, 0), 1);
}
TEST(Penalties, the_reported_logprob_is_the_models_own) {
  SamplingParams params{.temperature = 0};
  params.logit_bias[3] = 100;
  Sampler sampler(params, 4);
  auto logits = kHalves;
  const auto choice = sampler.sample(logits, {}, 0, 0);
  EXPECT_EQ(choice.id, 3);
  EXPECT_NEAR(choice.logprob, std::log(0.125), 1e-6);
}

TEST(Dry, penalises_the_token_that_would_continue_a_repeated_run) {
  SamplingParams params{.temperature = 0};
  params.dry.multiplier = 10;
  // "1 2 3 4 ... 1 2 3" must not be followed by 4 again.
  EXPECT_EQ(draw(params, {0, 0, 0, 0, 5, 4}, {1, 2, 3, 4, 5, 1, 2, 3}), 5);
  params.dry.breaker_ids = {2};  // the run "3" is shorter than the allowed length
  EXPECT_EQ(draw(params, {0, 0, 0, 0, 5, 4}, {1, 2, 3, 4, 5, 1, 2, 3}), 4);
}

TEST(SamplingParams, names_the_field_and_the_value_it_refuses) {
  try {
    Sampler({.top_p = NAN}, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "top_p is nan, allowed: more than 0, at most 1");
  }
  SamplingParams params;
  params.logit_bias[9] = 1;
  EXPECT_THROW(Sampler(params, 4), Error);
}

TEST(TopLogprobs, are_sorted_and_normalised) {
  const auto top = top_logprobs(kHalves, 3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].first, 0);
  EXPECT_EQ(top[2].first, 2);
  EXPECT_NEAR(top[0].second, std::log(0.5), 1e-6);
}

}  // namespace shenbi::engine
