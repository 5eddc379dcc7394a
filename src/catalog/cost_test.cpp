#include "catalog/cost.h"

#include <gtest/gtest.h>

#include "catalog/catalog.h"

namespace shenbi::catalog {
namespace {

constexpr PicoUsd dollars_per_million(int64_t thousandths) { return thousandths * 1000; }

// 2 $/M in, 8 $/M out, 0.5 $/M read from the cache, 2.5 $/M written to it.
Price price() {
  return {.tokens = {.input = dollars_per_million(2000),
                     .output = dollars_per_million(8000),
                     .cache_read = dollars_per_million(500),
                     .cache_write = dollars_per_million(2500)}};
}

TEST(Cost, is_tokens_times_price) {
  // 1,000 * 2,000 nano + 50 * 8,000 nano
  EXPECT_EQ(cost_nano_usd(price(), {.prompt = 1000, .completion = 50}), 2'400'000);
}

TEST(Cost, cached_tokens_are_charged_once_at_their_own_price) {
  // 400 * 2,000 + 600 * 500 + 50 * 8,000
  EXPECT_EQ(cost_nano_usd(price(), {.prompt = 1000, .cache_read = 600, .completion = 50}), 1'500'000);
  // 300 * 2,000 + 600 * 500 + 100 * 2,500
  EXPECT_EQ(cost_nano_usd(price(), {.prompt = 1000, .cache_read = 600, .cache_write = 100}), 1'150'000);
}

TEST(Cost, a_cache_without_a_price_is_an_ordinary_prompt) {
  Price plain = price();
  plain.tokens.cache_read = plain.tokens.cache_write = std::nullopt;
  EXPECT_EQ(cost_nano_usd(plain, {.prompt = 1000, .cache_read = 600, .cache_write = 100}), 2'000'000);
}

TEST(Cost, more_cached_tokens_than_the_prompt_has_are_not_believed) {
  EXPECT_EQ(cost_nano_usd(price(), {.prompt = 10, .cache_read = 1000, .cache_write = 1000}), 10 * 500);
}

TEST(Cost, a_long_prompt_moves_the_whole_request_to_the_next_step) {
  Price stepped = price();
  stepped.over = {{200'000, {.input = dollars_per_million(4000), .output = dollars_per_million(12000)}},
                  {500'000, {.input = dollars_per_million(6000)}}};
  EXPECT_EQ(cost_nano_usd(stepped, {.prompt = 200'000, .completion = 10}), 200'000 * 2'000 + 10 * 8'000);
  EXPECT_EQ(cost_nano_usd(stepped, {.prompt = 200'001, .completion = 10}), 200'001 * 4'000 + 10 * 12'000);
  // The second step names no price for the answer: the first one's stays. Its cache costs as before.
  EXPECT_EQ(cost_nano_usd(stepped, {.prompt = 500'001, .cache_read = 1, .completion = 10}),
            500'000LL * 6'000 + 500 + 10 * 12'000);
}

TEST(Cost, what_is_not_known_is_not_zero) {
  Price half = price();
  half.tokens.output = std::nullopt;
  EXPECT_EQ(cost_nano_usd(half, {.prompt = 10, .completion = 1}), std::nullopt);
  EXPECT_EQ(cost_nano_usd(half, {.prompt = 10}), 20'000);  // as an embedding is
  EXPECT_EQ(cost_nano_usd({}, {.prompt = 1}), std::nullopt);
  EXPECT_EQ(cost_nano_usd({}, {}), 0);
}

TEST(Cost, is_rounded_once_and_never_overflows) {
  Price cheap{.tokens = {.input = 28, .output = 1}};      // 0.000028 $/M
  EXPECT_EQ(cost_nano_usd(cheap, {.prompt = 17}), 0);     // 476 pico
  EXPECT_EQ(cost_nano_usd(cheap, {.prompt = 18}), 1);     // 504 pico
  EXPECT_EQ(cost_nano_usd(cheap, {.prompt = 1000}), 28);  // and a thousand do not cost a thousand times a rounded one
  Price dear{.tokens = {.input = 1'000'000'000'000'000'000, .output = 1'000'000'000'000'000'000}};
  EXPECT_EQ(cost_nano_usd(dear, {.prompt = UINT64_MAX, .completion = UINT64_MAX}), INT64_MAX);
}

TEST(Cost, thousand_equal_answers_cost_a_thousand_times_one) {
  const Catalog catalog = Catalog::built_in();
  const Price* mini = catalog.price("openai", "gpt-4o-mini");
  ASSERT_TRUE(mini);
  int64_t sum = 0;
  for (int i = 0; i < 1000; ++i) sum += *cost_nano_usd(*mini, {.prompt = 1001, .completion = 333});
  // 0.15 and 0.6 $/M: 1,001 * 150 + 333 * 600 nano each
  EXPECT_EQ(sum, 1000LL * (1001 * 150 + 333 * 600));
}

TEST(Cost, a_houses_own_figure_is_taken_from_those_that_tell_one) {
  EXPECT_EQ(told_nano_usd("openrouter", R"({"prompt_tokens": 1, "cost": 0.0012345})"), 1'234'500);
  EXPECT_EQ(told_nano_usd("perplexity", R"({"cost": {"total_cost": 0.006}})"), 6'000'000);
  EXPECT_EQ(told_nano_usd("openai", R"({"cost": 1})"), std::nullopt);
  for (const char* nonsense :
       {"", "{", "[]", R"({"cost": "1"})", R"({"cost": -1})", R"({"cost": 1e300})", R"({"cost": {}})"})
    EXPECT_EQ(told_nano_usd("openrouter", nonsense), std::nullopt) << nonsense;
}

}  // namespace
}  // namespace shenbi::catalog
