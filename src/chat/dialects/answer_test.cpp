// Answers of every dialect, from the same events.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_ollama.h"
#include "chat/dialect_openai.h"
#include "chat/dialect_responses.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Event::Kind;

Event start() { return {.kind = Kind::kStart, .usage = {.prompt_tokens = 20, .cached_tokens = 5}}; }
Event text(std::string s) { return {.kind = Kind::kText, .text = std::move(s)}; }
Event thought(std::string s) { return {.kind = Kind::kThinking, .text = std::move(s)}; }
Event call(uint32_t index, std::string id) {
  return {.kind = Kind::kToolCall, .index = index, .id = std::move(id), .name = "add"};
}
Event arguments(uint32_t index, std::string s) {
  return {.kind = Kind::kToolArguments, .text = std::move(s), .index = index};
}
Event taken_back(std::string id) { return {.kind = Kind::kWarning, .text = "left as text", .id = std::move(id)}; }
Event failed() { return {.kind = Kind::kError, .text = "out of luck", .status = 503}; }
Event finish(Finish how) { return {.kind = Kind::kFinish, .finish = how, .usage = {20, 5, 9, 3}}; }
const AnswerHead kHead{"id_1", "m", 1753900000};

std::vector<Event> calling() {
  return {start(),      thought("hm"),           text("Two calls."),
          call(0, "a"), arguments(0, "{\"x\":"), arguments(0, "1}"),
          call(1, "b"), arguments(1, "{}"),      finish(Finish::kToolCalls)};
}

/// A call that was announced, and turned out to be none.
std::vector<Event> broken() {
  return {start(), call(0, "a"), arguments(0, "{\"x\": oo"), taken_back("a"), text("<call>"), finish(Finish::kStop)};
}

template <typename Writer>
std::string written(Writer& writer, const std::vector<Event>& events) {
  std::string out;
  for (const Event& event : events) out += writer.push(event);
  EXPECT_TRUE(writer.finished());
  return out;
}

// The objects of a stream, in order.
std::vector<OrderedJson> objects(const std::string& stream) {
  std::vector<OrderedJson> all;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = std::min(stream.find('\n', at), stream.size());
    std::string_view line = std::string_view(stream).substr(at, end - at);
    if (line.starts_with("data: ")) line.remove_prefix(6);
    if (line.starts_with("{")) all.push_back(OrderedJson::parse(line));
    at = end + 1;
  }
  return all;
}

OpenAiChat openai(bool stream) {
  OpenAiChat request;
  request.stream = request.include_usage = stream;
  return request;
}

// The shorter way of writing a text's event, against the objects themselves.
TEST(TextFrame, gives_what_writing_the_whole_event_gives) {
  const auto event = [](const std::string& text) {
    return sse({{"id", "\"text\":\"\""}, {"other", "x"}, {"delta", {{"text", text}, {"more", ""}}}, {"text", ""}});
  };
  const TextFrame frame(event(""), "text");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);  // half of them no UTF-8
  for (const std::string& text : {std::string(), std::string(" word"), std::string("\"\\/\b\n\t\x7f"),
                                  std::string("神笔 🖌"), std::string("\0x", 2), std::string("\"text\":\"\""), all})
    EXPECT_EQ(frame.with(text), event(text));
}

TEST(OpenAiAnswer, is_one_object_with_text_thinking_and_calls) {
  OpenAiChatWriter writer(openai(false), kHead);
  EXPECT_EQ(written(writer, calling()), "");
  const auto json = OrderedJson::parse(writer.body());
  const auto& choice = json["choices"][0];
  EXPECT_EQ(choice["message"].dump(),
            R"({"role":"assistant","content":"Two calls.","refusal":null,"reasoning_content":"hm","tool_calls":[)"
            R"({"id":"a","type":"function","function":{"name":"add","arguments":"{\"x\":1}"}},)"
            R"({"id":"b","type":"function","function":{"name":"add","arguments":"{}"}}]})");
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(json["usage"]["total_tokens"], 29);
}

TEST(OpenAiAnswer, streams_role_first_then_deltas_finish_usage_and_done) {
  OpenAiChatWriter writer(openai(true), kHead);
  const std::string stream = written(writer, calling());
  std::vector<std::string> deltas;
  const auto chunks = objects(stream);
  for (const auto& chunk : chunks) {
    if (!chunk["choices"].empty()) deltas.push_back(chunk["choices"][0]["delta"].dump());
  }
  EXPECT_THAT(
      deltas,
      ElementsAre(R"({"role":"assistant","content":""})", R"({"reasoning_content":"hm"})",
                  R"({"content":"Two calls."})",
                  R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"add","arguments":""}}]})",
                  R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]})",
                  R"({"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]})",
                  R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"add","arguments":""}}]})",
                  R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]})", "{}"));
  EXPECT_EQ(chunks[chunks.size() - 2]["choices"][0]["finish_reason"], "tool_calls");
  EXPECT_TRUE(chunks.back()["choices"].empty());
  EXPECT_EQ(chunks.back()["usage"]["completion_tokens"], 9);
  EXPECT_TRUE(stream.ends_with("data: [DONE]\n\n"));
}

TEST(OpenAiAnswer, several_choices_end_with_one_done_and_one_usage) {
  OpenAiChat request = openai(true);
  request.n = 2;
  OpenAiChatWriter writer(request, kHead);
  std::string stream;
  for (const uint32_t choice : {1u, 0u}) {
    for (const Event& event : {start(), text("x"), finish(Finish::kStop)}) stream += writer.push(event, choice);
    EXPECT_EQ(writer.finished(), choice == 0);
  }
  EXPECT_EQ(stream.find("[DONE]"), stream.size() - 8);
  EXPECT_EQ(objects(stream).back()["usage"]["completion_tokens"], 18);
  EXPECT_EQ(objects(stream).back()["usage"]["prompt_tokens"], 20);
}

TEST(OpenAiAnswer, a_call_that_is_taken_back_is_no_call_and_said_so) {
  OpenAiChatWriter writer(openai(false), kHead);
  written(writer, broken());
  const auto json = OrderedJson::parse(writer.body());
  EXPECT_FALSE(json["choices"][0]["message"].contains("tool_calls"));
  EXPECT_EQ(json["choices"][0]["message"]["content"], "<call>");
  EXPECT_EQ(json["warnings"].dump(), R"(["left as text"])");
}

TEST(OpenAiAnswer, logprobs_have_the_bytes_of_tokens_that_are_no_whole_character) {
  OpenAiChat request = openai(false);
  request.request.logprobs = true;
  OpenAiChatWriter writer(request, kHead);
  Event event = text("é");
  event.logprobs = {{1, "\xC3", -0.5, {{1, -0.5}, {2, -INFINITY}}, {"\xC3", "a"}}, {3, "\xA9", 0, {}, {}}};
  written(writer, {event, finish(Finish::kStop)});
  const auto content = OrderedJson::parse(writer.body())["choices"][0]["logprobs"]["content"];
  EXPECT_EQ(content[0]["bytes"].dump(), "[195]");
  EXPECT_EQ(content[0]["token"], "\xEF\xBF\xBD");
  EXPECT_EQ(content[0]["top_logprobs"][1]["logprob"], -9999.0);
}

TEST(OpenAiAnswer, an_error_ends_the_stream_and_sets_the_status) {
  OpenAiChatWriter stream(openai(true), kHead);
  EXPECT_THAT(written(stream, {start(), text("a"), failed()}), HasSubstr(R"("message":"out of luck")"));
  OpenAiChatWriter whole(openai(false), kHead);
  written(whole, {start(), text("a"), failed()});
  EXPECT_EQ(whole.status(), 503);
  EXPECT_EQ(OrderedJson::parse(whole.body())["error"]["type"], "server_error");
}

TEST(OpenAiAnswer, errors_name_the_field) {
  EXPECT_EQ(
      openai_error(Error(Code::kInvalidArgument, "messages[0].role: expected x")),
      R"({"error":{"message":"messages[0].role: expected x","type":"invalid_request_error","param":"messages[0].role","code":null}})");
  EXPECT_EQ(OrderedJson::parse(openai_error(400, "the prompt is too long: 5 tokens"))["error"]["param"], nullptr);
}

TEST(OpenAiAnswer, errors_do_not_take_the_account_in_front_of_a_houses_words_for_a_field) {
  EXPECT_EQ(OrderedJson::parse(openai_error(400, "office: Invalid 'temperature' (status 400)"))["error"]["param"],
            nullptr);
  EXPECT_EQ(OrderedJson::parse(openai_error(400, "status: expected a number"))["error"]["param"], "status");
}

TEST(OpenAiAnswer, errors_bear_the_codes_of_OpenAI) {
  const auto error = [](int status, const ErrorFacts& facts) {
    return OrderedJson::parse(openai_error(status, "words", facts))["error"];
  };
  const auto code = [&](int status, Reason reason) { return error(status, {.reason = reason})["code"]; };
  EXPECT_EQ(code(401, Reason::kUnsaid), "invalid_api_key");
  EXPECT_EQ(code(404, Reason::kModelNotFound), "model_not_found");
  EXPECT_EQ(code(404, Reason::kUnsaid), "not_found");
  EXPECT_EQ(code(400, Reason::kContextLength), "context_length_exceeded");
  EXPECT_EQ(code(400, Reason::kContentFilter), "content_filter");
  EXPECT_EQ(code(429, Reason::kQuota), "insufficient_quota");
  EXPECT_EQ(code(400, Reason::kUnsaid), nullptr);
  EXPECT_EQ(code(502, Reason::kAccount), nullptr);
  // Words of the message decide nothing.
  EXPECT_EQ(OrderedJson::parse(openai_error(400, "this model's maximum context length is 8"))["error"]["code"],
            nullptr);

  // A house's own words, unless clients know the reason by another one.
  EXPECT_EQ(
      error(400, {.code = "invalid_value", .type = "odd_error", .param = "messages[0]"}),
      OrderedJson::parse(R"({"message":"words","type":"odd_error","param":"messages[0]","code":"invalid_value"})"));
  EXPECT_EQ(error(400, {.reason = Reason::kContentFilter, .code = "content_policy_violation"})["code"],
            "content_policy_violation");
  const OrderedJson alien = error(
      400, {.reason = Reason::kContentFilter, .code = "data_inspection_failed", .type = "data_inspection_failed"});
  EXPECT_EQ(alien["code"], "content_filter");
  EXPECT_EQ(alien["type"], "invalid_request_error");
}

TEST(Answers, an_error_in_a_stream_bears_its_reason_in_every_dialect) {
  Event event{.kind = Event::Kind::kError, .text = "no", .status = 400};
  put_facts(event, {.reason = Reason::kContextLength});
  OpenAiChatWriter chat(openai(true), kHead);
  EXPECT_THAT(chat.push(event), HasSubstr(R"("code":"context_length_exceeded")"));
  OpenAiChatWriter whole(openai(false), kHead);
  whole.push(event);
  EXPECT_EQ(OrderedJson::parse(whole.body())["error"]["code"], "context_length_exceeded");
}

TEST(GeminiAnswer, errors_bear_their_reason_in_Googles_form) {
  const auto error = [](const ErrorFacts& facts) {
    return OrderedJson::parse(gemini_error(400, "no", facts))["error"];
  };
  EXPECT_FALSE(error({}).contains("details"));
  EXPECT_EQ(error({.reason = Reason::kContentFilter})["details"][0]["reason"], "CONTENT_FILTER");
  EXPECT_EQ(error({.reason = Reason::kContentFilter})["status"], "INVALID_ARGUMENT");
  EXPECT_EQ(error({.type = "FAILED_PRECONDITION"})["status"], "FAILED_PRECONDITION");
  EXPECT_FALSE(error({.reason = Reason::kAccount, .code = "API_KEY_INVALID"}).contains("details"));
}

TEST(AnthropicAnswer, errors_keep_a_houses_own_type) {
  EXPECT_EQ(OrderedJson::parse(anthropic_error(400, "no"))["error"]["type"], "invalid_request_error");
  EXPECT_EQ(OrderedJson::parse(anthropic_error(400, "no", {.type = "odd_error"}))["error"]["type"], "odd_error");
}

TEST(CompletionAnswer, echoes_the_prompt_with_offsets_in_characters) {
  OpenAiCompletion request;
  request.requests.resize(1);
  request.requests[0].prompt = "né";
  request.requests[0].logprobs = true;
  request.echo = true;
  OpenAiCompletionWriter writer(request, kHead);
  Event prompt{.kind = Kind::kPrompt, .logprobs = {{1, "n", 0, {}, {}}, {2, "é", -1, {}, {}}}};
  Event more = text("!");
  more.logprobs = {{3, "!", -2, {}, {}}};
  written(writer, {start(), prompt, more, finish(Finish::kLength)});
  const auto choice = OrderedJson::parse(writer.body())["choices"][0];
  EXPECT_EQ(choice["text"], "né!");
  EXPECT_EQ(choice["logprobs"]["text_offset"].dump(), "[0,1,2]");
  EXPECT_EQ(choice["logprobs"]["token_logprobs"].dump(), "[null,-1.0,-2.0]");
  EXPECT_EQ(choice["finish_reason"], "length");
}

TEST(AnthropicAnswer, streams_blocks_one_after_the_other) {
  AnthropicWriter writer({.stream = true}, kHead);
  std::vector<std::string> told;
  for (const auto& json : objects(written(writer, calling()))) {
    std::string line = json["type"];
    if (json.contains("index")) line += " " + json["index"].dump();
    if (json.contains("delta")) line += " " + json["delta"].dump();
    told.push_back(line);
  }
  EXPECT_THAT(
      told,
      ElementsAre("message_start", "ping", "content_block_start 0",
                  R"(content_block_delta 0 {"type":"thinking_delta","thinking":"hm"})", "content_block_stop 0",
                  "content_block_start 1", R"(content_block_delta 1 {"type":"text_delta","text":"Two calls."})",
                  "content_block_stop 1", "content_block_start 2",
                  R"(content_block_delta 2 {"type":"input_json_delta","partial_json":"{\"x\":"})",
                  R"(content_block_delta 2 {"type":"input_json_delta","partial_json":"1}"})", "content_block_stop 2",
                  "content_block_start 3", R"(content_block_delta 3 {"type":"input_json_delta","partial_json":"{}"})",
                  "content_block_stop 3", R"(message_delta {"stop_reason":"tool_use","stop_sequence":null})",
                  "message_stop"));
}

TEST(AnthropicAnswer, counts_cached_tokens_apart) {
  AnthropicWriter writer({}, kHead);
  written(writer, {start(), text("a"), finish(Finish::kLength)});
  const auto json = OrderedJson::parse(writer.body());
  EXPECT_EQ(json["usage"]["input_tokens"], 15);
  EXPECT_EQ(json["usage"]["cache_read_input_tokens"], 5);
  EXPECT_EQ(json["stop_reason"], "max_tokens");
  EXPECT_EQ(json["content"].dump(), R"([{"type":"text","text":"a"}])");
}

TEST(AnthropicAnswer, a_call_that_is_taken_back_is_left_out) {
  AnthropicWriter writer({}, kHead);
  written(writer, broken());
  EXPECT_EQ(OrderedJson::parse(writer.body())["content"].dump(), R"([{"type":"text","text":"<call>"}])");
}

TEST(GeminiAnswer, sends_calls_whole) {
  GeminiWriter writer({.stream = true, .include_thoughts = false}, kHead);
  std::vector<std::string> parts;
  const auto pieces = objects(written(writer, calling()));
  for (const auto& json : pieces) parts.push_back(json["candidates"][0]["content"]["parts"].dump());
  EXPECT_THAT(parts,
              ElementsAre(R"([{"text":"Two calls."}])", R"([{"functionCall":{"id":"a","name":"add","args":{"x":1}}}])",
                          R"([{"functionCall":{"id":"b","name":"add","args":{}}}])", R"([{"text":""}])"));
  EXPECT_EQ(pieces.back()["candidates"][0]["finishReason"], "STOP");
  EXPECT_EQ(pieces.back()["usageMetadata"]["thoughtsTokenCount"], 3);
}

TEST(GeminiAnswer, a_stream_without_sse_is_one_array) {
  GeminiWriter writer({.stream = true, .sse = false}, kHead);
  const auto json = OrderedJson::parse(written(writer, calling()));
  EXPECT_EQ(json.size(), 5u);
  GeminiWriter broken_off({.stream = true, .sse = false}, kHead);
  EXPECT_EQ(OrderedJson::parse(written(broken_off, {failed()}))[0]["error"]["status"], "UNAVAILABLE");
}

TEST(OllamaAnswer, is_lines_with_the_counts_in_the_last) {
  OllamaWriter writer(OllamaWriter::Route::kChat, true, kHead);
  writer.set_durations({100, 1, 2, 3});
  const auto lines = objects(written(writer, calling()));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0]["message"]["thinking"], "hm");
  EXPECT_EQ(lines[0]["created_at"], "2025-07-30T18:26:40Z");
  EXPECT_EQ(lines[2]["message"]["tool_calls"].dump(), R"([{"id":"a","function":{"name":"add","arguments":{"x":1}}}])");
  EXPECT_EQ(lines[4]["done"], true);
  EXPECT_EQ(lines[4]["eval_count"], 9);
  EXPECT_EQ(lines[4]["total_duration"], 100);
}

TEST(OllamaAnswer, a_call_that_is_taken_back_is_never_sent) {
  OllamaWriter writer(OllamaWriter::Route::kChat, true, kHead);
  const std::string stream = written(writer, broken());
  EXPECT_EQ(stream.find("tool_calls"), std::string::npos);
  EXPECT_THAT(stream, HasSubstr(R"("content":"<call>")"));
  EXPECT_THAT(stream, HasSubstr(R"("warnings":["left as text"])"));
}

TEST(ResponsesAnswer, tells_the_life_of_each_item_in_numbered_events) {
  OpenAiResponsesWriter writer({.stream = true, .echo = OrderedJson::object()}, kHead);
  const auto events = objects(written(writer, calling()));
  std::vector<std::string> types;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["sequence_number"], i);
    types.push_back(events[i]["type"].get<std::string>().substr(9));
  }
  EXPECT_THAT(types,
              ElementsAre("created", "in_progress", "output_item.added", "content_part.added", "reasoning_text.delta",
                          "reasoning_text.done", "content_part.done", "output_item.done", "output_item.added",
                          "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
                          "output_item.done", "output_item.added", "function_call_arguments.delta",
                          "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
                          "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
                          "output_item.done", "completed"));
  const auto& output = events.back()["response"]["output"];
  EXPECT_EQ(output[2]["arguments"], "{\"x\":1}");
  EXPECT_EQ(output[2]["id"], "fc_1_2");
  EXPECT_EQ(output[2]["call_id"], "a");
}

TEST(ResponsesAnswer, a_call_that_is_taken_back_is_no_part_of_the_output) {
  OpenAiResponsesWriter writer({.echo = OrderedJson::object()}, kHead);
  written(writer, broken());
  const auto json = OrderedJson::parse(writer.body());
  ASSERT_EQ(json["output"].size(), 1u);
  EXPECT_EQ(json["output"][0]["content"][0]["text"], "<call>");
}

TEST(Answers, nothing_follows_the_end) {
  OpenAiChatWriter writer(openai(true), kHead);
  written(writer, {start(), text("a"), finish(Finish::kStop)});
  EXPECT_EQ(writer.push(text("late")), "");
}

TEST(Answers, bytes_that_are_no_text_never_break_the_json) {
  OpenAiChatWriter writer(openai(false), kHead);
  written(writer, {text("\xFF\xC3"), finish(Finish::kStop)});
  EXPECT_TRUE(OrderedJson::accept(writer.body()));
}

}  // namespace
}  // namespace shenbi::chat
