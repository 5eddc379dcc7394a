// Google's dialect from the asking side.

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/asking/test_answers.h"
#include "chat/dialect_gemini.h"

namespace shenbi::chat {
namespace {

using namespace testing;

constexpr Carries kCarries{
    .developer = false, .names = false, .signatures = true, .strict = false, .parallel = false, .choice = true};

// In this dialect a signature stands on the part after its thinking, a tool answers with an object, and a choice of one
// function offers no other.
ChatRequest as_gemini_says(ChatRequest request) {
  for (Message& message : request.messages) {
    if (message.role == Role::kTool) message.parts[0].text = OrderedJson{{"result", message.parts[0].text}}.dump();
    if (message.role == Role::kTool) message.name = answered(request, message.tool_call_id);
    if (message.parts.empty() || message.parts[0].kind != Part::Kind::kThinking) continue;
    Part signature{.kind = Part::Kind::kThinking, .signature = std::exchange(message.parts[0].signature, {})};
    const bool behind_text = !message.tool_calls.empty();
    message.parts.insert(behind_text ? message.parts.end() : message.parts.begin() + 1, signature);
  }
  if (request.tool_choice.mode == ToolChoice::Mode::kFunction) {
    std::erase_if(request.tools, [&](const Tool& tool) { return tool.name != request.tool_choice.name; });
  }
  return request;
}

TEST(GeminiAsking, our_own_end_understands_every_request_as_it_was_meant) {
  const Asking asking = gemini_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    ChatRequest request = Maker(seed, kCarries).request();
    if (request.sampling.seed) *request.sampling.seed >>= 2;
    const std::string body = asking.chat(request, seed % 2 == 1);
    const GeminiGenerate call = parse_gemini_generate(body, request.model, seed % 2 == 1);
    ASSERT_EQ(shown(call.request), shown(as_gemini_says(request))) << seed << "\n" << body;
  }
}

TEST(GeminiAsking, reads_what_our_own_end_writes) {
  const Asking asking = gemini_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const bool stream = seed % 2 == 1;
    const std::vector<Event> events = Maker(seed, {}).answer(true, stream && seed % 3 == 0);
    GeminiGenerate call{.stream = stream};
    GeminiWriter writer(call, {.id = "1", .model = "m"});
    std::string bytes;
    for (const Event& event : events) bytes += writer.push(event);
    if (!stream) bytes = writer.body();
    const std::vector<Event> read = stream ? read_stream(asking, bytes) : read_body(asking, bytes);
    ASSERT_EQ(shown(read), shown(events)) << seed << "\n" << bytes;
    EXPECT_EQ(read.front().model, "m");
  }
}

TEST(GeminiAsking, refuses_by_name_what_the_dialect_has_no_word_for) {
  const std::pair<std::string, std::function<void(ChatRequest&)>> cases[] = {
      {"min_p: the Gemini API has no such setting", [](auto& r) { r.sampling.min_p = 0.1; }},
      {"logit_bias: the Gemini API has no such setting", [](auto& r) { r.sampling.logit_bias = {{1, 1}}; }},
      {"seed: the Gemini API takes only numbers of 32 bits, 4294967296 has more",
       [](auto& r) { r.sampling.seed = 1ull << 32; }},
      {"parallel_tool_calls: the Gemini API has no such setting",
       [](auto& r) { r.tools = {{.name = "f"}}, r.parallel_tool_calls = false; }},
      {"messages[1].role: the Gemini API takes words of the system only in front of the conversation",
       [](auto& r) { r.messages.push_back({.role = Role::kSystem}); }},
      {"guided decoding: the Gemini API has no such setting",
       [](auto& r) { r.format.kind = ResponseFormat::Kind::kGrammar; }},
  };
  for (const auto& [expected, change] : cases) {
    ChatRequest request;
    request.messages.push_back({.role = Role::kUser});
    change(request);
    try {
      ADD_FAILURE() << gemini_asking().chat(request, false);
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), expected);
    }
  }
}

TEST(GeminiReader, the_signature_of_a_call_comes_before_it_and_returns_on_it) {
  const auto events = read_stream(
      gemini_asking(),
      "data: {\"modelVersion\":\"g\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true},"
      "{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}},\"thoughtSignature\":\"sig\"}]},\"finishReason\":\"STOP\"}"
      "],"
      "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":4,"
      "\"cachedContentTokenCount\":2}}\r\n\r\n");
  EXPECT_EQ(shown(events), OrderedJson({{"thinking", "Hm", OrderedJson::array()},
                                        {"signature", "sig", OrderedJson::array()},
                                        {"call", "f", {{"a", 1}}},
                                        {"finish", 2, "", 5, 2, 7, 4}}));
  EXPECT_TRUE(events.at(3).id.starts_with("call_")) << "the API gave none";
  ChatRequest request;
  Message message{.role = Role::kAssistant, .tool_calls = {{"1", "f", "{\"a\":1}"}}};
  message.parts = {{.kind = Part::Kind::kThinking, .text = "Hm", .signature = "sig"}, {.text = "Looking"}};
  request.messages = {message, {.role = Role::kTool, .tool_call_id = "1"}};
  const OrderedJson json = OrderedJson::parse(gemini_asking({.call_ids = false}).chat(request, false));
  EXPECT_EQ(json["contents"][0]["parts"][2],
            OrderedJson({{"functionCall", {{"name", "f"}, {"args", {{"a", 1}}}}}, {"thoughtSignature", "sig"}}));
  EXPECT_EQ(json["contents"][1]["parts"][0]["functionResponse"],
            OrderedJson({{"name", "f"}, {"response", {{"result", ""}}}}));
}

TEST(GeminiReader, filters_cuts_and_errors) {
  const auto read = [](const char* json) { return shown(read_body(gemini_asking(), json)); };
  EXPECT_EQ(read(R"({"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}})"),
            OrderedJson({{"warning", "the Gemini API blocked the prompt: SAFETY"}, {"finish", 3, "", 3, 0, 0, 0}}));
  EXPECT_EQ(read(R"({"candidates":[{"finishReason":"RECITATION"}]})").back()[1], 3);
  EXPECT_EQ(read(R"({"candidates":[{"content":{"parts":[{"text":"Ha"}]}}]})").back(),
            OrderedJson({"error", 502, "the Gemini API: the answer ended before it was complete"}));
  EXPECT_EQ(read(R"({"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}})").back(),
            OrderedJson({"error", 429, "the Gemini API: Quota"}));
  EXPECT_EQ(read(R"({"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]})")[0],
            OrderedJson({"warning", "the Gemini API ended its answer with the reason \"MALFORMED_FUNCTION_CALL\""}));
  EXPECT_EQ(read(R"({"candidates":5})").back(),
            OrderedJson({"error", 502, "the Gemini API: candidates: expected a list, found a number"}));
}

}  // namespace
}  // namespace shenbi::chat
