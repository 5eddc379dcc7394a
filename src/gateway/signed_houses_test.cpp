// Houses whose keys sign or are traded for tokens, through the router: what reaches them, how long a token lasts, what
// a refusal says of the clock, and that nothing secret comes out.

#include "gateway/clock_skew.h"
#include "gateway/signers.h"
#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

const std::string kSecret = "the-secret-half-0123456789";
const std::string kKey = "the-open-half-0123456789:" + kSecret;

class SignedHouses : public RouterTest {
 protected:
  SignedHouses() {
    remote.seconds_since_1970 = [this] { return clock.load(); };
  }
  void add_signed(const std::string& house, const MockHouse& mock, std::map<std::string, std::string> settings = {},
                  const std::string& model = "m") {
    upstreams.put({.name = "up",
                   .house = house,
                   .base_url = mock.url(),
                   .keys = {kKey},
                   .settings = std::move(settings),
                   .models = {model},
                   .private_network = true});
  }
  Event ask_once(const std::string& model = "m") {
    Heard heard;
    router().chat(ask("up/" + model), heard.sink());
    return heard.last();
  }
  static void expect_hidden(const std::string& text) {
    EXPECT_EQ(text.find("the-open-half"), std::string::npos) << text;
    EXPECT_EQ(text.find("the-secret-half"), std::string::npos) << text;
    EXPECT_EQ(text.find("token-"), std::string::npos) << text;
  }

  std::atomic<int64_t> clock{1'800'000'000};
};

// A house of Baidu's: tokens are numbered, each lasts `life` seconds.
struct Baidu {
  std::atomic<int> tokens{0}, refused{0}, life{2'592'000};
  std::atomic<bool> takes_back{false}, refuses{false};
  MockHouse house{[this](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.path == "/oauth/2.0/token") {
      if (refuses)
        return exchange->send({.status = 401,
                               .headers = {},
                               .body = R"({"error":"invalid_client","error_description":"unknown client id"})"});
      return exchange->send({.status = 200,
                             .headers = {},
                             .body = nlohmann::json{{"access_token", "token-0123456789-" + std::to_string(++tokens)},
                                                    {"expires_in", life.load()}}
                                         .dump()});
    }
    if (takes_back.exchange(false)) {
      ++refused;
      return exchange->send(
          {.status = 200,
           .headers = {},
           .body = R"({"error_code":110,"error_msg":"Access token invalid: )" + request.query + "\"}"});
    }
    stream(exchange, {"data: {\"result\":\"hi\",\"is_end\":false}\n\n",
                      "data: {\"result\":\"\",\"is_end\":true,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":1}}"
                      "\n\n"});
  }};
};

TEST_F(SignedHouses, a_token_is_asked_for_once_and_serves_all_calls) {
  Baidu baidu;
  add_signed("qianfan_v1", baidu.house);
  for (int i = 0; i < 3; ++i) {
    const Event last = ask_once();
    EXPECT_EQ(last.kind, Event::Kind::kFinish) << last.text;
    EXPECT_EQ(last.usage.completion_tokens, 1u);
  }
  EXPECT_EQ(baidu.tokens, 1);
  const auto requests = baidu.house.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0].query,
            "grant_type=client_credentials&client_id=the-open-half-0123456789&client_secret=" + kSecret);
  EXPECT_EQ(requests[1].path, "/v1/chat/m");
  EXPECT_EQ(requests[1].query, "access_token=token-0123456789-1");
}

TEST_F(SignedHouses, a_token_is_renewed_before_it_ends_and_one_that_has_ended_is_not_used) {
  Baidu baidu;
  baidu.life = 7200;
  add_signed("qianfan_v1", baidu.house);
  ask_once();
  clock += 7200 - 7200 / 5 - 1;
  ask_once();
  EXPECT_EQ(baidu.tokens, 1);
  clock += 1;  // the last fifth: this call still goes with the old one
  ask_once();
  while (baidu.tokens < 2) std::this_thread::yield();
  EXPECT_EQ(baidu.house.requests().size(), 5u);
  clock += 7200;  // both have ended
  ask_once();
  EXPECT_EQ(baidu.tokens, 3);
  EXPECT_EQ(baidu.house.requests().back().query, "access_token=token-0123456789-3");
}

TEST_F(SignedHouses, calls_that_come_together_wait_for_one_token) {
  Baidu baidu;
  add_signed("qianfan_v1", baidu.house);
  std::vector<Heard> heard(8);
  for (Heard& one : heard) router().chat(ask("up/m"), one.sink());
  for (Heard& one : heard) EXPECT_EQ(one.text(), "hi");
  EXPECT_EQ(baidu.tokens, 1);
}

TEST_F(SignedHouses, a_token_that_was_taken_back_is_not_used_again_and_not_shown) {
  Baidu baidu;
  add_signed("qianfan_v1", baidu.house);
  ask_once();
  baidu.takes_back = true;
  const Event refused = ask_once();
  if (refused.kind == Event::Kind::kError) {
    expect_hidden(refused.text);
    EXPECT_EQ(refused.status, 502);
  }
  EXPECT_EQ(ask_once().kind, Event::Kind::kFinish);
  EXPECT_EQ(baidu.refused, 1);
  EXPECT_EQ(baidu.tokens, 2);
}

TEST_F(SignedHouses, a_key_that_gets_no_token_rests_and_its_error_says_why) {
  Baidu baidu;
  baidu.refuses = true;
  add_signed("qianfan_v1", baidu.house);
  const Event refused = ask_once();
  EXPECT_EQ(refused.kind, Event::Kind::kError);
  EXPECT_EQ(refused.status, 502);
  EXPECT_EQ(refused.text, "up: no token for this key: unknown client id (invalid_client)");
  const size_t asked = baidu.house.requests().size();
  Heard heard;
  EXPECT_THROW(router().chat(ask("up/m"), heard.sink()), Error);
  EXPECT_EQ(baidu.house.requests().size(), asked);
}

TEST_F(SignedHouses, an_access_key_of_Ark_signs_for_a_key_of_one_endpoint) {
  MockHouse mock([this](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.path != "/") return says("hi")(request, exchange);
    const nlohmann::json answer = {{"ResponseMetadata", {{"RequestId", "r"}}},
                                   {"Result", {{"ApiKey", "token-of-an-endpoint"}, {"ExpiredTime", clock + 600'000}}}};
    exchange->send({.status = 200, .headers = {}, .body = answer.dump()});
  });
  add_signed("ark", mock, {}, "ep-1");
  const Event last = ask_once("ep-1");
  EXPECT_EQ(last.kind, Event::Kind::kFinish) << last.text;
  const auto requests = mock.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].query, "Action=GetApiKey&Version=2024-01-01");
  EXPECT_TRUE(requests[0].header("authorization").starts_with("HMAC-SHA256 Credential=the-open-half-0123456789/"));
  EXPECT_EQ(nlohmann::json::parse(requests[0].body)["ResourceIds"], nlohmann::json::array({"ep-1"}));
  EXPECT_EQ(requests[1].header("authorization"), "Bearer token-of-an-endpoint");
  const Event refused = ask_once("doubao");
  EXPECT_EQ(refused.status, 400) << refused.text;
  EXPECT_EQ(mock.requests().size(), 2u);
}

// With the Date that the server writes of itself.
void tencent_refuses(const net::ServerRequest& request, const net::ExchangePtr& exchange) {
  exchange->send({.status = 200,
                  .headers = {},
                  .body = R"({"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"expired: )" +
                          std::string(request.header("authorization")) + R"("},"RequestId":"r"}})"});
}

TEST_F(SignedHouses, a_request_of_Tencent_is_signed_and_its_answer_read) {
  MockHouse mock([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(
        exchange,
        {R"(data: {"Choices":[{"Index":0,"Delta":{"Role":"assistant","Content":"hi"},"FinishReason":"stop"}],"Usage":{"PromptTokens":3,"CompletionTokens":1,"TotalTokens":4}})"
         "\n\n",
         "data: [DONE]\n\n"});
  });
  add_signed("hunyuan_tc3", mock);
  const Event last = ask_once();
  EXPECT_EQ(last.kind, Event::Kind::kFinish) << last.text;
  EXPECT_EQ(last.usage.prompt_tokens, 3u);
  const auto request = mock.requests().at(0);
  EXPECT_EQ(request.header("x-tc-action"), "ChatCompletions");
  EXPECT_EQ(request.header("x-tc-timestamp"), "1800000000");
  EXPECT_EQ(nlohmann::json::parse(request.body)["Messages"][0]["Role"], "user");
  net::ClientRequest again{
      .url = mock.url() + "/", .headers = {{"Content-Type", "application/json"}}, .body = request.body};
  tc3_signature("hunyuan")(again, {.key = kKey}, clock);
  EXPECT_EQ(request.header("authorization"), header_of(again, "Authorization"));
}

TEST_F(SignedHouses, a_refusal_tells_how_wrong_the_clock_is) {
  clock = std::time(nullptr) + 6000;
  MockHouse mock(tencent_refuses);
  add_signed("hunyuan_tc3", mock);
  const Event refused = ask_once();
  EXPECT_EQ(refused.status, 502);
  EXPECT_NE(refused.text.find("; this machine's clock is "), std::string::npos) << refused.text;
  EXPECT_NE(refused.text.find(" s ahead of the house's"), std::string::npos) << refused.text;
  expect_hidden(refused.text);
}

TEST_F(SignedHouses, a_clock_that_is_right_is_not_spoken_of) {
  remote.seconds_since_1970 = [] { return static_cast<int64_t>(std::time(nullptr)); };
  MockHouse mock(tencent_refuses);
  add_signed("hunyuan_tc3", mock);
  const Event refused = ask_once();
  EXPECT_EQ(refused.text.find("clock"), std::string::npos) << refused.text;
}

TEST(ClockSkew, dates_are_those_of_http_alone) {
  EXPECT_EQ(http_date("Thu, 01 Jan 1970 00:00:10 GMT"), 10);
  EXPECT_EQ(http_date("Mon, 23 Nov 2026 06:00:00 GMT"), 1'795'413'600);
  for (const char* odd :
       {"", "yesterday", "Mon, 23 Nov 2026 06:00:00", "2026-11-23T06:00:00Z", "Mon, 23 Nov 2026 06:00:00 GMT+1"})
    EXPECT_EQ(http_date(odd), std::nullopt) << odd;
}

TEST(ClockSkew, half_a_minute_is_no_difference) {
  const net::Headers headers = {{"date", "Thu, 01 Jan 1970 01:00:00 GMT"}};
  EXPECT_EQ(skew_words(headers, 3630), "");
  EXPECT_EQ(skew_words(headers, 3000), "; this machine's clock is 600 s behind the house's");
  EXPECT_EQ(skew_words(headers, 4200), "; this machine's clock is 600 s ahead of the house's");
  EXPECT_EQ(skew_words({}, 0), "");
}

TEST_F(SignedHouses, accounts_need_every_part_of_a_key_and_every_setting) {
  const auto refused = [&](const Upstream& upstream) {
    try {
      upstreams.put(upstream);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused({.name = "s", .house = "spark_ws", .keys = {kKey}}).find("app_id"), std::string::npos);
  EXPECT_NE(refused({.name = "s", .house = "spark_ws", .keys = {"whole"}, .settings = {{"app_id", "a"}}})
                .find("APIKey:APISecret"),
            std::string::npos);
  EXPECT_NE(refused({.name = "s",
                     .house = "spark_ws",
                     .base_url = "https://a.example",
                     .keys = {kKey},
                     .settings = {{"app_id", "a"}}})
                .find("wss://"),
            std::string::npos);
  EXPECT_EQ(refused({.name = "s", .house = "spark_ws", .keys = {kKey}, .settings = {{"app_id", "a"}}}), "");
  EXPECT_NE(refused({.name = "o", .house = "openai", .base_url = "wss://a.example", .keys = {"k"}}), "");
}

TEST_F(SignedHouses, two_variables_make_a_key_of_two_parts) {
  ::setenv("SHENBI_TEST_ID", "one", 1);
  ::setenv("SHENBI_TEST_SECRET", "two", 1);
  EXPECT_EQ(secret_of("env:SHENBI_TEST_ID:SHENBI_TEST_SECRET"), "one:two");
  EXPECT_THROW(secret_of("env:SHENBI_TEST_ID:SHENBI_TEST_ABSENT"), Error);
  EXPECT_EQ(masked("env:SHENBI_TEST_ID:SHENBI_TEST_SECRET"), "env:SHENBI_TEST_ID:SHENBI_TEST_SECRET");
}

}  // namespace
}  // namespace shenbi::gateway
