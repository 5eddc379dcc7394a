// Requests that go through in their own dialect: what arrives at the house, and what comes back.

#include "base/retry_later.h"
#include "chat/passed_writer.h"
#include "gateway/estimate.h"
#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

const std::string kBody =
    R"({"model": "office/m",  "messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}], "of_next_year": [1.50]})";

class PassingTest : public RouterTest {
 protected:
  CallPtr pass(const std::string& body, EventSink sink, Dialect dialect = Dialect::kOpenAi) {
    Passage passage{.dialect = dialect,
                    .body = std::make_shared<const std::string>(body),
                    .peek = chat::peek_request(body),
                    .tenant = "alice",
                    .translated = [this]() -> const chat::ChatRequest& {
                      if (!carried_) throw Error(Code::kInvalidArgument, "of_next_year: this API has no such field");
                      return words_;
                    }};
    passage.model = passage.peek.model;
    passage.stream = passage.peek.stream;
    return router().pass(
        std::move(passage), [this](std::string_view bytes, bool last) { passed_->add(bytes, last); }, std::move(sink));
  }
  void add_house(const std::string& name, const std::string& house, const MockHouse& mock, int64_t priority = 0) {
    upstreams.put({.name = name,
                   .house = house,
                   .base_url = mock.url(),
                   .keys = {"secret"},
                   .models = {"m"},
                   .priority = priority,
                   .private_network = true});
  }
  // What the caller would get.
  std::string written(Heard& heard, bool stream, int* status = nullptr) {
    const auto events = heard.wait();
    chat::PassedWriter writer(
        passed_,
        {.stream = stream,
         .error = [](int, std::string_view why, const chat::ErrorFacts&) { return "error: " + std::string(why); },
         .stream_error = [](int, std::string_view why, const chat::ErrorFacts&) { return "data: " + std::string(why); },
         .translator = {}});
    std::string out;
    for (const Event& event : events) out += writer.push(event);
    EXPECT_TRUE(writer.finished());
    if (status) *status = writer.status();
    return stream ? out : writer.body();
  }

  const std::shared_ptr<chat::PassedBytes> passed_ = std::make_shared<chat::PassedBytes>();
  bool carried_ = false;
  chat::ChatRequest words_ = ask("");
};

TEST_F(PassingTest, the_body_arrives_as_it_was_but_for_the_models_name) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({ "choices":[{"message":{"content":"hello","citations":[{"url":"u"}]}}],)"
                            R"("usage":{"prompt_tokens":7,"completion_tokens":2}, "odd":1.50})"});
  });
  add("office", house);
  Heard heard;
  pass(kBody, heard.sink());
  EXPECT_EQ(written(heard, false), R"({ "choices":[{"message":{"content":"hello","citations":[{"url":"u"}]}}],)"
                                   R"("usage":{"prompt_tokens":7,"completion_tokens":2}, "odd":1.50})");
  ASSERT_EQ(house.requests().size(), 1u);
  std::string expected = kBody;
  expected.replace(expected.find("office/m"), 8, "m");
  EXPECT_EQ(house.requests()[0].body, expected);
  EXPECT_EQ(house.requests()[0].header("authorization"), "Bearer secret");
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 7u);
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 2u);
}

std::string streamed(const std::string& more = "") {
  return R"({"model":"office/m","messages":[],"stream":true)" + more + "}";
}

TEST_F(PassingTest, a_stream_comes_as_it_was_sent_with_comments_odd_fields_and_CRLF) {
  const std::string first = ": hello\r\n\r\nid: 7\r\ndata:{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n";
  const std::string second = "data: {\"choices\":[{\"delta\":{\"content\":\"\xC3";
  const std::string third = "\xBC\",\"odd\":[1]},\"finish_reason\":\"stop\"}]}\n\n";
  const std::string last =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {first, second, third, last});
  });
  add("office", house);
  Heard heard;
  pass(streamed(R"(,"stream_options":{"include_usage":true})"), heard.sink());
  EXPECT_EQ(written(heard, true), first + second + third + last);
}

TEST_F(PassingTest, the_usage_of_a_stream_is_asked_for_and_kept_from_a_caller_who_did_not_ask) {
  const std::string said = chunk(R"({"content":"hi"})");
  const std::string end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {said, end, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n",
                      "data: [DONE]\n\n"});
  });
  add("office", house);
  Heard heard;
  pass(streamed(), heard.sink());
  EXPECT_EQ(written(heard, true), said + end + "data: [DONE]\n\n");
  EXPECT_EQ(house.requests()[0].body,
            R"({"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 7u);
}

TEST_F(PassingTest, the_usage_is_known_by_what_it_says_and_not_by_how_it_is_spaced) {
  const std::string usage = R"("usage": {"prompt_tokens": 7, "completion_tokens": 2})";
  const auto event = [&](const std::string& choices) {
    return "data: {\"choices\": " + choices + ", " + usage + "}\n\n";
  };
  const std::string shown = chunk(R"({"content": "\"usage\": {"})") +
                            event(R"([{"index": 0, "delta": {"role": "assistant"}}])") +
                            event(R"([{"index": 0, "delta": {"content": "!"}}])") +
                            event(R"([{"index": 0, "delta": {}, "finish_reason": "stop"}])");
  const std::string hidden = event("[]") + event(R"([{"index": 0, "delta": {}}])") +
                             event(R"([{"index": 0, "delta": {"content": ""}, "finish_reason": null}])");
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {shown, hidden, "data: [DONE]\n\n"});
  });
  add("office", house);
  Heard heard;
  pass(streamed(), heard.sink());
  EXPECT_EQ(written(heard, true), shown + "data: [DONE]\n\n");
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 7u);
}

TEST_F(PassingTest, an_answer_in_the_form_that_was_not_asked_for_is_told_in_words_and_not_in_its_bytes) {
  MockHouse streams(says("unasked"));
  MockHouse whole([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"choices":[{"message":{"content":"all at once"}}]})"});
  });
  add("streams", streams);
  add("whole", whole);
  for (const bool stream : {false, true}) {
    Heard heard;
    pass(std::string(R"({"messages":[],"model":")") + (stream ? R"(whole/m","stream":true})" : R"(streams/m"})"),
         heard.sink());
    EXPECT_EQ(heard.text(), stream ? "all at once" : "unasked");
    EXPECT_FALSE(passed_->take().any);
  }
}

TEST_F(PassingTest, an_error_in_a_200_is_an_error_and_the_next_upstream_is_asked) {
  MockHouse whole([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"error":{"message":"overloaded","code":503}})"});
  });
  MockHouse inside([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange,
           {chunk(R"({"role":"assistant"})"), "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"});
  });
  MockHouse good(says("at last"));
  add("first", whole, {"m"}, {"secret"}, 0);
  add("second", inside, {"m"}, {"secret"}, 1);
  add("third", good, {"m"}, {"secret"}, 2);
  Heard heard;
  pass(R"({"model":"m","stream":true,"messages":[]})", heard.sink());
  EXPECT_EQ(heard.text(), "at last");
  ASSERT_EQ(attempts().size(), 3u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[1].outcome, Attempt::Outcome::kFailed);
}

TEST_F(PassingTest, an_error_in_a_200_of_the_only_upstream_has_its_status) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"error":{"message":"overloaded","code":503}})"});
  });
  add("office", house);
  Heard heard;
  pass(kBody, heard.sink());
  int status = 0;
  EXPECT_NE(written(heard, false, &status).find("overloaded"), std::string::npos);
  EXPECT_EQ(status, 503);
}

TEST_F(PassingTest,
       a_prompt_that_cannot_be_translated_is_as_long_as_its_body_and_a_picture_no_longer_than_pictures_are) {
  const auto estimate = [](const std::string& body) {
    Passage passage{.body = std::make_shared<const std::string>(body)};
    passage.translated = []() -> const chat::ChatRequest& { throw Error(Code::kInvalidArgument, "of_next_year"); };
    return estimated_prompt(passage);
  };
  EXPECT_EQ(estimate(R"({"text": "hello"})"), 5u);                                    // 17 / 4
  EXPECT_EQ(estimate(R"({"url": ")" + std::string(1 << 20, 'A') + R"("})"), 2'003u);  // and 11 / 4
}

TEST_F(PassingTest, an_answer_that_is_cut_ends_with_an_error_behind_what_came) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {chunk(R"({"content":"half"})"), "data: {\"choi"});
  });
  add("office", house);
  Heard heard;
  pass(streamed(), heard.sink());
  const std::string all = written(heard, true);
  EXPECT_TRUE(all.starts_with(chunk(R"({"content":"half"})"))) << all;
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
}

TEST_F(PassingTest, an_upstream_of_another_dialect_gets_a_translation_or_the_field_that_has_none) {
  MockHouse house(says("translated"));
  add("office", house);
  Heard heard;
  EXPECT_THROW(pass(kBody, heard.sink(), Dialect::kAnthropic), Error);
  carried_ = true;
  pass(kBody, heard.sink(), Dialect::kAnthropic);
  EXPECT_EQ(heard.text(), "translated");
}

TEST_F(PassingTest, thinking_with_its_signature_and_unknown_blocks_come_through_Anthropics_dialect) {
  const std::string events =
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"model\":\"claude\",\"usage\":"
      "{\"input_tokens\":5,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\n\n"
      "event: ping\ndata: {\"type\": \"ping\"}\n\n"
      "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
      "\"thinking\",\"thinking\":\"\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
      "\"thinking_delta\",\"thinking\":\"Hm\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
      "\"signature_delta\",\"signature\":\"SIG\"}}\n\n"
      "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
      "\"of_next_year\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
      "\"of_next_year\"}}\n\n"
      "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
      "{\"output_tokens\":9}}\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) { stream(exchange, {events}); });
  add_house("claude", "anthropic", house);
  Heard heard;
  pass(R"({"model":"claude/m","stream":true,"max_tokens":9,"messages":[]})", heard.sink(), Dialect::kAnthropic);
  EXPECT_EQ(written(heard, true), events);
  EXPECT_EQ(house.requests()[0].body, R"({"model":"m","stream":true,"max_tokens":9,"messages":[]})");
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 8u);
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 9u);
}

class CountingTest : public PassingTest {
 protected:
  std::optional<std::string> count(const std::string& body, Dialect dialect, const std::string& model = "",
                                   net::Headers headers = {}) {
    Passage passage{.dialect = dialect,
                    .body = std::make_shared<const std::string>(body),
                    .peek = chat::peek_request(body),
                    .model = model,
                    .headers = std::move(headers),
                    .translated = [this]() -> const chat::ChatRequest& { return words_; }};
    if (model.empty()) passage.model = passage.peek.model;
    return router().count(std::move(passage), {});
  }
  static MockHouse::Answer tells(int status, const std::string& body) {
    return [status, body](const net::ServerRequest&, const net::ExchangePtr& exchange) {
      exchange->send({.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body});
    };
  }
};

TEST_F(CountingTest, Anthropics_house_gets_the_body_as_it_was_but_for_the_models_name_and_its_answer_comes_back) {
  MockHouse house(tells(200, R"({ "input_tokens": 14, "odd": 1.50})"));
  add_house("claude", "anthropic", house);
  const std::string counted =
      *count(R"({"model": "claude/m",  "messages":[], "of_next_year": [1.50]})", Dialect::kAnthropic, "",
             {{"anthropic-beta", "tools-2027"}, {"anthropic-version", "2027-01-01"}});
  EXPECT_EQ(counted, R"({ "input_tokens": 14, "odd": 1.50})");
  ASSERT_EQ(house.requests().size(), 1u);
  const net::ServerRequest asked = house.requests()[0];
  EXPECT_EQ(asked.path, "/v1/messages/count_tokens");
  EXPECT_EQ(asked.body, R"({"model": "m",  "messages":[], "of_next_year": [1.50]})");
  EXPECT_EQ(asked.header("x-api-key"), "secret");
  EXPECT_EQ(asked.header("anthropic-beta"), "tools-2027");
  EXPECT_EQ(asked.header("anthropic-version"), "2027-01-01");
  EXPECT_TRUE(attempts().empty()) << "nothing of it is in the ledger";
  count(R"({"model":"claude/m","messages":[]})", Dialect::kAnthropic);
  EXPECT_EQ(house.requests()[1].header("anthropic-version"), "2023-06-01");
}

TEST_F(CountingTest, Geminis_house_is_asked_at_its_models_path_and_a_whole_request_names_the_model_inside) {
  MockHouse house(tells(200, R"({"totalTokens":9})"));
  add_house("google", "gemini", house);
  const std::string plain = R"({"contents": [{"parts":[{"text":"hi"}]}], "odd": 1.50})";
  EXPECT_EQ(count(plain, Dialect::kGemini, "google/m"), R"({"totalTokens":9})");
  EXPECT_EQ(house.requests()[0].path, "/v1/models/m:countTokens");
  EXPECT_EQ(house.requests()[0].body, plain);
  EXPECT_EQ(house.requests()[0].header("x-goog-api-key"), "secret");
  count(R"({"generateContentRequest":{"model":"models/google/m","contents":[],"odd":1.5}})", Dialect::kGemini,
        "google/m");
  EXPECT_EQ(house.requests()[1].body, R"({"generateContentRequest":{"model":"models/m","contents":[],"odd":1.5}})");
  // A text that only speaks of it.
  const std::string spoken = R"({"contents":[{"parts":[{"text":"generateContentRequest", "odd": 1.50}]}]})";
  count(spoken, Dialect::kGemini, "google/m");
  EXPECT_EQ(house.requests()[2].body, spoken);
}

TEST_F(CountingTest, who_does_not_tell_in_the_dialect_is_not_asked_and_says_why) {
  MockHouse house(tells(200, R"({"input_tokens":14})"));
  add("office", house);
  add_house("claude", "anthropic", house);
  EXPECT_EQ(count(R"({"model":"office/m"})", Dialect::kAnthropic), std::nullopt);
  EXPECT_EQ(count(R"({"model":"claude/m"})", Dialect::kGemini), std::nullopt);
  EXPECT_EQ(count(R"({"model":"tiny"})", Dialect::kAnthropic), std::nullopt);
  EXPECT_TRUE(house.requests().empty());
  const auto why = [&](const std::string& model) {
    try {
      router().prompt_of(ask(model));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kUnsupported);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(why("office/m").find("does not tell how long a prompt is"), std::string::npos) << why("office/m");
  EXPECT_NE(why("claude/m").find("POST /v1/messages/count_tokens"), std::string::npos) << why("claude/m");
}

TEST_F(CountingTest, the_next_is_asked_where_it_may_go_better_and_a_key_that_is_told_to_wait_rests) {
  MockHouse busy([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 429,
                    .headers = {{"Retry-After", "77"}},
                    .body = R"({"type":"error","error":{"type":"rate_limit_error","message":"slow down"}})"});
  });
  MockHouse good(tells(200, R"({"input_tokens":14})"));
  add_house("busy", "anthropic", busy, 0);
  add_house("good", "anthropic", good, 1);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(count(R"({"model":"m","messages":[]})", Dialect::kAnthropic), R"({"input_tokens":14})");
  EXPECT_EQ(busy.requests().size(), 1u) << "it is resting";
  upstreams.remove("good");
  add_house("busy", "anthropic", busy, 2);  // another configuration: its rest is forgotten
  try {
    count(R"({"model":"busy/m","messages":[]})", Dialect::kAnthropic);
    FAIL();
  } catch (const RetryLater& error) {
    EXPECT_EQ(error.code(), Code::kRateLimited);
    EXPECT_EQ(error.wait(), 77s);
    EXPECT_STREQ(error.what(), "busy: slow down (status 429)");
  }
}

TEST_F(CountingTest, what_the_caller_got_wrong_and_what_is_no_count_is_told) {
  MockHouse picky(
      tells(400, R"({"type":"error","error":{"type":"invalid_request_error","message":"messages: none"}})"));
  MockHouse other(tells(200, R"({"input_tokens":14})")), odd(tells(200, "<html>"));
  add_house("picky", "anthropic", picky, 0);
  add_house("other", "anthropic", other, 1);
  add_house("odd", "anthropic", odd, 2);
  const auto told = [&](const std::string& model, Code code) {
    try {
      count(R"({"model":")" + model + R"("})", Dialect::kAnthropic);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(told("m", Code::kInvalidArgument), "picky: messages: none (status 400)");
  EXPECT_TRUE(other.requests().empty());
  EXPECT_EQ(told("odd/m", Code::kUpstream), "odd: its answer is no count of tokens");
}

TEST_F(CountingTest, personal_data_and_thinking_that_another_has_signed_are_kept_from_who_counts) {
  MockHouse house(tells(200, R"({"input_tokens":14})"));
  add_house("claude", "anthropic", house);
  remote.personal_data = "mask";
  count(R"({"messages":[{"role":"user","content":"I am ana@example.com"}],"model":"claude/m"})", Dialect::kAnthropic);
  const std::string sent = house.requests()[0].body;
  EXPECT_EQ(sent.find("ana@example.com"), std::string::npos) << sent;
  EXPECT_NE(sent.find(R"("model":"m")"), std::string::npos) << sent;
  const std::string foreign = marked("somebody/else", "SIG");
  EXPECT_THROW(
      count(R"({"model":"claude/m","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"Hm",)"
            R"("signature":")" +
                foreign + R"("}]}]})",
            Dialect::kAnthropic),
      Error);
  EXPECT_EQ(house.requests().size(), 1u);
}

}  // namespace
}  // namespace shenbi::gateway
