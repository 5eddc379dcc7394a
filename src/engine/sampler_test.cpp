#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

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

// A row as wide as a vocabulary. `spread` 1 is as flat as a hot model, 10 as sharp as a cool one.
std::vector<float> wide_row(size_t size, float spread) {
  const Philox random(3);
  std::vector<float> row(size);
  for (size_t i = 0; i < size; ++i) row[i] = spread * random.normal(i);
  return row;
}

// The draw as it is defined: everything ranked, then down to the mass that was drawn.
int32_t draw_by_full_ranking(const std::vector<float>& row, const SamplingParams& params, uint64_t step) {
  std::vector<int32_t> ids(row.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto at = [&](int32_t id) { return row[static_cast<size_t>(id)]; };
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  if (params.top_k > 0) ids.resize(params.top_k);
  const auto weight = [&](int32_t id) {
    return std::exp((static_cast<double>(at(id)) - static_cast<double>(at(ids[0]))) /
                    static_cast<double>(params.temperature));
  };
  const auto mass = [&] {
    return std::accumulate(ids.begin(), ids.end(), 0.0, [&](double s, int32_t id) { return s + weight(id); });
  };
  double sum = 0;
  const double nucleus = static_cast<double>(params.top_p) * mass();
  const auto last = std::find_if(ids.begin(), ids.end(), [&](int32_t id) { return (sum += weight(id)) >= nucleus; });
  if (params.top_p < 1 && last != ids.end()) ids.erase(last + 1, ids.end());
  std::erase_if(ids, [&](int32_t id) { return weight(id) < static_cast<double>(params.min_p); });
  double left = Philox(*params.seed).uniform64(step) * mass();
  for (const int32_t id : ids) {
    if ((left -= weight(id)) < 0) return id;
  }
  return ids.back();
}

std::vector<uint64_t> bits_of(const std::vector<int32_t>& ids, size_t size) {
  std::vector<uint64_t> mask((size + 63) / 64);
  for (const int32_t id : ids) mask[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  return mask;
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

TEST(Sampler, ranking_only_what_a_draw_needs_draws_the_same) {
  const std::vector<SamplingParams> all = {{.seed = 7},
                                           {.temperature = 0.3f, .seed = 7},
                                           {.temperature = 3, .seed = 7},
                                           {.top_k = 40, .top_p = 0.9f, .seed = 7},
                                           {.top_p = 0.5f, .seed = 7},
                                           {.top_p = 0.999f, .seed = 7},
                                           {.min_p = 0.01f, .seed = 7}};
  for (const float spread : {1.0f, 10.0f}) {
    const auto row = wide_row(20'000, spread);
    for (const auto& params : all) {
      for (uint64_t step = 0; step < 10; ++step) {
        EXPECT_EQ(draw(params, row, {}, 0, step), draw_by_full_ranking(row, params, step));
      }
    }
  }
}

TEST(Sampler, a_draw_needs_no_logit_beyond_the_best_that_it_names) {
  for (const SamplingParams& params :
       {SamplingParams{.temperature = 0}, SamplingParams{.top_k = 1}, SamplingParams{.top_k = 40},
        SamplingParams{.temperature = 2, .top_k = 64, .top_p = 0.95f},
        SamplingParams{.top_k = 20, .min_p = 0.1f, .typical_p = 0.7f}}) {
    SamplingParams seeded = params;
    seeded.seed = 5;
    Sampler sampler(seeded, 5000);
    const uint32_t best = sampler.needs_best();
    ASSERT_EQ(best, params.temperature == 0 ? 1u : params.top_k);
    for (uint64_t step = 0; step < 300; ++step) {
      auto whole = wide_row(5000, 3);
      std::rotate(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(16 * step), whole.end());
      auto ordered = whole;
      std::nth_element(ordered.begin(), ordered.begin() + (best - 1), ordered.end(), std::greater<>());
      auto cut = whole;
      for (float& logit : cut) logit = logit < ordered[best - 1] ? -HUGE_VALF : logit;
      const auto from_cut = sampler.sample(cut, {}, 0, step, false).id;
      ASSERT_EQ(from_cut, sampler.sample(whole, {}, 0, step, false).id);
    }
  }
}

TEST(Sampler, what_changes_logits_or_draws_from_all_needs_all) {
  for (const SamplingParams& params :
       {SamplingParams{}, SamplingParams{.top_p = 0.9f}, SamplingParams{.min_p = 0.1f},
        SamplingParams{.temperature = 0, .repetition_penalty = 1.1f},
        SamplingParams{.temperature = 0, .logit_bias = {{3, 1.0f}}}, SamplingParams{.top_k = 5, .presence_penalty = 1},
        SamplingParams{.temperature = 0, .dry = {.multiplier = 0.8f}}})
    EXPECT_EQ(Sampler(params, 100).needs_best(), 0u);
}

TEST(Allowed, draws_are_those_of_a_vocabulary_that_holds_nothing_else) {
  const auto row = wide_row(5'000, 3);
  for (const size_t distance : {2500u, 100u, 3u, 1u}) {  // few allowed tokens are gathered, many stay where they are
    std::vector<int32_t> ids;
    for (size_t id = distance == 1 ? 9 : 0; id < row.size(); id += distance) ids.push_back(static_cast<int32_t>(id));
    const auto mask = bits_of(ids, row.size());
    std::vector<float> alone;
    for (const int32_t id : ids) alone.push_back(row[static_cast<size_t>(id)]);
    for (const SamplingParams& params :
         {SamplingParams{.temperature = 0}, SamplingParams{.seed = 5},
          SamplingParams{.top_k = 20, .top_p = 0.8f, .seed = 5}, SamplingParams{.typical_p = 0.5f, .seed = 5}}) {
      Sampler sampler(params, static_cast<uint32_t>(row.size()));
      for (uint64_t step = 0; step < 10; ++step) {
        auto copy = row;
        EXPECT_EQ(sampler.sample(copy, {}, 0, step, false, mask).id,
                  ids[static_cast<size_t>(draw(params, alone, {}, 0, step))]);
      }
    }
  }
}

TEST(Allowed, a_penalty_cannot_bring_back_what_is_not_allowed) {
  SamplingParams params{.temperature = 0};
  params.logit_bias[0] = 100;
  Sampler sampler(params, 4);
  auto logits = kHalves;
  EXPECT_EQ(sampler.sample(logits, {}, 0, 0, true, bits_of({1, 3}, 4)).id, 1);
}

TEST(Allowed, the_reported_logprob_is_the_models_own) {
  Sampler sampler({.temperature = 0}, 4);
  auto logits = kHalves;
  const auto choice = sampler.sample(logits, {}, 0, 0, true, bits_of({2}, 4));
  EXPECT_EQ(choice.id, 2);
  EXPECT_NEAR(choice.logprob, std::log(0.125), 1e-6);
}

TEST(Allowed, nan_counts_as_minus_infinity) {
  auto row = wide_row(300, 1);
  row[7] = NAN;
  Sampler sampler({.seed = 1}, 300);
  EXPECT_EQ(sampler.sample(row, {}, 0, 0, false, bits_of({7, 9}, 300)).id, 9);
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
