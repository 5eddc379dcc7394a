// Personal data on its way to a house and back, in the neutral words and in the houses' own dialects.

#include "gateway/guarded.h"
#include "chat/passed_writer.h"
#include "gateway/test_house.h"
#include "net/sse.h"

namespace shenbi::gateway {
namespace {

using Json = nlohmann::json;

class GuardedTest : public RouterTest {
 protected:
  void add_guarded(const std::string& house, const MockHouse& mock, const std::string& treatment = "mask") {
    upstreams.put({.name = "office",
                   .house = house,
                   .base_url = mock.url(),
                   .keys = {"secret"},
                   .models = {"m"},
                   .personal_data = treatment,
                   .private_words = {"Nightjar"},
                   .private_network = true});
  }

  // What the caller gets of a request that goes through in its own dialect.
  std::string passed(const std::string& body, Dialect dialect, bool stream, const std::string& model = "office/m") {
    Heard heard;
    const auto bytes = std::make_shared<chat::PassedBytes>();
    Passage passage{.dialect = dialect,
                    .body = std::make_shared<const std::string>(body),
                    .peek = chat::peek_request(body),
                    .model = model,
                    .stream = stream,
                    .tenant = "alice",
                    .translated = []() -> const chat::ChatRequest& { throw Error(Code::kInvalidArgument, "unused"); }};
    const auto call = router().pass(
        std::move(passage), [bytes](std::string_view more, bool last) { bytes->add(more, last); }, heard.sink());
    chat::PassedWriter writer(
        bytes,
        {.stream = stream,
         .error = [](int, std::string_view why, const chat::ErrorFacts&) { return "error: " + std::string(why); },
         .stream_error = [](int, std::string_view why, const chat::ErrorFacts&) { return "data: " + std::string(why); },
         .translator = {}});
    std::string out;
    for (const Event& event : heard.wait()) {
      if (event.name == kMaskedWarning) warned_ = event.text;
      out += writer.push(event);
    }
    return stream ? out : writer.body();
  }

  std::string warned_;
};

std::string sse(const Json& data, const std::string& name = "") {
  return (name.empty() ? "" : "event: " + name + "\n") + "data: " + data.dump() + "\n\n";
}

// The data of each event.
std::vector<Json> data_of(const std::string& stream) {
  std::vector<Json> all;
  net::SseReader reader;
  for (const auto& event : reader.push(stream)) {
    if (event.data != "[DONE]") all.push_back(Json::parse(event.data));
  }
  return all;
}

TEST_F(GuardedTest, words_go_out_with_placeholders_and_come_back_whole) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {chunk(R"({"content":"Dear [EMA"})"), chunk(R"({"content":"IL_1], not [EMAIL_2]; call [PHONE_"})"),
                      chunk(R"({"content":"1]. ["})"), kEnd});
  });
  add_guarded("compatible", house);
  Heard heard;
  chat::ChatRequest request = ask("office/m");
  request.messages = {
      {.role = chat::Role::kUser, .parts = {{.text = "写信给a@b.com或拨打138 1234 5678，谈Nightjar"}}},
      {.role = chat::Role::kAssistant, .tool_calls = {{"c1", "send", R"({"to":"a@b.com","phone":13812345678,"n":7})"}}},
      {.role = chat::Role::kTool, .parts = {{.text = R"({"sent":["a@b.com"]})"}}, .tool_call_id = "c1"}};
  const auto call = router().chat(std::move(request), heard.sink());
  EXPECT_EQ(heard.text(), "Dear a@b.com, not [EMAIL_2]; call 138 1234 5678. [");
  const auto events = heard.wait();
  EXPECT_EQ(events.front().name, kMaskedWarning);
  EXPECT_EQ(events.front().text, "personal data was kept from the house: email 1, phone 2, private 1");
  ASSERT_EQ(house.requests().size(), 1u);
  const Json body = Json::parse(house.requests()[0].body);
  EXPECT_EQ(body["messages"][0]["content"], "写信给[EMAIL_1]或拨打[PHONE_1]，谈[PRIVATE_1]");
  EXPECT_EQ(body["messages"][1]["tool_calls"][0]["function"]["arguments"],
            R"({"to":"[EMAIL_1]","phone":"[PHONE_2]","n":7})");
  EXPECT_EQ(body["messages"][2]["content"], R"({"sent":["[EMAIL_1]"]})");
}

TEST_F(GuardedTest, arguments_of_calls_come_back_as_JSON) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    const auto call = [](const char* id, int index, const std::string& arguments) {
      Json delta = {{"tool_calls", {{{"index", index}, {"function", {{"arguments", arguments}}}}}}};
      if (*id) {
        delta["tool_calls"][0]["id"] = id;
        delta["tool_calls"][0]["function"]["name"] = "send";
      }
      return chunk(delta.dump());
    };
    stream(exchange, {call("c1", 0, R"({"to":"[EM)"), call("", 0, R"(AIL_1]"})"), call("c2", 1, R"({"to":"[EMAIL_1])"),
                      call("", 1, R"("})"), kEnd});
  });
  add_guarded("compatible", house);
  Heard heard;
  chat::ChatRequest request = ask("office/m");
  request.messages[0].parts[0].text = "a@b.com";
  const auto call = router().chat(std::move(request), heard.sink());
  std::map<uint32_t, std::string> arguments;
  for (const Event& event : heard.wait()) {
    if (event.kind == Event::Kind::kToolArguments) arguments[event.index] += event.text;
  }
  EXPECT_EQ(arguments[0], R"({"to":"a@b.com"})");
  EXPECT_EQ(arguments[1], R"({"to":"a@b.com"})");
}

TEST_F(GuardedTest, an_account_that_blocks_refuses_with_kind_and_place_and_without_the_value) {
  MockHouse house(says("never"));
  add_guarded("compatible", house, "block");
  Heard heard;
  chat::ChatRequest request = ask("office/m");
  request.messages[0].parts[0].text = "my card is 4111 1111 1111 1111";
  try {
    router().chat(std::move(request), heard.sink());
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_EQ(std::string(error.what()),
              "message 1 (user): holds personal data (card), and the upstream 'office' is given none");
  }
  EXPECT_TRUE(house.requests().empty());
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].error.find("4111"), std::string::npos);
  const auto call = router().chat(ask("office/m"), heard.sink());
  EXPECT_EQ(heard.text(), "never");
}

TEST_F(GuardedTest, nothing_is_looked_for_unless_the_account_wants_it) {
  MockHouse house(says("to [EMAIL_1]"));
  add("office", house);
  Heard heard;
  chat::ChatRequest request = ask("office/m");
  request.messages[0].parts[0].text = "a@b.com";
  const auto call = router().chat(std::move(request), heard.sink());
  EXPECT_EQ(heard.text(), "to [EMAIL_1]");
  EXPECT_NE(house.requests()[0].body.find("a@b.com"), std::string::npos);
}

TEST_F(GuardedTest, a_body_without_any_goes_through_as_it_is) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send(
        {.status = 200,
         .headers = {{"Content-Type", "application/json"}},
         .body =
             R"({ "choices":[{"message":{"content":"[EMAIL_1]"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}})"});
  });
  add_guarded("compatible", house);
  const std::string body =
      R"({"model": "m",  "messages":[{"role":"user","content":"hi"}], "seed": 13812345678, "odd":1.50})";
  EXPECT_EQ(passed(body, Dialect::kOpenAi, false),
            R"({ "choices":[{"message":{"content":"[EMAIL_1]"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}})");
  EXPECT_EQ(house.requests()[0].body, body);
  EXPECT_EQ(warned_, "");
}

TEST_F(GuardedTest, OpenAIs_own_answer_has_the_values_put_back_in_text_and_arguments) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = Json{{"choices",
                                  {{{"message",
                                     {{"content", "to [EMAIL_1]"},
                                      {"tool_calls", {{{"function", {{"arguments", R"({"w":"[PRIVATE_1]"})"}}}}}}}},
                                    {"finish_reason", "stop"}}}},
                                 {"usage", {{"prompt_tokens", 1}, {"completion_tokens", 1}}}}
                                .dump()});
  });
  add_guarded("compatible", house);
  const Json said = Json::parse(passed(
      R"({"model":"m","messages":[{"role":"user","content":"a@b.com about Nightjar"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,13812345678"}}]}],"user":"a@b.com"})",
      Dialect::kOpenAi, false));
  EXPECT_EQ(said["choices"][0]["message"]["content"], "to a@b.com");
  EXPECT_EQ(said["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], R"({"w":"Nightjar"})");
  const Json asked = Json::parse(house.requests()[0].body);
  EXPECT_EQ(asked["messages"][0]["content"], "[EMAIL_1] about [PRIVATE_1]");
  EXPECT_EQ(asked["messages"][1]["content"][0]["image_url"]["url"], "data:image/png;base64,13812345678");
  EXPECT_EQ(asked["user"], "[EMAIL_1]");
  EXPECT_EQ(warned_, "personal data was kept from the house: email 1, private 1");
}

TEST_F(GuardedTest, OpenAIs_own_stream_has_them_put_back_over_pieces_and_choices) {
  const auto piece = [](int choice, const Json& delta, const char* finish = nullptr) {
    return sse(
        {{"id", "x"},
         {"choices", {{{"index", choice}, {"delta", delta}, {"finish_reason", finish ? Json(finish) : Json()}}}}});
  };
  const std::string untouched =
      ": ping\n\nid: 7\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"odd\":1.50}]}\n\n";
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(
        exchange,
        {untouched, piece(0, {{"content", "a [EM"}}), piece(1, {{"content", "b [EMAIL_"}}),
         piece(0, {{"content", "AIL_1] c"}}), piece(1, {{"content", "1]"}}),
         piece(0, {{"tool_calls",
                    {{{"index", 0}, {"id", "c"}, {"function", {{"name", "f"}, {"arguments", "{\"x\":\"[EMAIL"}}}}}}}),
         piece(0, {{"tool_calls", {{{"index", 0}, {"function", {{"arguments", "_1]\"}"}}}}}}}),
         piece(1, {{"content", " end [EMAI"}}), piece(0, Json::object(), "tool_calls"),
         piece(1, Json::object(), "stop"),
         sse({{"choices", Json::array()}, {"usage", {{"prompt_tokens", 7}, {"completion_tokens", 2}}}}),
         "data: [DONE]\n\n"});
  });
  add_guarded("compatible", house);
  const std::string out = passed(
      R"({"model":"m","stream":true,"n":2,"messages":[{"role":"user","content":"a@b.com"}]})", Dialect::kOpenAi, true);
  EXPECT_TRUE(out.starts_with(untouched)) << out;
  EXPECT_TRUE(out.ends_with("data: [DONE]\n\n")) << out;
  std::string text[2], arguments, ids, finished;
  for (const Json& event : data_of(out)) {
    for (const Json& choice : event["choices"]) {
      const Json& delta = choice["delta"];
      text[choice["index"].get<int>()] += delta.value("content", "");
      for (const Json& call : delta.value("tool_calls", Json::array())) {
        arguments += call["function"]["arguments"].get<std::string>();
        ids += call.value("id", "");
      }
      if (choice.contains("finish_reason") && choice["finish_reason"].is_string())
        finished += choice["finish_reason"].get<std::string>() + " ";
    }
  }
  EXPECT_EQ(text[0], "Hia a@b.com c");
  EXPECT_EQ(text[1], "b a@b.com end [EMAI");
  EXPECT_EQ(arguments, R"({"x":"a@b.com"})");
  EXPECT_EQ(ids, "c");
  EXPECT_EQ(finished, "tool_calls stop ");
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kSettled);
}

TEST_F(GuardedTest, Anthropics_own_stream_has_them_put_back_and_signed_thinking_goes_back_as_it_was_signed) {
  const auto start = [](int index, const Json& block) {
    return sse({{"type", "content_block_start"}, {"index", index}, {"content_block", block}}, "content_block_start");
  };
  const auto delta = [](int index, const Json& delta) {
    return sse({{"type", "content_block_delta"}, {"index", index}, {"delta", delta}}, "content_block_delta");
  };
  const auto stop = [](int index) {
    return sse({{"type", "content_block_stop"}, {"index", index}}, "content_block_stop");
  };
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(
        exchange,
        {sse({{"type", "message_start"}, {"message", {{"model", "m"}, {"usage", {{"input_tokens", 5}}}}}},
             "message_start"),
         start(0, {{"type", "thinking"}, {"thinking", ""}}),
         delta(0, {{"type", "thinking_delta"}, {"thinking", "of [EMAIL_1], ["}}),
         delta(0, {{"type", "signature_delta"}, {"signature", "c2ln"}}), stop(0),
         start(1, {{"type", "text"}, {"text", ""}}), delta(1, {{"type", "text_delta"}, {"text", "Dear [EMA"}}),
         sse({{"type", "ping"}}, "ping"), delta(1, {{"type", "text_delta"}, {"text", "IL_1]! [EM"}}), stop(1),
         start(2, {{"type", "tool_use"}, {"id", "t"}, {"name", "f"}, {"input", Json::object()}}),
         delta(2, {{"type", "input_json_delta"}, {"partial_json", "{\"w\": \"[PRIV"}}),
         delta(2, {{"type", "input_json_delta"}, {"partial_json", "ATE_1]\"}"}}), stop(2),
         sse({{"type", "message_delta"}, {"delta", {{"stop_reason", "tool_use"}}}, {"usage", {{"output_tokens", 3}}}},
             "message_delta"),
         sse({{"type", "message_stop"}}, "message_stop")});
  });
  add_guarded("anthropic", house);
  const std::string out = passed(
      R"({"model":"m","max_tokens":9,"stream":true,"system":"Nightjar","messages":[{"role":"user","content":"a@b.com"},)"
      R"({"role":"assistant","content":[{"type":"thinking","thinking":"of a@b.com, c@d.com","signature":"c2ln"},)"
      R"({"type":"tool_use","id":"13812345678","name":"f","input":{"id":"13812345678","n":13912345678}}]}]})",
      Dialect::kAnthropic, true);
  std::map<int, std::string> said;
  size_t stops = 0;
  for (const Json& event : data_of(out)) {
    stops += event["type"] == "content_block_stop";
    if (event["type"] != "content_block_delta") continue;
    const Json& delta = event["delta"];
    said[event["index"].get<int>()] += delta.value("thinking", "") + delta.value("text", "") +
                                       delta.value("partial_json", "") + delta.value("signature", "");
  }
  EXPECT_EQ(said[0], "of a@b.com, [c2ln");
  EXPECT_EQ(said[1], "Dear a@b.com! [EM");
  EXPECT_EQ(said[2], R"({"w": "Nightjar"})");
  EXPECT_EQ(stops, 3u);
  EXPECT_NE(out.find("event: ping\n"), std::string::npos);
  const Json asked = Json::parse(house.requests()[0].body);
  EXPECT_EQ(asked["system"], "[PRIVATE_1]");
  EXPECT_EQ(asked["messages"][1]["content"][0]["thinking"], "of [EMAIL_1], c@d.com");
  EXPECT_EQ(asked["messages"][1]["content"][1]["id"], "13812345678");
  EXPECT_EQ(asked["messages"][1]["content"][1]["input"], (Json{{"id", "[PHONE_1]"}, {"n", "[PHONE_2]"}}));
}

TEST_F(GuardedTest, Geminis_own_stream_has_them_put_back_in_parts_and_calls) {
  const auto event = [](const Json& parts, const char* finish = nullptr) {
    Json candidate = {{"content", {{"role", "model"}, {"parts", parts}}}, {"index", 0}};
    if (finish) candidate["finishReason"] = finish;
    Json all = {{"candidates", {candidate}}};
    if (finish) all["usageMetadata"] = {{"promptTokenCount", 3}, {"candidatesTokenCount", 2}};
    return sse(all);
  };
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange,
           {event({{{"text", "think [EMAIL"}, {"thought", true}}}),
            event({{{"text", "_1]"}, {"thought", true}}, {{"text", "Dear [EM"}}}),
            event({{{"text", "AIL_1] "}}, {{"functionCall", {{"name", "f"}, {"args", {{"to", "[EMAIL_1]"}}}}}}}),
            event({{{"text", "bye [EMAIL_1"}}}, "STOP")});
  });
  add_guarded("gemini", house);
  const std::string out =
      passed(R"({"contents":[{"role":"user","parts":[{"text":"a@b.com"}]}]})", Dialect::kGemini, true);
  std::string text, thought;
  size_t calls = 0;
  for (const Json& one : data_of(out)) {
    for (const Json& part : one["candidates"][0]["content"]["parts"]) {
      if (part.contains("functionCall")) {
        ++calls;
        EXPECT_EQ(part["functionCall"]["args"]["to"], "a@b.com");
      }
      (part.value("thought", false) ? thought : text) += part.value("text", "");
    }
  }
  EXPECT_EQ(thought, "think a@b.com");
  EXPECT_EQ(text, "Dear a@b.com bye [EMAIL_1");
  EXPECT_EQ(calls, 1u);
}

}  // namespace
}  // namespace shenbi::gateway
