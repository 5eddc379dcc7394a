// Documents put in order by houses: what each is sent, what its answer becomes, what of an answer is not believed.

#include "gateway/rerank.h"

#include <fmt/format.h>

#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kAnimals = {"a cat", "a red panda", "a dog"};

std::string answer(const std::string& results, const std::string& more = R"("usage":{"total_tokens":21})") {
  return fmt::format(R"({{"results":{},{}}})", results, more);
}
const std::string kGood = answer(R"([{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.2},)"
                                 R"({"index":2,"relevance_score":-1.5}])");

MockHouse::Answer tells(std::string body) {
  return [body](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = body});
  };
}

class Reranking : public RouterTest {
 protected:
  void put(const std::string& house, const MockHouse& mock, const std::string& personal_data = "") {
    upstreams.put({.name = "up",
                   .house = house,
                   .base_url = mock.url(),
                   .keys = {"secret"},
                   .models = {"m"},
                   .personal_data = personal_data,
                   .private_network = true});
  }
  static RerankRequest request(const std::string& model = "up/m") {
    return {.model = model, .query = "which is red?", .documents = kAnimals, .tenant = "alice"};
  }
  Ranking rank(const RerankRequest& asked = request()) { return router().rerank(asked, {}); }
  std::string why(const RerankRequest& asked = request(), Code code = Code::kInvalidArgument) {
    try {
      rank(asked);
    } catch (const Error& error) {
      EXPECT_EQ(code_info(error.code()).name, code_info(code).name) << error.what();
      return error.what();
    }
    return "it was answered";
  }
  // What a house of that name is sent.
  std::pair<std::string, Json> sent(const std::string& house, const RerankRequest& asked, const std::string& told) {
    const MockHouse mock(tells(told));
    put(house, mock);
    rank(asked);
    const auto one = mock.requests().at(0);
    EXPECT_EQ(one.header("authorization"), "Bearer secret");
    EXPECT_EQ(one.header("content-type"), "application/json");
    return {one.path, Json::parse(one.body)};
  }
};

std::vector<size_t> indices(const Ranking& ranking) {
  std::vector<size_t> found;
  for (const Ranked& one : ranking.results) found.push_back(one.index);
  return found;
}

TEST_F(Reranking, the_best_comes_first_and_the_call_is_filed) {
  const MockHouse house(tells(answer(R"([{"index":0,"relevance_score":0.2},{"index":1,"relevance_score":0.9},)"
                                     R"({"index":2,"relevance_score":-1.5}])")));
  put("compatible", house);
  const Ranking ranking = rank();
  EXPECT_EQ(indices(ranking), (std::vector<size_t>{1, 0, 2}));
  EXPECT_DOUBLE_EQ(ranking.results.back().score, -1.5);
  EXPECT_EQ(ranking.tokens, 21u);
  EXPECT_EQ(ranking.upstream, "up");
  EXPECT_EQ(ranking.model, "m");
  wait_attempts(1);
  const Attempt filed = attempts().front();
  EXPECT_EQ(filed.outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(filed.usage.prompt_tokens, 21u);
  EXPECT_EQ(filed.raw_usage, R"({"total_tokens":21})");
  EXPECT_EQ(filed.tenant, "alice");
  EXPECT_EQ(filed.wanted, "up/m");
}

TEST_F(Reranking, only_the_best_are_told) {
  const MockHouse house(tells(kGood));  // a house that does not keep to top_n
  put("compatible", house);
  RerankRequest asked = request();
  asked.top_n = 2;
  EXPECT_EQ(indices(rank(asked)), (std::vector<size_t>{1, 0}));
  EXPECT_EQ(Json::parse(house.requests().at(0).body)["top_n"], 2);
  asked.top_n = 50;
  EXPECT_EQ(rank(asked).results.size(), 3u);
  EXPECT_EQ(Json::parse(house.requests().at(1).body)["top_n"], 3);
}

TEST_F(Reranking, results_of_the_same_score_stay_as_the_house_put_them) {
  const MockHouse house(tells(answer(R"([{"index":2,"relevance_score":1},{"index":0,"relevance_score":1},)"
                                     R"({"index":1,"relevance_score":2}])")));
  put("compatible", house);
  EXPECT_EQ(indices(rank()), (std::vector<size_t>{1, 2, 0}));
}

TEST_F(Reranking, each_house_is_asked_in_its_own_form) {
  const Json flat = {{"model", "m"}, {"query", "which is red?"}, {"documents", kAnimals}, {"top_n", 3}};
  Json quiet = flat;
  quiet["return_documents"] = false;
  EXPECT_EQ(sent("compatible", request(), kGood), std::pair(std::string("/v1/rerank"), quiet));
  EXPECT_EQ(sent("shenbi", request(), kGood), std::pair(std::string("/v1/rerank"), quiet));
  EXPECT_EQ(sent("zhipu", request(), kGood), std::pair(std::string("/v1/rerank"), quiet));
  EXPECT_EQ(sent("vllm", request(), kGood), std::pair(std::string("/v1/rerank"), flat));
  EXPECT_EQ(sent("qianfan", request(), kGood), std::pair(std::string("/v1/rerank"), flat));
  EXPECT_EQ(sent("cohere", request(), kGood), std::pair(std::string("/v2/rerank"), flat));
  const Json native = {{"model", "m"},
                       {"input", {{"query", "which is red?"}, {"documents", kAnimals}}},
                       {"parameters", {{"top_n", 3}, {"return_documents", false}}}};
  EXPECT_EQ(sent("dashscope", request(), R"({"output":)" + kGood + R"(,"usage":{"total_tokens":5}})"),
            std::pair(std::string("/api/v1/services/rerank/text-rerank/text-rerank"), native));
  EXPECT_EQ(attempts().back().usage.prompt_tokens, 5u);
}

TEST_F(Reranking, what_only_some_houses_know_is_said_to_those_and_refused_by_name_for_the_others) {
  RerankRequest asked = request();
  asked.instruction = "colours";
  asked.overlap_tokens = 8;
  asked.max_chunks_per_doc = 4;
  const Json told = sent("compatible", asked, kGood).second;
  EXPECT_EQ(told["instruction"], "colours");
  EXPECT_EQ(told["overlap_tokens"], 8);
  EXPECT_EQ(told["max_chunks_per_doc"], 4);

  asked = request();
  asked.instruction = "colours";
  EXPECT_EQ(sent("dashscope", asked, R"({"output":)" + kGood + "}").second["parameters"]["instruct"], "colours");
  asked = request();
  asked.max_tokens_per_doc = 100;
  EXPECT_EQ(sent("cohere", asked, kGood).second["max_tokens_per_doc"], 100);
  asked = request();
  asked.truncate_prompt_tokens = 100;
  EXPECT_EQ(sent("vllm", asked, kGood).second["truncate_prompt_tokens"], 100);

  const MockHouse house(tells(kGood));
  put("zhipu", house);
  EXPECT_EQ(why(asked), "truncate_prompt_tokens: Zhipu AI (GLM) has no such setting of a ranking");
  asked = request();
  asked.instruction = "x";
  EXPECT_EQ(why(asked), "instruction: Zhipu AI (GLM) has no such setting of a ranking");
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(Reranking, tokens_are_read_wherever_houses_tell_them_and_counted_where_they_do_not) {
  const auto told = [&](const std::string& more) {
    const MockHouse house(tells(answer(R"([{"index":0,"relevance_score":1},{"index":1,"relevance_score":1},)"
                                       R"({"index":2,"relevance_score":1}])",
                                       more)));
    put("compatible", house);
    return rank();
  };
  EXPECT_EQ(told(R"("usage":{"prompt_tokens":7,"total_tokens":9})").tokens, 7u);
  EXPECT_EQ(told(R"("usage":{"input_tokens":8})").tokens, 8u);
  EXPECT_EQ(told(R"("meta":{"tokens":{"input_tokens":6,"output_tokens":0}})").tokens, 6u);
  EXPECT_EQ(attempts().back().outcome, Attempt::Outcome::kSettled);
  const Ranking searched = told(R"("meta":{"billed_units":{"search_units":1}})");
  EXPECT_EQ(searched.searches, 1u);
  // 5, 11 and 5 letters, the query of 13 once for each: 60 / 4.
  EXPECT_EQ(searched.tokens, 15u);
  EXPECT_EQ(attempts().back().outcome, Attempt::Outcome::kEstimated);
  EXPECT_EQ(attempts().back().usage.prompt_tokens, 15u);
  EXPECT_EQ(attempts().back().raw_usage, R"({"billed_units":{"search_units":1}})");
  for (const char* odd : {R"("usage":[1])", R"("usage":{"total_tokens":-4})", R"("usage":{"total_tokens":"many"})",
                          R"("usage":null,"meta":7)"})
    EXPECT_EQ(told(odd).tokens, 15u) << odd;
  EXPECT_EQ(told(R"("usage":{"total_tokens":9,"more":")" + std::string(5000, 'x') + "\"}").raw_usage, "");
}

TEST_F(Reranking, an_answer_that_is_none_of_these_documents_is_not_believed) {
  const std::string form = "up: its ranking is without an index and a relevance_score for each result";
  const std::vector<std::pair<std::string, std::string>> odd = {
      {"{\"resu", "up: its ranking is no JSON"},
      {"", "up: its ranking is no JSON"},
      {std::string(5000, '['), "up: its ranking is no JSON"},
      {"[]", "up: its ranking is not a list of results"},
      {"{}", "up: its ranking is not a list of results"},
      {R"({"results":{"index":0}})", "up: its ranking is not a list of results"},
      {R"({"error":{"message":"the model sleeps"}})", "up: the model sleeps"},
      {R"({"results":[]})", "up: its ranking is of 0 documents, 3 were asked for"},
      {R"({"results":[1]})", form},
      {R"({"results":[{"index":-1,"relevance_score":1}]})", form},
      {R"({"results":[{"index":0.5,"relevance_score":1}]})", form},
      {R"({"results":[{"index":"0","relevance_score":1}]})", form},
      {R"({"results":[{"index":0,"relevance_score":null}]})", form},
      {R"({"results":[{"index":0}]})", form},
      {R"({"results":[{"index":3,"relevance_score":1}]})", "up: its ranking is of documents that it was not given"},
      {R"({"results":[{"index":18446744073709551615,"relevance_score":1}]})",
       "up: its ranking is of documents that it was not given"},
      {R"({"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":2}]})",
       "up: its ranking is of a document twice"},
      {R"({"results":[{"index":0,"relevance_score":1},{"index":1,"relevance_score":2}]})",
       "up: its ranking is of 2 documents, 3 were asked for"},
  };
  for (const auto& [body, words] : odd) {
    const MockHouse house(tells(body));
    put("compatible", house);
    EXPECT_EQ(why(request(), Code::kUpstream), words) << body.substr(0, 80);
    EXPECT_EQ(attempts().back().outcome, Attempt::Outcome::kFailed);
    EXPECT_EQ(attempts().back().usage.prompt_tokens, 0u);
  }
  // A score beyond any number is no number.
  const MockHouse house(tells(R"({"results":[{"index":0,"relevance_score":1e999}]})"));
  put("compatible", house);
  EXPECT_TRUE(why(request(), Code::kUpstream).starts_with("up: its ranking is "));
}

TEST_F(Reranking, who_does_not_rank_says_so) {
  const MockHouse house(tells(kGood));
  put("deepseek", house);
  EXPECT_EQ(why(request(), Code::kUnsupported), "DeepSeek has no rerank here");
  EXPECT_EQ(why(request("tiny"), Code::kUnsupported),
            "model: 'tiny' runs here, and local models do not rerank; name one of an upstream (UPSTREAM/MODEL)");
  EXPECT_EQ(why(request("nobody"), Code::kNotFound), "model 'nobody' is not here, and no upstream offers it");
  EXPECT_EQ(why(request("auto"), Code::kNotFound), "model: there is no model to choose from");
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(Reranking, the_next_is_asked_when_one_fails) {
  const MockHouse bad(fails(503)), odd(tells("{}")), good(tells(kGood));
  add("a", bad, {"ranker"}, {"secret"}, 1);
  add("b", odd, {"ranker"}, {"secret"}, 2);
  add("c", good, {"ranker"}, {"secret"}, 3);
  const Ranking ranking = rank(request("ranker"));
  EXPECT_EQ(ranking.upstream, "c");
  wait_attempts(3);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[1].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[2].number, 2u);
  EXPECT_EQ(attempts()[2].outcome, Attempt::Outcome::kSettled);
}

TEST_F(Reranking, what_the_caller_got_wrong_is_told_at_once) {
  const MockHouse bad(fails(400)), good(tells(kGood));
  add("a", bad, {"ranker"}, {"secret"}, 1);
  add("b", good, {"ranker"}, {"secret"}, 2);
  EXPECT_EQ(why(request("ranker")), "a: not today (status 400)");
  EXPECT_TRUE(good.requests().empty());
}

TEST_F(Reranking, a_name_of_the_operators_leads_to_its_models) {
  const MockHouse bad(fails(500)), good(tells(kGood));
  add("a", bad, {"one"});
  add("b", good, {"two"});
  routes.put({.name = "ranker", .targets = {"a/one", "b/two"}});
  const Ranking ranking = rank(request("ranker"));
  EXPECT_EQ(ranking.upstream, "b");
  EXPECT_EQ(ranking.model, "two");
}

TEST_F(Reranking, who_leaves_ends_the_exchange) {
  net::ExchangePtr open;
  std::stop_source gone;
  const MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    open = exchange;
    gone.request_stop();  // the question is there, the answer never comes
  });
  put("compatible", house);
  try {
    router().rerank(request(), gone.get_token());
    FAIL() << "it was answered";
  } catch (const Error& error) {
    EXPECT_EQ(code_info(error.code()).name, code_info(Code::kCancelled).name) << error.what();
  }
  wait_attempts(1);
  EXPECT_EQ(attempts().front().outcome, Attempt::Outcome::kAborted);
  EXPECT_EQ(attempts().front().usage.prompt_tokens, 15u);
}

TEST_F(Reranking, personal_data_is_kept_from_the_house) {
  RerankRequest asked = request();
  asked.query = "who is ann@example.org?";
  asked.documents[1] = "ann@example.org is a red panda";
  {
    const MockHouse house(tells(kGood));
    put("compatible", house, "mask");
    EXPECT_EQ(indices(rank(asked)), (std::vector<size_t>{1, 0, 2}));
    EXPECT_EQ(house.requests().at(0).body.find("ann@"), std::string::npos) << house.requests().at(0).body;
  }
  const MockHouse house(tells(kGood));
  put("compatible", house, "block");
  asked.query = "who is it?";
  EXPECT_TRUE(why(asked).starts_with("documents[1]: holds personal data")) << why(asked);
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(Reranking, what_a_try_may_take_is_asked_first) {
  uint64_t tokens = 0;
  admit = [&](const Attempt&, const Need& need) -> uint64_t {
    tokens = need.prompt_tokens();
    throw Error(Code::kRateLimited, "over budget");
  };
  const MockHouse house(tells(kGood));
  put("compatible", house);
  EXPECT_EQ(why(request(), Code::kRateLimited), "over budget");
  EXPECT_EQ(tokens, 15u);
  EXPECT_TRUE(house.requests().empty());
}

}  // namespace
}  // namespace shenbi::gateway
