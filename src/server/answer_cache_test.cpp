// The answer cache: what is given again, to whom, and what never is.

#include "server/answer_cache.h"

#include <set>

#include "gateway/test_house.h"
#include "server/state.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using namespace std::chrono_literals;
using gateway::MockHouse;
using nlohmann::ordered_json;

CachedAnswer said(const std::string& bytes) {
  CachedAnswer answer;
  answer.bytes = bytes;
  return answer;
}

TEST(AnswerCache, the_least_recently_asked_goes_when_there_is_no_room) {
  const uint64_t one = AnswerCache::bytes_of(said("x"));
  AnswerCache cache(8 * one, 1h);
  for (int i = 0; i < 8; ++i) cache.put(std::to_string(i), said("x"));
  EXPECT_NE(cache.find("0"), nullptr);
  cache.put("8", said("x"));
  EXPECT_NE(cache.find("0"), nullptr);
  EXPECT_EQ(cache.find("1"), nullptr);
  EXPECT_EQ(cache.counts().answers, 8u);
  EXPECT_EQ(cache.counts().bytes, 8 * one);
  EXPECT_EQ(cache.counts().hits, 2u);
  EXPECT_EQ(cache.counts().misses, 1u);
}

TEST(AnswerCache, an_answer_over_an_eighth_of_the_room_is_not_kept) {
  AnswerCache cache(80'000, 1h);
  cache.put("a", said(std::string(10'000, 'x')));
  EXPECT_EQ(cache.find("a"), nullptr);
  cache.put("a", said(std::string(9'000, 'x')));
  cache.put("a", said("shorter"));
  EXPECT_EQ(cache.find("a")->bytes, "shorter");
  EXPECT_EQ(cache.counts().bytes, AnswerCache::bytes_of(said("shorter")));
}

TEST(AnswerCache, what_is_too_old_is_forgotten) {
  AnswerCache::Clock::time_point now{};
  AnswerCache cache(80'000, 60s, [&] { return now; });
  cache.put("a", said("x"));
  now += 59s;
  EXPECT_NE(cache.find("a"), nullptr);
  now += 1s;
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.counts().answers, 0u);
}

TEST(AnswerCache, every_part_of_a_request_and_whose_it_is_make_its_key) {
  net::ServerRequest request;
  request.path = "/v1/messages";
  request.body = "{}";
  std::set<std::string> keys = {AnswerCache::key_of("k1", request), AnswerCache::key_of("k2", request),
                                AnswerCache::key_of("k1/v1/messages", {.body = "{}"})};
  for (const auto change :
       {+[](net::ServerRequest& r) { r.path = "/v1/message"; }, +[](net::ServerRequest& r) { r.query = "s{}"; },
        +[](net::ServerRequest& r) { r.headers = {{"anthropic-beta", "x"}}; },
        +[](net::ServerRequest& r) { r.body = "{} "; }}) {
    net::ServerRequest other = request;
    change(other);
    keys.insert(AnswerCache::key_of("k1", other));
  }
  EXPECT_EQ(keys.size(), 7u);
}

TEST(AnswerCache, neighbouring_pieces_of_text_are_kept_as_one) {
  std::vector<chat::Event> events;
  using Kind = chat::Event::Kind;
  for (const chat::Event& event : std::initializer_list<chat::Event>{{.kind = Kind::kQueued, .index = 3},
                                                                     {.kind = Kind::kStart},
                                                                     {.kind = Kind::kText, .text = "a", .tokens = 1},
                                                                     {.kind = Kind::kText, .text = "b", .tokens = 1},
                                                                     {.kind = Kind::kThinking, .text = "c"},
                                                                     {.kind = Kind::kText, .text = "d"}}) {
    keep_event(events, event);
  }
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].text, "ab");
  EXPECT_EQ(events[1].tokens, 2u);
}

// Asked in OpenAI's dialect, which the house speaks, and in Anthropic's.
class CachedServer : public ::testing::TestWithParam<bool> {
 protected:
  CachedServer() {
    ServeOptions options;
    options.answer_cache_bytes = 10'000'000;
    server = std::make_unique<testing::TestServer>(options);
    add(house);
  }
  void add(const MockHouse& one) {
    server->state().upstreams.put({.name = "oa",
                                   .house = "compatible",
                                   .base_url = one.url(),
                                   .keys = {"secret"},
                                   .models = {"m"},
                                   .private_network = true});
  }
  testing::Answer ask(bool stream = false, const std::string& header = "X-None: 1", const std::string& text = "hello") {
    const ordered_json body = {
        {"model", model}, {"max_tokens", 9}, {"stream", stream}, {"messages", {{{"role", "user"}, {"content", text}}}}};
    return server->send("POST", GetParam() ? "/v1/chat/completions" : "/v1/messages", body,
                        {"Content-Type: application/json", header});
  }
  static std::string cache(const testing::Answer& answer) {
    const auto found = answer.headers.find("x-shenbi-cache");
    return found == answer.headers.end() ? "" : found->second;
  }

  MockHouse house{[](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.body.find(R"("stream":true)") != std::string::npos) return gateway::says("hi there")(request, exchange);
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"id":"1","choices":[{"message":{"content":"hi there"},"finish_reason":"stop"}],)"
                            R"("usage":{"prompt_tokens":7,"completion_tokens":2}})"});
  }};
  std::unique_ptr<testing::TestServer> server;
  std::string model = "oa/m";
};

INSTANTIATE_TEST_SUITE_P(Ways, CachedServer, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "passed" : "translated"; });

TEST_P(CachedServer, the_same_request_is_answered_again_without_asking_anybody_and_says_so) {
  for (const bool stream : {false, true}) {
    const auto first = ask(stream), again = ask(stream);
    EXPECT_EQ(cache(first), "miss");
    EXPECT_EQ(cache(again), "hit");
    EXPECT_EQ(again.status, 200);
    EXPECT_NE(again.headers.find("age"), again.headers.end());
    EXPECT_EQ(again.headers.at("x-shenbi-model"), "oa/m");
    EXPECT_EQ(again.headers.at("content-type"), first.headers.at("content-type"));
    EXPECT_NE(again.body.find("hi there"), std::string::npos) << again.body;
    EXPECT_EQ(house.requests().size(), stream ? 2u : 1u);
    if (GetParam()) {
      EXPECT_EQ(again.body, first.body);  // to the letter
    } else {
      EXPECT_NE(again.body.find(R"("cache_read_input_tokens":7)"), std::string::npos) << again.body;
      EXPECT_EQ(first.body.find(R"("cache_read_input_tokens":7)"), std::string::npos) << first.body;
    }
  }
}

// gpt-4.1 costs 2 $/M in, 0.5 $/M of it cached, and 8 $/M out. The house tells 7 tokens in and 2 out, whole:
// 7 * 2,000 + 2 * 8,000 = 30,000 nano-dollars; of a stream that 3 of them were cached: 4 * 2,000 + 3 * 500 + 2 * 8,000
// = 25,500. Translated, it is asked for a stream each time. Asked four times, of which two are given again.
TEST_P(CachedServer, an_answer_that_is_given_again_is_a_row_with_its_tokens_that_costs_nothing_and_no_budget_counts) {
  server->state().upstreams.put({.name = "oa",
                                 .house = "compatible",
                                 .base_url = house.url(),
                                 .keys = {"secret"},
                                 .settings = {{"prices", "openai"}},
                                 .models = {"gpt-4.1"},
                                 .private_network = true});
  model = "oa/gpt-4.1";
  server->state().budgets.put({.name = "money", .limit = 1'000'000'000});
  server->state().budgets.put({.name = "tokens", .unit = ledger::Unit::kTokens, .limit = 1'000'000});
  for (const bool stream : {false, true}) {
    EXPECT_EQ(cache(ask(stream)), "miss");
    EXPECT_EQ(cache(ask(stream)), "hit");
  }
  EXPECT_EQ(house.requests().size(), 2u);

  ledger::Ledger& ledger = server->state().ledger;
  ASSERT_TRUE(ledger.flush());
  const int64_t whole = GetParam() ? 30'000 : 25'500;
  const auto rows = ledger.rows({}, 0, 10);
  ASSERT_EQ(rows.size(), 4u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].cached_answer, i % 2 == 0) << i;  // the newest first
    EXPECT_EQ(rows[i].cost_nano_usd, rows[i].cached_answer ? 0 : i < 2 ? 25'500 : whole);
    EXPECT_EQ(rows[i].cached_tokens, i < 2 || !GetParam() ? 3u : 0u);
    EXPECT_EQ(rows[i].prompt_tokens, 7u);
    EXPECT_EQ(rows[i].completion_tokens, 2u);
    EXPECT_EQ(rows[i].upstream, "oa");
    EXPECT_EQ(rows[i].model, "gpt-4.1");
    EXPECT_EQ(rows[i].wanted, "oa/gpt-4.1");
    EXPECT_EQ(rows[i].outcome, ledger::Outcome::kSettled);
    EXPECT_FALSE(rows[i].request_id.empty());
    EXPECT_GT(rows[i].time_s, 0);
  }
  EXPECT_NE(rows[0].request_id, rows[1].request_id);

  const auto sum = ledger.sums({}, {}).at(0);
  EXPECT_EQ(sum.calls, 2u);
  EXPECT_EQ(sum.cached_answers, 2u);
  EXPECT_EQ(sum.prompt_tokens, 14u);     // 2 * 7
  EXPECT_EQ(sum.completion_tokens, 4u);  // 2 * 2
  EXPECT_EQ(sum.cost_nano_usd, whole + 25'500);
  for (int counted = 0; counted < 2; ++counted) {
    for (const ledger::BudgetState& state : server->state().budgets.states()) {
      EXPECT_EQ(state.spent, state.budget.name == "money" ? whole + 25'500 : 18) << state.budget.name;  // 2 * (7 + 2)
      EXPECT_EQ(state.reserved, 0);
    }
    server->state().budgets.recount();  // from the ledger, as after a restart
  }

  const ordered_json told = server->get("/page/usage/rows").json()["rows"];
  ASSERT_EQ(told.size(), 4u);
  EXPECT_EQ(told[0]["cached_answer"], true);
  EXPECT_EQ(told[1]["cached_answer"], false);
  EXPECT_EQ(server->get("/page/usage").json()["total"]["cached_answers"], 2);
}

// The house does not tell: what was counted here counts again.
TEST_P(CachedServer, a_row_of_an_answer_that_is_given_again_holds_what_the_first_one_held) {
  MockHouse silent([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"id":"1","choices":[{"message":{"content":"hi there"},"finish_reason":"stop"}]})"});
  });
  add(silent);
  EXPECT_EQ(cache(ask()), "miss");
  EXPECT_EQ(cache(ask()), "hit");
  ASSERT_TRUE(server->state().ledger.flush());
  const auto rows = server->state().ledger.rows({}, 0, 10);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].outcome, ledger::Outcome::kEstimated);
  EXPECT_GT(rows[0].prompt_tokens, 0u);
  EXPECT_EQ(rows[0].prompt_tokens, rows[1].prompt_tokens);
  EXPECT_EQ(rows[0].completion_tokens, rows[1].completion_tokens);
  EXPECT_GT(rows[0].completion_tokens, 0u);
}

TEST_P(CachedServer, another_request_and_one_that_wants_a_new_answer_are_asked_for) {
  ask();
  EXPECT_EQ(cache(ask(false, "X-None: 1", "hello?")), "miss");
  EXPECT_EQ(cache(ask(false, "Cache-Control: no-cache")), "miss");
  EXPECT_EQ(house.requests().size(), 3u);
  EXPECT_EQ(cache(ask()), "hit");
}

TEST_P(CachedServer, what_is_not_to_be_stored_is_not) {
  EXPECT_EQ(cache(ask(false, "Cache-Control: no-store")), "");
  EXPECT_EQ(cache(ask()), "miss");
  EXPECT_EQ(house.requests().size(), 2u);
}

TEST_P(CachedServer, an_error_and_a_part_of_an_answer_are_not_kept) {
  MockHouse cut([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    gateway::stream(exchange, {gateway::chunk(R"({"content":"half"})")});
  });
  add(cut);
  ask(true);
  ask(false);
  add(house);
  EXPECT_EQ(cache(ask(true)), "miss");
  EXPECT_EQ(cache(ask(false)), "miss");
}

TEST(AnswerCacheOfServer, is_off_unless_asked_for_and_each_key_has_its_own) {
  MockHouse house(gateway::says("hi"));
  const auto add = [&](testing::TestServer& server) {
    server.state().upstreams.put({.name = "oa",
                                  .house = "compatible",
                                  .base_url = house.url(),
                                  .keys = {"secret"},
                                  .models = {"m"},
                                  .private_network = true});
  };
  const ordered_json body = {{"model", "oa/m"}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}};
  {
    testing::TestServer off;
    add(off);
    for (int i = 0; i < 2; ++i)
      EXPECT_FALSE(off.send("POST", "/v1/chat/completions", body).headers.contains("x-shenbi-cache"));
    EXPECT_EQ(house.requests().size(), 2u);
  }
  ServeOptions options;
  options.keys = {"sk-all-of-this-test"};
  options.answer_cache_bytes = 1'000'000;
  testing::TestServer server(options);
  add(server);
  std::vector<std::string> found;
  for (const char* name : {"one", "two"}) {
    const auto key = server.state().keys.create({.name = name, .scopes = {Scope::kInfer}});
    for (int i = 0; i < 2; ++i) {
      const auto answer = server.send("POST", "/v1/chat/completions", body, {"Authorization: Bearer " + key.text});
      found.push_back(answer.headers.at("x-shenbi-cache"));
    }
  }
  EXPECT_EQ(found, (std::vector<std::string>{"miss", "hit", "miss", "hit"}));
}

}  // namespace
}  // namespace shenbi::server
