// A request that is passed on and one that is translated cost the same, are counted the same and keep to the same
// budgets. Prices of the catalog, gpt-4.1: 2 and 8 $/M, 0.5 for cached tokens.

#include "server/passing.h"

#include "gateway/test_house.h"
#include "server/state.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using gateway::MockHouse;
using nlohmann::ordered_json;

constexpr int64_t kIn = 2'000, kOut = 8'000, kCached = 500;  // nano-dollars a token
// "hello": 5 / 4 and 4 for the message, rounded up.
constexpr int64_t kPrompt = 6;

// Each case is asked in OpenAI's dialect, which the house speaks, and in Anthropic's, which is translated for it.
class PassedCost : public testing::TestServer, public ::testing::TestWithParam<bool> {
 protected:
  void add(const std::string& name, const MockHouse& house, std::vector<std::string> keys = {"secret"},
           int64_t priority = 0) {
    state().upstreams.put({.name = name,
                           .house = "compatible",
                           .base_url = house.url(),
                           .keys = std::move(keys),
                           .settings = {{"prices", "openai"}},
                           .models = {"gpt-4.1"},
                           .priority = priority,
                           .private_network = true});
  }
  void budget(int64_t nano_usd) { state().budgets.put({.name = "all", .limit = nano_usd}); }
  testing::Answer ask(const std::string& model, bool stream = false, ordered_json more = ordered_json::object()) {
    more.update({{"model", model},
                 {"max_tokens", 100},
                 {"messages", {{{"role", "user"}, {"content", "hello"}}}},
                 {"stream", stream}});
    return send("POST", GetParam() ? "/v1/chat/completions" : "/v1/messages", more,
                {"Content-Type: application/json", "X-Request-Id: the-call"});
  }
  std::vector<ledger::Row> rows() {
    EXPECT_TRUE(state().ledger.flush());
    auto found = state().ledger.rows({}, 0, 100);
    std::reverse(found.begin(), found.end());
    return found;
  }
  void expect_budget(int64_t spent) {
    const ledger::BudgetState now = state().budgets.states().at(0);
    EXPECT_EQ(now.spent, spent);
    EXPECT_EQ(now.reserved, 0);
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, PassedCost, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "passed" : "translated"; });

// Says it in the form it is asked for: 7 tokens of the prompt, 3 of them cached, and 2 of the answer.
MockHouse::Answer good() {
  return [](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.body.find(R"("stream":true)") != std::string::npos) return gateway::says("hi")(request, exchange);
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body =
                        R"({"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{)"
                        R"("prompt_tokens":7,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":3}}})"});
  };
}
constexpr int64_t kGood = 4 * kIn + 3 * kCached + 2 * kOut;

// Of a house that answers whole where a stream was asked for, also where the request says what nobody here knows.
TEST_P(PassedCost, a_stream_that_comes_in_one_piece_is_told_as_a_stream) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"choices":[{"index":4,"message":{"content":"at once"},"finish_reason":"stop"}]})"});
  });
  add("oa", house);
  for (const char* unknown : {"top_p", "of_next_year"}) {
    if (!GetParam() && std::string_view(unknown) == "of_next_year")
      continue;  // refused by name before anybody is asked
    const testing::Answer answer = ask("oa/gpt-4.1", true, {{unknown, 1}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.body.find("at once"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("data: "), std::string::npos) << answer.body;
  }
}

// Whose models have no tag, and whose routes have none.
TEST_P(PassedCost, the_model_of_an_upstream_is_asked_for_by_its_own_name_in_every_dialect) {
  MockHouse house(good());
  add("oa", house);
  state().routes.put({.name = "smart", .targets = {"oa/gpt-4.1"}});
  const ordered_json messages = {{{"role", "user"}, {"content", "hello"}}};
  for (const char* model : {"oa/gpt-4.1", "gpt-4.1", "smart", "auto:gpt-4.1"}) {
    const ordered_json body = {{"model", model}, {"messages", messages}, {"stream", GetParam()}};
    const testing::Answer answer = send("POST", "/api/chat", body, {"Content-Type: application/json"});
    EXPECT_EQ(answer.status, 200) << model << answer.body;
    EXPECT_EQ(ordered_json::parse(house.requests().back().body)["model"], "gpt-4.1") << model;
  }
}

TEST_P(PassedCost, a_stream_that_fails_before_its_first_byte_is_an_error_in_one_piece) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 400,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"error":{"message":"top_p: not for this model"}})"});
  });
  add("oa", house);
  const testing::Answer answer = ask("oa/gpt-4.1", true);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(ordered_json::parse(answer.body)["error"]["message"].get<std::string>().find("not for this model"),
            std::string::npos);
}

TEST_P(PassedCost, a_whole_answer_and_a_stream_settle_by_their_usage) {
  MockHouse house(good());
  add("oa", house);
  budget(1'000'000'000);
  for (const bool stream : {false, true}) EXPECT_EQ(ask("oa/gpt-4.1", stream).status, 200);
  expect_budget(2 * kGood);
  ASSERT_EQ(rows().size(), 2u);
  for (const ledger::Row& row : rows()) {
    EXPECT_EQ(row.outcome, ledger::Outcome::kSettled);
    EXPECT_EQ(row.cost_nano_usd, kGood);
    EXPECT_EQ(row.wanted, "oa/gpt-4.1");
    EXPECT_EQ(row.upstream, "oa");
    EXPECT_EQ(row.model, "gpt-4.1");
    EXPECT_EQ(row.request_id, "the-call");
    EXPECT_EQ(row.cached_tokens, 3u);
    EXPECT_NE(row.raw_usage.find("cached_tokens"), std::string::npos);
    EXPECT_GT(row.time_s, 0);
    EXPECT_GE(row.first_token_s, 0);
    EXPECT_GE(row.total_s, row.first_token_s);
  }
}

TEST_P(PassedCost, a_call_that_the_budget_does_not_reach_for_is_refused_before_anybody_is_asked) {
  MockHouse house(good());
  add("oa", house);
  budget(kPrompt * kIn + 100 * kOut - 1);
  const auto refused = ask("oa/gpt-4.1");
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_NE(refused.body.find("budget 'all'"), std::string::npos) << refused.body;
  EXPECT_EQ(refused.headers.at("x-should-retry"), "false");
  EXPECT_TRUE(house.requests().empty());
  EXPECT_TRUE(rows().empty());
  expect_budget(0);
  budget(kPrompt * kIn + 100 * kOut);
  EXPECT_EQ(ask("oa/gpt-4.1").status, 200);
  expect_budget(kGood);
}

TEST_P(PassedCost, a_stream_that_is_cut_costs_what_came) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    gateway::stream(exchange, {gateway::chunk(R"({"content":"twelve chars"})"), "data: {\"choi"});
  });
  add("oa", house);
  budget(1'000'000'000);
  ask("oa/gpt-4.1", true);
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kFailed);
  EXPECT_EQ(rows()[0].prompt_tokens, 6u);
  EXPECT_EQ(rows()[0].completion_tokens, 3u);
  EXPECT_EQ(rows()[0].cost_nano_usd, 6 * kIn + 3 * kOut);
  expect_budget(6 * kIn + 3 * kOut);
}

TEST_P(PassedCost, the_second_key_and_the_next_upstream_are_rows_and_only_the_answer_costs) {
  MockHouse broken(gateway::fails(500)), picky([](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.header("authorization") == "Bearer bad") return gateway::fails(401)(request, exchange);
    good()(request, exchange);
  });
  add("first", broken, {"k"}, 0);
  add("second", picky, {"k"}, 1);
  budget(1'000'000'000);
  EXPECT_EQ(ask("gpt-4.1", true).status, 200);
  auto found = rows();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].outcome, ledger::Outcome::kFailed);
  EXPECT_EQ(found[0].cost_nano_usd, 0);
  EXPECT_EQ(found[1].attempt, 1u);
  EXPECT_EQ(found[1].upstream, "second");
  expect_budget(kGood);

  add("second", picky, {"bad", "good"}, 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask("second/gpt-4.1").status, 200);  // whichever key comes first
  EXPECT_EQ(rows().size(), 5u);
  expect_budget(3 * kGood);
}

TEST_P(PassedCost, a_fallback_that_the_budget_does_not_reach_for_is_not_asked) {
  MockHouse broken(gateway::fails(503)), other(good());
  add("first", broken, {"k"}, 0);
  state().upstreams.put(
      {.name = "dear",
       .house = "compatible",
       .base_url = other.url(),
       .keys = {"k"},
       .settings = {{"prices", "nobody"}},  // no price is known: a budget of money lets nothing through
       .models = {"gpt-4.1"},
       .priority = 1,
       .private_network = true});
  budget(1'000'000'000);
  const auto answer = ask("gpt-4.1");
  EXPECT_EQ(answer.status, 400) << answer.body;
  EXPECT_NE(answer.body.find("no price is known"), std::string::npos) << answer.body;
  EXPECT_TRUE(other.requests().empty());
  ASSERT_EQ(rows().size(), 1u);
  expect_budget(0);
}

TEST(PassedChoices, several_answers_at_once_reserve_as_many_times_their_length) {
  testing::TestServer server;
  MockHouse house(good());
  server.state().upstreams.put({.name = "oa",
                                .house = "compatible",
                                .base_url = house.url(),
                                .keys = {"k"},
                                .settings = {{"prices", "openai"}},
                                .models = {"gpt-4.1"},
                                .private_network = true});
  const ordered_json body = {
      {"model", "oa/gpt-4.1"}, {"n", 3}, {"max_tokens", 100}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}};
  server.state().budgets.put({.name = "all", .limit = 300 * kOut});
  EXPECT_EQ(server.send("POST", "/v1/chat/completions", body).status, 429);
  server.state().budgets.put({.name = "all", .limit = 300 * kOut + 200 * kIn});
  EXPECT_EQ(server.send("POST", "/v1/chat/completions", body).status, 200);
}

class Counting : public testing::TestServer, public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& house, const MockHouse& mock) {
    state().upstreams.put({.name = name,
                           .house = house,
                           .base_url = mock.url(),
                           .keys = {"k"},
                           .models = {"m"},
                           .private_network = true});
  }
  static MockHouse::Answer tells(int status, const std::string& body) {
    return [status, body](const net::ServerRequest&, const net::ExchangePtr& exchange) {
      exchange->send({.status = status, .headers = {{"Retry-After", "9"}}, .body = body});
    };
  }
  testing::Answer count(const std::string& model) {
    return send("POST", "/v1/messages/count_tokens",
                {{"model", model}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}},
                {"Content-Type: application/json", "Anthropic-Beta: tools-2027"});
  }
};

TEST_F(Counting, a_prompt_is_counted_by_its_house_and_costs_nothing) {
  MockHouse claude(tells(200, R"({"input_tokens": 14})")), google(tells(200, R"({"totalTokens": 9})"));
  add("claude", "anthropic", claude);
  add("google", "gemini", google);
  // No call that costs gets through; no price of "m" is known.
  state().budgets.put({.name = "all", .limit = 1});
  EXPECT_EQ(count("claude/m").body, R"({"input_tokens": 14})");
  EXPECT_EQ(claude.requests().at(0).header("anthropic-beta"), "tools-2027");
  const ordered_json contents = {{"contents", {{{"parts", {{{"text", "hello"}}}}}}}};
  for (const char* prefix : {"/v1beta/models/", "/v1/models/"}) {
    const auto counted = send("POST", prefix + std::string("google/m:countTokens"), contents);
    EXPECT_EQ(counted.status, 200);
    EXPECT_EQ(counted.body, R"({"totalTokens": 9})");
  }
  EXPECT_EQ(google.requests().size(), 2u);
  EXPECT_TRUE(state().ledger.flush());
  EXPECT_TRUE(state().ledger.rows({}, 0, 100).empty());
}

TEST_F(Counting, what_the_house_refuses_is_told_in_the_callers_words_and_who_does_not_count_says_so) {
  MockHouse busy(tells(429, R"({"type":"error","error":{"type":"rate_limit_error","message":"slow down"}})"));
  MockHouse picky(tells(400, R"({"type":"error","error":{"type":"invalid_request_error","message":"messages: odd"}})"));
  add("busy", "anthropic", busy);
  add("picky", "anthropic", picky);
  add("office", "compatible", picky);
  const testing::Answer later = count("busy/m"), wrong = count("picky/m"), unable = count("office/m");
  EXPECT_EQ(later.status, 429);
  EXPECT_EQ(later.headers.at("retry-after"), "9");
  EXPECT_EQ(later.json()["error"]["type"], "rate_limit_error");
  EXPECT_EQ(later.json()["error"]["message"], "busy: slow down (status 429)");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.json()["error"]["message"], "picky: messages: odd (status 400)");
  EXPECT_EQ(unable.json()["type"], "error");
  const std::string why = unable.json()["error"]["message"];
  EXPECT_NE(why.find("office:"), std::string::npos) << why;
  EXPECT_NE(why.find("does not tell how long a prompt is"), std::string::npos) << why;
  EXPECT_EQ(picky.requests().size(), 1u);
}

TEST_F(Counting, a_key_counts_for_its_own_models_alone) {
  MockHouse claude(tells(200, R"({"input_tokens": 14})"));
  add("claude", "anthropic", claude);
  const auto key = state().keys.create({.name = "ana", .scopes = {Scope::kInfer}, .models = {"tiny"}});
  const auto refused = send("POST", "/v1/messages/count_tokens",
                            {{"model", "claude/m"}, {"messages", ordered_json::array()}}, {"X-Api-Key: " + key.text});
  EXPECT_EQ(refused.status, 404) << refused.body;
  EXPECT_TRUE(claude.requests().empty());
}

}  // namespace
}  // namespace shenbi::server
