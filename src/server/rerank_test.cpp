// POST /v1/rerank and /v2/rerank from the socket to the ledger; a played house ranks. Prices of the catalog, gpt-4.1: 2
// $/M.

#include <fmt/format.h>

#include "base/limits.h"
#include "gateway/test_house.h"
#include "server/state.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using gateway::MockHouse;
using nlohmann::ordered_json;

constexpr int64_t kIn = 2'000;  // nano-dollars a token

MockHouse::Answer ranks(const std::string& told = R"("usage":{"total_tokens":21})") {
  return [told](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send(
        {.status = 200,
         .headers = {{"Content-Type", "application/json"}},
         .body = R"({"results":[{"index":0,"relevance_score":0.25},{"index":1,"relevance_score":0.5}],)" + told + "}"});
  };
}

class Rerank : public testing::TestServer, public ::testing::Test {
 protected:
  void add(const MockHouse& house) {
    state().upstreams.put({.name = "up",
                           .house = "compatible",
                           .base_url = house.url(),
                           .keys = {"secret"},
                           .settings = {{"prices", "openai"}},
                           .models = {"gpt-4.1"},
                           .private_network = true});
  }
  testing::Answer ask(ordered_json more = ordered_json::object(), const std::string& path = "/v1/rerank") {
    ordered_json body = {{"model", "up/gpt-4.1"}, {"query", "which is red?"}, {"documents", {"a cat", "a red panda"}}};
    body.update(more);
    return send("POST", path, body, {"Content-Type: application/json", "X-Request-Id: the-call"});
  }
  std::vector<ledger::Row> rows() {
    EXPECT_TRUE(state().ledger.flush());
    return state().ledger.rows({}, 0, 100);
  }
};

TEST_F(Rerank, the_order_comes_in_the_form_that_clients_of_jina_and_cohere_read) {
  const MockHouse house(ranks());
  add(house);
  for (const char* path : {"/v1/rerank", "/v2/rerank"}) {
    const auto answer = ask(ordered_json::object(), path);
    ASSERT_EQ(answer.status, 200) << answer.body;
    ordered_json said = ordered_json::parse(answer.body);
    EXPECT_TRUE(said["id"].get<std::string>().starts_with("rerank-"));
    said.erase("id");
    EXPECT_EQ(
        said.dump(),
        R"({"model":"up/gpt-4.1","results":[{"index":1,"relevance_score":0.5},{"index":0,"relevance_score":0.25}],)"
        R"("usage":{"prompt_tokens":21,"total_tokens":21},"meta":{"tokens":{"input_tokens":21,"output_tokens":0}}})");
  }
}

TEST_F(Rerank, documents_come_back_where_that_is_asked_for) {
  const MockHouse house(ranks(R"("meta":{"billed_units":{"search_units":2}})"));
  add(house);
  const auto answer =
      ask({{"documents", {{{"text", "a cat"}}, "a red panda"}}, {"return_documents", true}, {"top_n", 1}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto said = ordered_json::parse(answer.body);
  EXPECT_EQ(said["results"].dump(), R"([{"index":1,"relevance_score":0.5,"document":{"text":"a red panda"}}])");
  EXPECT_EQ(said["meta"]["billed_units"]["search_units"], 2);
  const auto sent = ordered_json::parse(house.requests().at(0).body);
  EXPECT_EQ(sent["documents"], ordered_json({"a cat", "a red panda"}));
}

TEST_F(Rerank, a_row_of_the_ledger_says_what_it_cost) {
  const MockHouse house(ranks());
  add(house);
  ASSERT_EQ(ask().status, 200);
  const auto filed = rows();
  ASSERT_EQ(filed.size(), 1u);
  EXPECT_EQ(filed[0].request_id, "the-call");
  EXPECT_EQ(filed[0].prompt_tokens, 21u);
  EXPECT_EQ(filed[0].completion_tokens, 0u);
  EXPECT_EQ(filed[0].cost_nano_usd, 21 * kIn);
  EXPECT_EQ(filed[0].raw_usage, R"({"total_tokens":21})");
}

TEST_F(Rerank, a_budget_is_asked_before_the_house_is) {
  const MockHouse house(ranks());
  add(house);
  state().budgets.put({.name = "all", .limit = 10 * kIn});  // 42 letters are 11 tokens: query twice and both texts
  EXPECT_EQ(ask().status, 429);
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(Rerank, what_is_wrong_is_named) {
  const MockHouse house(ranks());
  add(house);
  const auto why = [&](const ordered_json& more) {
    const auto answer = ask(more);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return ordered_json::parse(answer.body)["error"]["message"].get<std::string>();
  };
  EXPECT_EQ(why({{"query", ""}}), "query: is empty");
  EXPECT_EQ(why({{"documents", ordered_json::array()}}), "documents: is empty");
  EXPECT_EQ(why({{"documents", {"a", ""}}}), "documents[1]: is empty");
  EXPECT_EQ(why({{"documents", {"a", 7}}}), "documents[1]: expected a string or an object, found a number");
  EXPECT_EQ(why({{"documents", {{{"text", "a"}, {"title", "b"}}}}}), "documents[0].title: unknown field");
  EXPECT_EQ(why({{"documents", {std::string(limits::kMaxRerankBytes, 'x')}}}),
            fmt::format("documents: more than {} bytes with the query", limits::kMaxRerankBytes));
  EXPECT_EQ(why({{"priority", 1}}), "priority: unknown field");
  EXPECT_EQ(why({{"truncate_prompt_tokens", 9}}),
            "truncate_prompt_tokens: OpenAI-compatible server has no such setting of a ranking");
  for (const char* name : {"top_n", "max_tokens_per_doc", "max_chunks_per_doc", "truncate_prompt_tokens"})
    EXPECT_TRUE(why({{name, 0}}).starts_with(std::string(name) + ": ")) << name;
  ordered_json many = ordered_json::array();
  for (uint64_t i = 0; i <= limits::kMaxRerankDocuments; ++i) many.push_back("x");
  EXPECT_TRUE(why({{"documents", many}}).starts_with("documents: ")) << many.size();
  EXPECT_TRUE(house.requests().empty());
  const auto filed = rows();  // of the field that the house does not know: that took a try to find out
  ASSERT_EQ(filed.size(), 1u);
  EXPECT_EQ(filed[0].outcome, ledger::Outcome::kFailed);
  EXPECT_EQ(filed[0].prompt_tokens, 0u);
}

}  // namespace
}  // namespace shenbi::server
