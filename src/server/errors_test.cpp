// What a house says of why it refuses, as each face tells it.

#include "chat/error_facts.h"
#include "gateway/test_house.h"
#include "server/state.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using gateway::MockHouse;
using nlohmann::ordered_json;

MockHouse::Answer refusing(int status, std::string body) {
  return [status, body = std::move(body)](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body});
  };
}

class HousesErrors : public testing::TestServer, public ::testing::Test {
 protected:
  void put(const MockHouse& mock, const std::string& house) {
    state().upstreams.put({.name = "h",
                           .house = house,
                           .base_url = mock.url(),
                           .keys = {"secret-of-the-operator"},
                           .models = {"m"},
                           .private_network = true});
  }
  testing::Answer openai(const std::string& path = "/v1/chat/completions", bool stream = false) {
    ordered_json body = {{"model", "h/m"}, {"max_tokens", 100}, {"stream", stream}};
    if (path == "/v1/responses") {
      body = {{"model", "h/m"}, {"input", "hello"}, {"stream", stream}};
    } else {
      if (path == "/api/chat") body.erase("max_tokens");  // Ollama has it among the options
      body["messages"] = {{{"role", "user"}, {"content", "hello"}}};
    }
    return send("POST", path, body);
  }
  testing::Answer gemini() {
    const ordered_json body = {{"contents", {{{"role", "user"}, {"parts", {{{"text", "hello"}}}}}}}};
    return send("POST", "/v1beta/models/h%2Fm:generateContent", body);
  }
  static ordered_json error_of(const testing::Answer& answer) { return ordered_json::parse(answer.body)["error"]; }
};

constexpr const char* kAzure =
    R"({"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter",)"
    R"("status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})";

TEST_F(HousesErrors, a_refusal_for_safety_is_one_at_every_face) {
  MockHouse house(refusing(400, kAzure));
  put(house, "compatible");
  for (const char* path : {"/v1/chat/completions", "/v1/responses"}) {
    for (const bool stream : {false, true}) {
      const auto answer = openai(path, stream);
      EXPECT_NE(answer.body.find(R"("code":"content_filter")"), std::string::npos) << path << answer.body;
    }
  }
  const auto chat = openai();
  EXPECT_EQ(chat.status, 400);
  EXPECT_EQ(error_of(chat)["type"], "invalid_request_error");
  EXPECT_EQ(error_of(chat)["param"], nullptr);  // nobody sent a "prompt"
  EXPECT_EQ(error_of(openai("/v1/messages"))["type"], "invalid_request_error");
  EXPECT_EQ(error_of(gemini())["details"][0]["reason"], "CONTENT_FILTER");
  EXPECT_EQ(error_of(gemini())["status"], "INVALID_ARGUMENT");
  const auto ollama = openai("/api/chat");
  EXPECT_EQ(ollama.status, 400);
  EXPECT_NE(error_of(ollama).get<std::string>().find("was filtered"), std::string::npos);
}

TEST_F(HousesErrors, a_house_with_words_of_its_own_is_understood) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"error":{"code":"data_inspection_failed","message":"m","type":"data_inspection_failed"}})",
       "content_filter"},
      {R"({"error":{"code":"1301","message":"m"}})", "content_filter"},
      {R"({"error":{"code":"1261","message":"m"}})", "context_length_exceeded"},
      {R"({"object":"error","message":"maximum context length is 8","type":"BadRequestError","code":400})",
       "context_length_exceeded"}};
  for (const auto& [body, code] : cases) {
    MockHouse house(refusing(400, body));
    put(house, "compatible");
    EXPECT_EQ(error_of(openai())["code"], code) << body;
  }
}

TEST_F(HousesErrors, of_another_dialect_come_over_by_their_reason_alone) {
  MockHouse claude(refusing(
      400, R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}})"));
  put(claude, "anthropic");
  EXPECT_EQ(error_of(openai())["code"], "context_length_exceeded");
  EXPECT_EQ(error_of(openai())["type"], "invalid_request_error");
  MockHouse google(refusing(
      404, R"({"error":{"code":404,"message":"models/m is not found for API version v1beta","status":"NOT_FOUND"}})"));
  put(google, "gemini");
  EXPECT_EQ(error_of(openai())["code"], "model_not_found");
  EXPECT_EQ(error_of(openai("/v1/messages"))["type"], "not_found_error");
  // A field of the translated request is not one that the caller sent.
  MockHouse office(refusing(
      400, R"({"error":{"message":"no","type":"odd_error","param":"messages[0].content","code":"invalid_value"}})"));
  put(office, "compatible");
  const auto told = gemini();
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(error_of(told)["status"], "INVALID_ARGUMENT");
  EXPECT_FALSE(error_of(told).contains("details"));
}

TEST_F(HousesErrors, of_the_callers_own_dialect_come_as_they_are) {
  MockHouse office(refusing(
      400, R"({"error":{"message":"no","type":"odd_error","param":"messages[0].content","code":"invalid_value"}})"));
  put(office, "compatible");
  const ordered_json error = error_of(openai());
  EXPECT_EQ(error["code"], "invalid_value");
  EXPECT_EQ(error["type"], "odd_error");
  EXPECT_EQ(error["param"], "messages[0].content");

  MockHouse strict(refusing(400, R"({"error":{"message":"no","param":"stream_options","code":"unknown_parameter"}})"));
  put(strict, "compatible");
  EXPECT_EQ(error_of(openai("/v1/chat/completions", true))["param"], nullptr);  // ours: the caller did not say it
  EXPECT_EQ(error_of(openai("/v1/chat/completions", true))["code"], "unknown_parameter");

  MockHouse google(refusing(400, R"({"error":{"code":400,"message":"no","status":"FAILED_PRECONDITION"}})"));
  put(google, "gemini");
  EXPECT_EQ(error_of(gemini())["status"], "FAILED_PRECONDITION");
}

TEST_F(HousesErrors, nothing_of_the_operators_account_is_the_callers) {
  const std::pair<int, std::string> cases[] = {
      {401, R"({"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}})"},
      {429, R"({"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}})"},
      {403, R"({"error":{"message":"no","type":"odd_error","code":"unsupported_country"}})"},
      {400, R"({"error":{"message":"no","type":"Arrearage","code":"Arrearage"}})"},
      {400, R"({"error":{"message":"no","type":"secret-of-the-operator","code":"secret-of-the-operator"}})"}};
  for (const auto& [status, body] : cases) {
    MockHouse house(refusing(status, body));
    put(house, "compatible");
    const auto answer = openai();
    EXPECT_EQ(answer.status, status == 401 || status == 403 ? 502 : status) << body;
    EXPECT_EQ(error_of(answer)["code"], nullptr) << answer.body;
    EXPECT_EQ(answer.body.find("insufficient_quota"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret-of-the-operator"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("odd_error"), std::string::npos) << answer.body;
  }
}

TEST_F(HousesErrors, inside_a_stream_bear_their_reason) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    gateway::stream(exchange,
                    {gateway::chunk(R"({"role":"assistant"})"),
                     std::string("data: ") +
                         R"({"error":{"code":"data_inspection_failed","message":"no","status":400}})" + "\n\n"});
  });
  put(house, "compatible");
  EXPECT_NE(openai("/v1/chat/completions", true).body.find(R"("code":"content_filter")"), std::string::npos);
  EXPECT_NE(openai("/v1/responses", true).body.find(R"("code":"content_filter")"), std::string::npos);
}

TEST_F(HousesErrors, behind_the_first_words_of_a_stream_go_the_same_way) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    gateway::stream(exchange,
                    {gateway::chunk(R"({"content":"half"})"),
                     std::string("data: ") +
                         R"({"error":{"code":"1301","type":"secret-of-the-operator","message":"no"}})" + "\n\n"});
  });
  put(house, "compatible");
  const std::string told = openai("/v1/chat/completions", true).body;
  EXPECT_NE(told.find("half"), std::string::npos) << told;
  EXPECT_NE(told.find(R"("code":"content_filter")"), std::string::npos) << told;
  EXPECT_EQ(told.find("secret-of-the-operator"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with("data: [DONE]\n\n")) << told;
}

TEST_F(HousesErrors, a_model_that_is_not_here_is_told_by_its_code) {
  const ordered_json body = {{"model", "nobody"}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}};
  const auto answer = send("POST", "/v1/chat/completions", body);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(error_of(answer)["code"], "model_not_found");
  EXPECT_EQ(error_of(send("GET", "/v1/files/file-none"))["code"], "not_found");
}

}  // namespace
}  // namespace shenbi::server
