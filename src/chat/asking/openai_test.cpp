// OpenAI's dialect from the asking side: against our own answering end, and in the variants of the houses.

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/asking/test_answers.h"
#include "chat/dialect_openai.h"

namespace shenbi::chat {
namespace {

using namespace testing;

// As another Shenbi understands it: everything.
AskingTraits everything() {
  AskingTraits traits{.house = "Shenbi"};
  traits.extended_sampling = traits.llama_sampling = traits.guided = true;
  traits.thinking = AskingTraits::Thinking::kTemplate;
  traits.thinking_field = "reasoning_content";
  traits.continue_field = "continue_final_message";
  return traits;
}

TEST(OpenAiAsking, our_own_end_understands_every_request_as_it_was_meant) {
  const Asking asking = openai_asking(everything());
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const ChatRequest request = Maker(seed, {.local = true, .choice = true}).request();
    const std::string body = asking.chat(request, seed % 2 == 1);
    const OpenAiChat call = parse_openai_chat(body);
    ASSERT_EQ(shown(call.request), shown(request)) << seed << "\n" << body;
    EXPECT_EQ(call.stream, seed % 2 == 1);
    EXPECT_EQ(call.include_usage, call.stream);
  }
}

TEST(OpenAiAsking, reads_what_our_own_end_writes) {
  const Asking asking = openai_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const bool stream = seed % 2 == 1;
    const std::vector<Event> events = Maker(seed, {}).answer(false, seed % 3 == 0);
    OpenAiChat call{.stream = stream, .include_usage = true};
    call.request.logprobs = true;
    OpenAiChatWriter writer(call, {.id = "chatcmpl-1", .model = "m"});
    std::string bytes;
    for (const Event& event : events) bytes += writer.push(event);
    if (!stream) bytes = writer.body();
    const std::vector<Event> read = stream ? read_stream(asking, bytes) : read_body(asking, bytes);
    ASSERT_EQ(shown(read), shown(events)) << seed << "\n" << bytes;
    ASSERT_EQ(read.front().kind, Event::Kind::kStart);
    EXPECT_EQ(read.front().model, "m");
  }
}

TEST(OpenAiAsking, reads_completions_that_our_own_end_writes) {
  const Asking asking = openai_asking();
  CompletionRequest request;
  request.model = "m";
  request.prompt = "Once";
  request.suffix = "end";
  request.max_tokens = 9;
  request.logprobs = true;
  request.top_logprobs = 1;
  request.stop = {"."};
  for (const bool stream : {false, true}) {
    const OpenAiCompletion call = parse_openai_completion(asking.complete(request, stream));
    EXPECT_EQ(call.requests.at(0).prompt, "Once");
    EXPECT_EQ(call.requests[0].suffix, "end");
    EXPECT_EQ(call.requests[0].max_tokens, 9u);
    EXPECT_EQ(call.logprobs, 1u);
    OpenAiCompletionWriter writer(call, {.id = "cmpl-1", .model = "m"});
    std::vector<Event> events = {{.kind = Event::Kind::kStart}, {.text = " upon"}, {.text = " a"}};
    events[1].logprobs = {{-1, " upon", -0.5, {{-1, -0.5}}, {" upon"}}};
    events[2].logprobs = {{-1, " a", -0.25, {{-1, -0.25}}, {" a"}}};
    events.push_back({.kind = Event::Kind::kFinish, .finish = Finish::kLength, .usage = {3, 1, 2, 0}});
    std::string bytes;
    for (const Event& event : events) bytes += writer.push(event);
    std::vector<Event> read;
    const auto reader = asking.completion_reader();
    if (stream) {
      for (const auto& [name, data] : sse_events(bytes)) reader->event(name, data, read);
    } else {
      reader->body(writer.body(), read);
    }
    reader->end(read);
    EXPECT_EQ(shown(read), shown(events)) << bytes;
    EXPECT_NE(reader->raw_usage().find("\"prompt_tokens\":3"), std::string::npos);
  }
}

std::string refusal(const AskingTraits& traits, const std::function<void(ChatRequest&)>& change) {
  ChatRequest request = Maker(1, {}).request();
  request = {};
  request.model = "m";
  request.messages.push_back({.role = Role::kUser});
  request.messages.back().parts.push_back({.text = "Hi"});
  change(request);
  try {
    return openai_asking(traits).chat(request, false);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
}

TEST(OpenAiAsking, refuses_by_name_what_a_house_has_no_word_for) {
  AskingTraits bare{.house = "Mistral", .seed_field = "random_seed"};
  bare.json_schema = bare.logprobs = bare.logit_bias = bare.penalties = bare.stop = bare.images = false;
  bare.thinking = AskingTraits::Thinking::kNone;
  bare.top_p_below = 1;
  const std::pair<std::string, std::function<void(ChatRequest&)>> cases[] = {
      {"min_p: Mistral has no such setting", [](auto& r) { r.sampling.min_p = 0.1; }},
      {"top_k: Mistral has no such setting", [](auto& r) { r.sampling.top_k = 4; }},
      {"typical_p: Mistral has no such setting", [](auto& r) { r.sampling.typical_p = 0.1; }},
      {"repetition_penalty: Mistral has no such setting", [](auto& r) { r.sampling.repetition_penalty = 1.1; }},
      {"dry_multiplier: Mistral has no such setting", [](auto& r) { r.sampling.dry_multiplier = 1; }},
      {"frequency_penalty: Mistral has no such setting", [](auto& r) { r.sampling.frequency_penalty = 1; }},
      {"logit_bias: Mistral has no such setting", [](auto& r) { r.sampling.logit_bias = {{1, 1}}; }},
      {"stop: Mistral has no such setting", [](auto& r) { r.stop = {"x"}; }},
      {"stop_token_ids: Mistral has no such setting", [](auto& r) { r.stop_ids = {1}; }},
      {"ignore_eos: Mistral has no such setting", [](auto& r) { r.ignore_end = true; }},
      {"priority: Mistral has no such setting", [](auto& r) { r.priority = 1; }},
      {"logprobs: Mistral has no such setting", [](auto& r) { r.logprobs = true; }},
      {"response_format.json_schema: Mistral has no such setting",
       [](auto& r) { r.format = {.kind = ResponseFormat::Kind::kJsonSchema, .schema = OrderedJson::object()}; }},
      {"guided_regex: Mistral has no such setting", [](auto& r) { r.format.kind = ResponseFormat::Kind::kRegex; }},
      {"reasoning_effort: Mistral has no such setting", [](auto& r) { r.reasoning_effort = "low"; }},
      {"thinking: Mistral has no such setting", [](auto& r) { r.thinking = true; }},
      {"chat_template_kwargs: Mistral has no such setting", [](auto& r) { r.template_arguments = {{"a", 1}}; }},
      {"continue_final_message: Mistral has no such setting", [](auto& r) { r.continue_last = true; }},
      {"messages[0].content[1]: Mistral reads no images",
       [](auto& r) { r.messages[0].parts.push_back({.kind = Part::Kind::kImage, .mime = "image/png"}); }},
  };
  for (const auto& [expected, change] : cases) EXPECT_EQ(refusal(bare, change), expected);
}

TEST(OpenAiAsking, writes_the_words_of_the_house) {
  AskingTraits traits{.house = "Zhipu", .max_tokens_field = "max_tokens", .seed_field = "random_seed"};
  traits.developer_role = traits.stream_usage = traits.strict_tools = false;
  traits.top_p_below = 1;
  traits.thinking = AskingTraits::Thinking::kThinkingType;
  traits.continue_field = "prefix";
  ChatRequest request;
  request.model = "glm";
  request.messages = {{.role = Role::kDeveloper}, {.role = Role::kUser}, {.role = Role::kAssistant}};
  for (Message& message : request.messages) message.parts.push_back({.text = "t"});
  request.max_tokens = 7;
  request.sampling.seed = 5;
  request.sampling.top_p = 1;
  request.reasoning_effort = "high";
  request.continue_last = true;
  request.tools = {{.name = "f", .strict = true}};
  const OrderedJson json = OrderedJson::parse(openai_asking(traits).chat(request, true));
  EXPECT_EQ(json["messages"][0]["role"], "system");
  EXPECT_EQ(json["messages"][2]["prefix"], true);
  EXPECT_EQ(json["max_tokens"], 7);
  EXPECT_EQ(json["random_seed"], 5);
  EXPECT_EQ(json["top_p"], 0.9999);
  EXPECT_EQ(json["thinking"]["type"], "enabled");
  EXPECT_FALSE(json.contains("stream_options") || json["tools"][0]["function"].contains("strict"));
  traits.thinking = AskingTraits::Thinking::kEnableThinking;
  EXPECT_EQ(OrderedJson::parse(openai_asking(traits).chat(request, true))["enable_thinking"], true);
  traits.thinking = AskingTraits::Thinking::kEffort;
  EXPECT_EQ(OrderedJson::parse(openai_asking(traits).chat(request, true))["reasoning_effort"], "high");
}

// --- variants of the houses ---

std::string chunks(std::initializer_list<const char*> data) {
  std::string out;
  for (const char* one : data) out += std::string("data: ") + one + "\n\n";
  return out;
}

OrderedJson read(std::initializer_list<const char*> data) { return shown(read_stream(openai_asking(), chunks(data))); }

const OrderedJson kEmpty = OrderedJson::array();

TEST(OpenAiReader, usage_may_stand_in_the_choice_and_a_stream_need_not_say_done) {
  EXPECT_EQ(read({R"({"model":"kimi","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"}}]})",
                  R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop",)"
                  R"("usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6,"cached_tokens":3}}]})"}),
            OrderedJson({{"text", "Hi", kEmpty}, {"finish", 0, "", 4, 3, 2, 0}}));
}

TEST(OpenAiReader, an_azure_stream_begins_with_what_a_filter_found) {
  EXPECT_EQ(read({R"({"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]})",
                  R"({"choices":[{"index":0,"delta":{"content":"Hi"},"content_filter_results":{}}],"model":"gpt"})",
                  R"({"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]})",
                  R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}})", "[DONE]"}),
            OrderedJson({{"text", "Hi", kEmpty}, {"finish", 3, "", 1, 0, 1, 0}}));
}

TEST(OpenAiReader, reads_thinking_under_each_of_its_names) {
  for (const char* delta :
       {R"({"reasoning_content":"Hm"})", R"({"reasoning":"Hm"})", R"({"reasoning_content":"Hm","reasoning":"Hm"})",
        R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]})"}) {
    const std::string chunk = std::string(R"({"choices":[{"index":0,"delta":)") + delta + "}]}";
    EXPECT_EQ(read({chunk.c_str(), R"({"choices":[{"index":0,"delta":{"content":"4"},"finish_reason":"stop"}]})"}),
              OrderedJson({{"thinking", "Hm", kEmpty}, {"text", "4", kEmpty}, {"finish", 0, "", 0, 0, 0, 0}}))
        << delta;
  }
}

TEST(OpenAiReader, tells_calls_apart_however_a_house_numbers_them) {
  const OrderedJson expected = {
      {"call", "f", {{"a", 1}}}, {"call", "g", OrderedJson::object()}, {"finish", 2, "", 0, 0, 0, 0}};
  EXPECT_EQ(
      read(
          {R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\""}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":": 1}"}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"g","arguments":"{}"}}]}}]})",
           R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})"}),
      expected);
  // Every index 0, whole calls, and "stop" at the end.
  EXPECT_EQ(
      read(
          {R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\": 1}"}}]}}]})",
           R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"y","function":{"name":"g","arguments":"{}"}}]}}]})",
           R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"}),
      expected);
  // No index, the id in each piece, arguments as an object.
  EXPECT_EQ(read({R"({"choices":[{"delta":{"tool_calls":[{"id":"x","function":{"name":"f","arguments":{"a":1}}},)"
                  R"({"id":"y","function":{"name":"g"}}]},"finish_reason":"tool_calls"}]})"}),
            expected);
}

TEST(OpenAiReader, a_call_without_an_id_gets_one_of_its_own) {
  const auto events = read_stream(
      openai_asking(),
      chunks(
          {R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})"}));
  ASSERT_EQ(events.at(1).kind, Event::Kind::kToolCall);
  EXPECT_TRUE(events[1].id.starts_with("call_"));
}

TEST(OpenAiReader, errors_inside_a_stream_and_in_status_200_are_errors) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"error":{"message":"no room","type":"server_error","code":null}})", "502 OpenAI: no room"},
      {R"({"error":{"message":"slow down","type":"rate_limit_error"}})", "429 OpenAI: slow down"},
      {R"({"error":{"message":"busy","code":503}})", "503 OpenAI: busy"},
      {R"({"error":"plain words"})", "502 OpenAI: plain words"},
      {R"({"object":"error","message":"vllm says no","code":400})", "400 OpenAI: vllm says no"},
      {R"({"error_code":336501,"error_msg":"rpm reached"})", "502 OpenAI: rpm reached"},
      {R"({"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"bad signature"},"RequestId":"1"}})",
       "401 OpenAI: bad signature"},
      {R"({"base_resp":{"status_code":1004,"status_msg":"login fail"}})", "502 OpenAI: login fail"},
      {R"({"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"1"})",
       "401 OpenAI: Invalid API-key provided."},
      {R"({"detail":[{"loc":["body"],"msg":"field required"}]})",
       "502 OpenAI: [{\"loc\":[\"body\"],\"msg\":\"field required\"}]"},
  };
  for (const auto& [json, expected] : cases) {
    EXPECT_EQ(error_of(read_body(openai_asking(), json)), expected);
    const auto events = read_stream(openai_asking(), chunks({R"({"choices":[{"delta":{"content":"Hi"}}]})", json}));
    EXPECT_EQ(error_of(events), expected);
    EXPECT_EQ(events.back().kind, Event::Kind::kError);
  }
  AskingTraits baidu{.house = "Qianfan", .error_status = {{"336501", 429}}};
  EXPECT_EQ(error_of(read_body(openai_asking(baidu), cases[5].first)), "429 Qianfan: rpm reached");
  const char* fine = R"({"base_resp":{"status_code":0,"status_msg":""},"choices":[{"message":{"content":"Hi"}}]})";
  EXPECT_EQ(error_of(read_body(openai_asking(), fine)), "");
}

TEST(OpenAiReader, a_stream_that_is_cut_is_an_error_and_one_without_a_reason_is_not) {
  EXPECT_EQ(read({R"({"choices":[{"delta":{"content":"Hal"}}]})"}).back(),
            OrderedJson({"error", 502, "OpenAI: the answer ended before it was complete"}));
  EXPECT_EQ(error_of(read_stream(openai_asking(), "")), "502 OpenAI: the answer ended before it was complete");
  EXPECT_EQ(read({R"({"choices":[{"delta":{"content":"All"}}]})", "[DONE]"}),
            OrderedJson({{"text", "All", kEmpty},
                         {"warning", "OpenAI did not say why its answer ended"},
                         {"finish", 0, "", 0, 0, 0, 0}}));
  EXPECT_EQ(error_of(read_stream(openai_asking(), chunks({"[DONE]"}))),
            "502 OpenAI: the answer ended before it was complete");
}

TEST(OpenAiReader, what_is_no_answer_is_one_error_that_says_where) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"choices\":", "502 OpenAI: the answer: "},
      {"[]", "502 OpenAI: an event of the stream is no object"},
      {R"({"choices":{}})", "502 OpenAI: choices: expected a list, found an object"},
      {R"({"choices":[{"delta":"x"}]})", "502 OpenAI: delta: expected an object, found a string"},
      {R"({"choices":[{"delta":{"content":5}}]})", "502 OpenAI: content: expected a string, found a number"},
      {R"({"choices":[],"usage":{"prompt_tokens":-1}})", "502 OpenAI: prompt_tokens: expected a count, found a number"},
      {R"({"choices":[{"delta":{"tool_calls":[{"function":{"name":5}}]}}]})",
       "502 OpenAI: name: expected a string, found a number"},
      {R"({"choices":[{"delta":{},"finish_reason":"network_error"}]})",
       "502 OpenAI: the answer ended with \"network_error\""},
  };
  for (const auto& [data, expected] : cases) {
    const auto events = read_stream(openai_asking(), chunks({data, "[DONE]"}));
    EXPECT_TRUE(error_of(events).starts_with(expected)) << error_of(events);
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const Event& e) { return e.kind == Event::Kind::kError; }),
              1);
  }
  EXPECT_EQ(error_of(read_body(openai_asking(), R"({"choices":[]})")), "502 OpenAI: choices: the answer has none");
  EXPECT_TRUE(error_of(read_body(openai_asking(), "<html>")).starts_with("502 OpenAI: the answer: "));
}

TEST(OpenAiReader, counts_tokens_as_each_house_writes_them) {
  const auto usage = [](const char* json) {
    const std::string body =
        std::string(R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":)") + json + "}";
    const Usage u = read_body(openai_asking(), body).back().usage;
    return std::vector<uint64_t>{u.prompt_tokens, u.cached_tokens, u.completion_tokens, u.reasoning_tokens};
  };
  EXPECT_EQ(usage(R"({"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8},)"
                  R"("completion_tokens_details":{"reasoning_tokens":4}})"),
            (std::vector<uint64_t>{9, 8, 5, 4}));
  EXPECT_EQ(
      usage(R"({"prompt_tokens":9,"completion_tokens":5,"prompt_cache_hit_tokens":7,"prompt_cache_miss_tokens":2})"),
      (std::vector<uint64_t>{9, 7, 5, 0}));
  // Thinking beside the completion: 9 + 5 + 4 = 18.
  EXPECT_EQ(usage(R"({"prompt_tokens":9,"completion_tokens":5,"total_tokens":18,)"
                  R"("completion_tokens_details":{"reasoning_tokens":4}})"),
            (std::vector<uint64_t>{9, 0, 9, 4}));
  EXPECT_EQ(usage("null"), (std::vector<uint64_t>{0, 0, 0, 0}));
}

TEST(OpenAiReader, a_refusal_is_text_and_a_filtered_end) {
  EXPECT_EQ(read({R"({"choices":[{"delta":{"refusal":"I cannot."}}]})",
                  R"({"choices":[{"delta":{},"finish_reason":"stop"}]})", "[DONE]"}),
            OrderedJson({{"text", "I cannot.", kEmpty}, {"finish", 3, "", 0, 0, 0, 0}}));
}

TEST(OpenAiReader, error_answers_of_any_shape_have_status_message_and_code) {
  const Asking asking = openai_asking();
  UpstreamError error = asking.error(401, R"({"error":{"message":"Incorrect API key","code":"invalid_api_key"}})");
  EXPECT_EQ(error.status, 401);
  EXPECT_EQ(error.message, "Incorrect API key");
  EXPECT_EQ(error.code, "invalid_api_key");
  error = asking.error(502, "<html>\r\nBad\x01 Gateway</html>");
  EXPECT_EQ(error.status, 502);
  EXPECT_EQ(error.message, "OpenAI answered with status 502: <html>  Bad  Gateway</html>");
  error = asking.error(400, "");
  EXPECT_EQ(error.message, "OpenAI answered with status 400");
  error = asking.error(422, R"({"detail":"bad field"})");
  EXPECT_EQ(error.message, "bad field");
  error = asking.error(429, R"([{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}])");
  EXPECT_EQ(error.message, "Quota");
  EXPECT_LE(asking.error(500, std::string(1 << 20, '{')).message.size(), 400u);
}

}  // namespace
}  // namespace shenbi::chat
