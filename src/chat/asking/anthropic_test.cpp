// Anthropic's dialect from the asking side.

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/asking/test_answers.h"
#include "chat/dialect_anthropic.h"

namespace shenbi::chat {
namespace {

using namespace testing;

constexpr Carries kCarries{.developer = false,
                           .names = false,
                           .audio = false,
                           .signatures = true,
                           .penalties = false,
                           .seed = false,
                           .logprobs = false,
                           .json_object = false,
                           .hottest = 1};

TEST(AnthropicAsking, our_own_end_understands_every_request_as_it_was_meant) {
  const Asking asking = anthropic_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    ChatRequest request = Maker(seed, kCarries).request();
    if (request.tool_choice.mode == ToolChoice::Mode::kNone) request.parallel_tool_calls = true;  // there are none
    if (request.tools.empty()) request.parallel_tool_calls = true;
    const std::string body = asking.chat(request, seed % 2 == 1);
    const AnthropicMessages call = parse_anthropic_messages(body);
    ASSERT_EQ(shown(call.request), shown(request)) << seed << "\n" << body;
    EXPECT_EQ(call.stream, seed % 2 == 1);
  }
}

TEST(AnthropicAsking, reads_what_our_own_end_writes) {
  const Asking asking = anthropic_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const bool stream = seed % 2 == 1;
    const std::vector<Event> events = Maker(seed, {}).answer(true, false);
    AnthropicMessages call;
    call.stream = stream;
    AnthropicWriter writer(call, {.id = "msg_1", .model = "m"});
    std::string bytes;
    for (const Event& event : events) bytes += writer.push(event);
    if (!stream) bytes = writer.body();
    const std::vector<Event> read = stream ? read_stream(asking, bytes) : read_body(asking, bytes);
    ASSERT_EQ(shown(read), shown(events)) << seed << "\n" << bytes;
    EXPECT_EQ(read.front().model, "m");
    EXPECT_EQ(read.front().usage.prompt_tokens, events.front().usage.prompt_tokens);
  }
}

ChatRequest hello() {
  ChatRequest request;
  request.model = "claude";
  request.messages.push_back({.role = Role::kUser});
  request.messages.back().parts.push_back({.text = "Hi"});
  return request;
}

TEST(AnthropicAsking, refuses_by_name_what_the_dialect_has_no_word_for) {
  const std::pair<std::string, std::function<void(ChatRequest&)>> cases[] = {
      {"min_p: the Anthropic API has no such setting", [](auto& r) { r.sampling.min_p = 0.1; }},
      {"seed: the Anthropic API has no such setting", [](auto& r) { r.sampling.seed = 1; }},
      {"presence_penalty: the Anthropic API has no such setting", [](auto& r) { r.sampling.presence_penalty = 1; }},
      {"logit_bias: the Anthropic API has no such setting", [](auto& r) { r.sampling.logit_bias = {{1, 1}}; }},
      {"logprobs: the Anthropic API has no such setting", [](auto& r) { r.logprobs = true; }},
      {"temperature: the Anthropic API takes only values up to 1", [](auto& r) { r.sampling.temperature = 1.5; }},
      {"response_format.json_object: the Anthropic API has no such setting",
       [](auto& r) { r.format.kind = ResponseFormat::Kind::kJsonObject; }},
      {"messages[0].name: the Anthropic API has no such setting", [](auto& r) { r.messages[0].name = "ann"; }},
      {"messages[0].content[1]: the Anthropic API hears no sound",
       [](auto& r) { r.messages[0].parts.push_back({.kind = Part::Kind::kAudio, .mime = "audio/wav"}); }},
      {"messages: the Anthropic API goes on with an assistant's last message; another must speak last",
       [](auto& r) { r.messages.push_back({.role = Role::kAssistant}); }},
      {"messages[1].tool_calls[0]: arguments must be a JSON object in this dialect",
       [](auto& r) {
         r.messages.push_back({.role = Role::kAssistant, .tool_calls = {{"1", "f", "[1"}}});
         r.messages.push_back({.role = Role::kTool, .tool_call_id = "1"});
       }},
      {"max_tokens: the Anthropic API thinks with 1024 tokens at least, so more are needed",
       [](auto& r) { r.thinking = true, r.max_tokens = 100; }},
  };
  for (const auto& [expected, change] : cases) {
    ChatRequest request = hello();
    change(request);
    try {
      ADD_FAILURE() << anthropic_asking().chat(request, false);
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), expected);
    }
  }
}

TEST(AnthropicAsking, thinking_is_switched_as_the_model_understands_it) {
  ChatRequest request = hello();
  request.thinking = true;
  request.reasoning_effort = "high";
  OrderedJson json = OrderedJson::parse(anthropic_asking().chat(request, false));
  EXPECT_EQ(json["thinking"], OrderedJson({{"type", "enabled"}, {"budget_tokens", 8191}}));
  EXPECT_EQ(json["output_config"]["effort"], "high");
  EXPECT_EQ(json["max_tokens"], 8192);
  request.max_tokens = 50'000;
  json = OrderedJson::parse(anthropic_asking({.effort = false}).chat(request, false));
  EXPECT_EQ(json["thinking"]["budget_tokens"], 16'384);
  EXPECT_FALSE(json.contains("output_config"));
  json = OrderedJson::parse(anthropic_asking({.adaptive_thinking = true}).chat(request, false));
  EXPECT_EQ(json["thinking"]["type"], "adaptive");
  request.thinking = false;
  json = OrderedJson::parse(anthropic_asking().chat(request, false));
  EXPECT_EQ(json["thinking"]["type"], "disabled");
}

TEST(AnthropicAsking, thinking_without_its_makers_signature_stays_here_and_hidden_thinking_travels) {
  ChatRequest request = hello();
  Message message{.role = Role::kAssistant};
  message.parts = {{.kind = Part::Kind::kThinking, .text = "unsigned"},
                   {.kind = Part::Kind::kThinking, .text = "signed", .signature = "s"},
                   {.kind = Part::Kind::kThinking, .signature = "hidden", .name = "redacted"},
                   {.text = ""},
                   {.text = "Four."}};
  request.messages.push_back(message);
  request.messages.push_back(request.messages[0]);
  const OrderedJson json = OrderedJson::parse(anthropic_asking().chat(request, false));
  EXPECT_EQ(json["messages"][1]["content"],
            OrderedJson({{{"type", "thinking"}, {"thinking", "signed"}, {"signature", "s"}},
                         {{"type", "redacted_thinking"}, {"data", "hidden"}},
                         {{"type", "text"}, {"text", "Four."}}}));
}

// --- the reader ---

std::string stream_of(const std::vector<const char*>& data) {
  std::string out;
  for (const char* one : data) out += std::string("event: x\ndata: ") + one + "\n\n";
  return out;
}

constexpr const char* kStart =
    R"({"type":"message_start","message":{"model":"claude","content":[],"usage":{"input_tokens":5,)"
    R"("cache_creation_input_tokens":7,"cache_read_input_tokens":11,"output_tokens":1}}})";

TEST(AnthropicReader, counts_cached_tokens_into_the_prompt_and_keeps_the_whole_usage) {
  const auto reader = anthropic_asking().reader();
  std::vector<Event> events;
  reader->event("message_start", kStart, events);
  EXPECT_EQ(events.at(0).usage.prompt_tokens, 23u);
  reader->event("message_delta",
                R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}})", events);
  reader->event("message_stop", R"({"type":"message_stop"})", events);
  reader->event("message_stop", R"({"type":"message_stop"})", events);
  reader->end(events);
  ASSERT_EQ(events.size(), 2u);
  const Usage& usage = events[1].usage;
  EXPECT_EQ(usage.prompt_tokens, 23u);
  EXPECT_EQ(usage.cached_tokens, 11u);
  EXPECT_EQ(usage.completion_tokens, 9u);
  EXPECT_EQ(reader->raw_usage(),
            R"({"input_tokens":5,"cache_creation_input_tokens":7,"cache_read_input_tokens":11,"output_tokens":9})");
}

TEST(AnthropicReader, hidden_thinking_comes_back_as_it_went) {
  const std::string bytes = stream_of(
      {kStart,
       R"({"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"hidden"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}})",
       R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}})"});
  const auto events = read_stream(anthropic_asking(), bytes);
  ASSERT_EQ(events.at(1).kind, Event::Kind::kSignature);
  EXPECT_EQ(events[1].name, "redacted");
  AnthropicWriter writer({}, {.id = "msg_1", .model = "m"});
  for (const Event& event : events) writer.push(event);
  EXPECT_EQ(OrderedJson::parse(writer.body())["content"],
            OrderedJson({{{"type", "redacted_thinking"}, {"data", "hidden"}}, {{"type", "text"}, {"text", "Hi"}}}));
}

TEST(AnthropicReader, errors_cuts_and_what_is_out_of_order_are_one_error) {
  const std::pair<std::vector<const char*>, const char*> cases[] = {
      {{kStart, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"},
       "529 the Anthropic API: Overloaded"},
      {{kStart}, "502 the Anthropic API: the answer ended before it was complete"},
      {{kStart, R"({"type":"message_stop"})"}, "502 the Anthropic API: the answer ended before it was complete"},
      {{R"({"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"x"}})"},
       "502 the Anthropic API: content_block_delta: there is no block 3"},
      {{R"({"type":"message_start"})"}, "502 the Anthropic API: message_start: message: this field is needed"},
      {{R"({"type":7})"}, "502 the Anthropic API: type: expected a string, found a number"},
      {{R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"1"}})"},
       "502 the Anthropic API: a tool call's name has 0 bytes, 1 to 1024 are allowed"},
  };
  for (const auto& [data, expected] : cases) {
    const auto events = read_stream(anthropic_asking(), stream_of(data));
    EXPECT_EQ(error_of(events), expected);
    EXPECT_EQ(events.back().kind, Event::Kind::kError);
  }
}

TEST(AnthropicReader, unknown_events_pass_and_unknown_blocks_are_warned_of) {
  const auto events = read_stream(
      anthropic_asking(),
      stream_of({R"({"type":"ping"})", kStart, R"({"type":"news_from_tomorrow","x":1})",
                 R"({"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"1"}})",
                 R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}})",
                 R"({"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":2}})",
                 R"({"type":"message_stop"})"}));
  EXPECT_EQ(shown(events), OrderedJson({{"warning", "a block of type \"server_tool_use\" is left out of the answer"},
                                        {"finish", 3, "", 23, 11, 2, 0}}));
}

}  // namespace
}  // namespace shenbi::chat
