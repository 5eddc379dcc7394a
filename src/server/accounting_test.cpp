// Money, case by case, with the arithmetic written out. The prices are of the catalog of the program, so that a change
// of it shows here: gpt-4.1 at 2, 8 and 0.5 (cached) $/M, claude-sonnet-4-5 at 3, 15, 0.3 (read) and 3.75 (written).

#include "server/accounting.h"

#include <gtest/gtest.h>

#include "base/folders.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using gateway::Attempt;
using gateway::Upstream;

class AccountingTest : public ::testing::Test {
 protected:
  std::optional<int64_t> cost(const Upstream& upstream, const std::string& model, chat::Usage usage,
                              const std::string& raw = "") const {
    Attempt attempt{.upstream = upstream.name, .model = model};
    attempt.usage = usage;
    attempt.raw_usage = raw;
    attempt.outcome = Attempt::Outcome::kSettled;
    return row_of(attempt, &upstream, catalog).cost_nano_usd;
  }
  const catalog::Catalog catalog = catalog::Catalog::built_in();
  const Upstream openai{.name = "oa", .house = "openai"};
  const Upstream anthropic{.name = "an", .house = "anthropic"};
};

TEST_F(AccountingTest, a_settled_answer_costs_its_tokens) {
  // 1,000 * 2,000 + 100 * 8,000 nano-dollars
  EXPECT_EQ(cost(openai, "gpt-4.1", {.prompt_tokens = 1000, .completion_tokens = 100}), 2'800'000);
}

TEST_F(AccountingTest, cached_tokens_of_openai_are_part_of_the_prompt_and_cheaper) {
  // 400 * 2,000 + 600 * 500 + 100 * 8,000
  EXPECT_EQ(cost(openai, "gpt-4.1", {.prompt_tokens = 1000, .cached_tokens = 600, .completion_tokens = 100}),
            1'900'000);
}

TEST_F(AccountingTest, anthropics_cache_is_charged_when_read_and_when_written) {
  // 100 * 3,000 + 700 * 300 + 200 * 3,750 + 10 * 15,000
  EXPECT_EQ(cost(anthropic, "claude-sonnet-4-5",
                 {.prompt_tokens = 1000, .cached_tokens = 700, .completion_tokens = 10, .cache_write_tokens = 200}),
            300'000 + 210'000 + 750'000 + 150'000);
}

TEST_F(AccountingTest, thinking_is_part_of_the_answer_and_is_not_charged_twice) {
  EXPECT_EQ(cost(openai, "gpt-4.1", {.completion_tokens = 100, .reasoning_tokens = 90}), 800'000);
}

TEST_F(AccountingTest, a_refusal_costs_nothing_and_an_answer_without_a_price_is_unknown) {
  EXPECT_EQ(cost(openai, "gpt-of-next-year", {}), 0);
  EXPECT_EQ(cost(openai, "gpt-of-next-year", {.prompt_tokens = 1}), std::nullopt);
}

TEST_F(AccountingTest, the_engine_costs_nothing_and_its_tokens_are_counted) {
  Attempt attempt{.upstream = "local", .model = "gemma3:270m"};
  attempt.usage = {.prompt_tokens = 10, .completion_tokens = 5};
  const ledger::Row row = row_of(attempt, nullptr, catalog);
  EXPECT_EQ(row.cost_nano_usd, 0);
  EXPECT_EQ(row.prompt_tokens, 10u);
  EXPECT_EQ(row.completion_tokens, 5u);
}

TEST_F(AccountingTest, a_house_that_tells_what_it_charged_is_believed) {
  const Upstream router{.name = "or", .house = "openrouter"};
  EXPECT_EQ(cost(router, "acme/any", {.prompt_tokens = 9, .completion_tokens = 1}, R"({"cost": 0.00000123})"), 1230);
  EXPECT_EQ(cost(router, "acme/any", {.prompt_tokens = 9, .completion_tokens = 1}, "{}"), std::nullopt);
}

TEST_F(AccountingTest, prices_are_those_of_the_address_that_is_asked) {
  const auto list = [](const std::string& house, const std::string& url,
                       std::map<std::string, std::string> settings = {}) {
    return price_list({.name = "u", .house = house, .base_url = url, .settings = std::move(settings)});
  };
  EXPECT_EQ(list("openai", ""), "openai");
  EXPECT_EQ(list("openai", "https://api.openai.com/v1/"), "openai");
  EXPECT_EQ(list("openai", "https://cheap.example/v1"), "");  // somebody else's: nobody knows
  EXPECT_EQ(list("openai", "https://proxy.example/v1", {{"prices", "openai"}}), "openai");
  EXPECT_EQ(list("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"), "dashscope-intl");
  EXPECT_EQ(list("moonshot", "https://api.moonshot.ai.evil.example/v1"), "");
  EXPECT_EQ(cost({.name = "own", .house = "vllm", .base_url = "http://10.0.0.1/v1", .settings = {{"prices", "free"}}},
                 "m", {.prompt_tokens = 5}),
            0);
}

TEST_F(AccountingTest, retries_and_fallbacks_are_rows_of_their_own_and_only_what_answered_costs) {
  // Two tries fail before a word, the third answers: one cost. A fourth broke off after 50 tokens: it costs too.
  TemporaryFolder folder;
  store::Database database(folder.path() / "db");
  ledger::Ledger ledger(database);
  catalog::Library library(folder.path() / "none.json");
  gateway::Upstreams upstreams(database);
  upstreams.put({.name = "oa", .house = "openai"});
  ledger::Budgets budgets(database, ledger, {});
  Accounting accounting(budgets, library, upstreams, [](const std::string&) { return 0; });
  const auto file = [&](uint32_t number, Attempt::Outcome outcome, chat::Usage usage) {
    Attempt attempt{.wanted = "gpt-4.1", .upstream = "oa", .model = "gpt-4.1", .tenant = "k", .number = number};
    attempt.outcome = outcome;
    attempt.usage = usage;
    accounting.file(attempt);
  };
  file(0, Attempt::Outcome::kFailed, {});
  file(1, Attempt::Outcome::kFailed, {});
  file(2, Attempt::Outcome::kSettled, {.prompt_tokens = 1000, .completion_tokens = 100});
  file(0, Attempt::Outcome::kFailed, {.prompt_tokens = 1000, .completion_tokens = 50});
  ASSERT_TRUE(ledger.flush());
  const auto sums = ledger.sums({}, {});
  EXPECT_EQ(sums[0].calls, 4u);
  EXPECT_EQ(sums[0].failed, 3u);
  EXPECT_EQ(sums[0].cost_nano_usd, (1000 * 2'000 + 100 * 8'000) + (1000 * 2'000 + 50 * 8'000));
  EXPECT_EQ(sums[0].unpriced, 0u);
}

TEST(UsageRoutes, tell_sums_by_what_is_asked_and_the_calls_themselves) {
  testing::TestServer server;
  ledger::Row row{.time_s = 1'795'000'000,
                  .caller = "k1",
                  .upstream = "oa",
                  .model = "gpt-4.1",
                  .prompt_tokens = 10,
                  .completion_tokens = 5,
                  .cost_nano_usd = 60'000,
                  .first_token_s = 0.5,
                  .total_s = 2.5};
  row.outcome = ledger::Outcome::kSettled;  // 2026-11-18
  server.state().ledger.add(row);
  row.model = "secret, \"model\"";
  row.cost_nano_usd = std::nullopt;
  server.state().ledger.add(row);
  const auto sums = server.get("/page/usage?from=2026-11-18&to=2026-11-18&by=day,model");
  ASSERT_EQ(sums.status, 200) << sums.body;
  const auto json = nlohmann::json::parse(sums.body);
  ASSERT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["model"], "gpt-4.1");
  EXPECT_EQ(json["rows"][0]["cost_nano_usd"], 60'000);
  EXPECT_EQ(json["total"]["calls"], 2);
  EXPECT_EQ(json["total"]["unpriced"], 1);
  const auto calls = nlohmann::json::parse(server.get("/page/usage/rows?from=2026-11-18&limit=1").body);
  ASSERT_EQ(calls["rows"].size(), 1u);
  EXPECT_EQ(calls["rows"][0]["cost_nano_usd"], nullptr);
  EXPECT_EQ(calls["rows"][0]["tokens_per_s"], 2);  // 4 tokens after the first, in 2 s
  const auto csv = server.get("/page/usage?from=2026-11-18&to=2026-11-18&by=model&format=csv");
  EXPECT_EQ(
      csv.body,
      "model,calls,failed,prompt_tokens,cached_tokens,cache_write_tokens,completion_tokens,reasoning_tokens,cost_usd,"
      "unpriced,cached_answers\r\ngpt-4.1,1,0,10,0,0,5,0,0.000060000,0,0\r\n\"secret, "
      "\"\"model\"\"\",1,0,10,0,0,5,0,0.000000000,1,0\r\n");
  for (const std::string wrong : {"by=colour", "by=day,day", "from=yesterday", "format=xml", "limit=0"}) {
    const std::string path = wrong.starts_with("limit") ? "/page/usage/rows?" : "/page/usage?";
    EXPECT_EQ(server.get(path + wrong).status, 400) << wrong;
  }
}

TEST(UsageRoutes, are_for_those_who_manage) {
  testing::TestServer server({.keys = {"sk-all-of-this-test"}});
  const auto reader = server.state().keys.create({.name = "r", .scopes = {Scope::kInfer, Scope::kRead}});
  const std::string bearer = "Authorization: Bearer " + reader.text;
  EXPECT_EQ(server.get("/page/usage").status, 401);
  EXPECT_EQ(server.get("/page/usage", {bearer}).status, 403);
  EXPECT_EQ(server.get("/page/usage/rows", {bearer}).status, 403);
  EXPECT_EQ(server.get("/page/catalog", {bearer}).status, 200);
}

TEST(CatalogRoute, filters_in_words) {
  testing::TestServer server;
  const auto answer = server.get("/page/catalog?filter=vision,ctx%3E%3D100k,out%3C%3D0.2$/M");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_FALSE(nlohmann::json::parse(answer.body)["models"].empty());
  EXPECT_EQ(server.get("/page/catalog?filter=size%3E%3D3").status, 400);
}

}  // namespace
}  // namespace shenbi::server
