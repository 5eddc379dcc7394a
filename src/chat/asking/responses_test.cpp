// OpenAI's Responses from the asking side.

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/asking/test_answers.h"
#include "chat/dialect_responses.h"

namespace shenbi::chat {
namespace {

using namespace testing;

AskingTraits everything() {
  AskingTraits traits{.house = "Shenbi"};
  traits.extended_sampling = true;
  traits.thinking_field = "reasoning_content";
  return traits;
}

TEST(ResponsesAsking, our_own_end_understands_every_request_as_it_was_meant) {
  const Asking asking = responses_asking(everything());
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const ChatRequest request =
        Maker(seed, {.names = false, .audio = false, .continuation = false, .signatures = seed % 2 == 0}).request();
    const std::string body = asking.chat(request, seed % 2 == 1);
    const OpenAiResponses call = parse_openai_responses(body);
    ASSERT_EQ(shown(call.request), shown(request)) << seed << "\n" << body;
    EXPECT_EQ(call.stream, seed % 2 == 1);
  }
}

// Signatures come back with the item's id in front.
std::string without_ids(std::string text) {
  for (size_t at; (at = text.find("rs_")) != std::string::npos;) text.erase(at, text.find('|', at) - at + 1);
  return text;
}

TEST(ResponsesAsking, reads_what_our_own_end_writes) {
  const Asking asking = responses_asking();
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const bool stream = seed % 2 == 1;
    const std::vector<Event> events = Maker(seed, {}).answer(true, seed % 3 == 0);
    OpenAiResponses call{.stream = stream, .echo = OrderedJson::object()};
    OpenAiResponsesWriter writer(call, {.id = "resp_1", .model = "m"});
    std::string bytes;
    for (const Event& event : events) bytes += writer.push(event);
    if (!stream) bytes = writer.body();
    const std::vector<Event> read = stream ? read_stream(asking, bytes) : read_body(asking, bytes);
    ASSERT_EQ(without_ids(shown(read).dump()), shown(events).dump()) << seed << "\n" << bytes;
    EXPECT_EQ(read.front().model, "m");
  }
}

ChatRequest hello() {
  ChatRequest request;
  request.model = "gpt";
  request.messages.push_back({.role = Role::kUser});
  request.messages.back().parts.push_back({.text = "Hi"});
  return request;
}

TEST(ResponsesAsking, refuses_by_name_what_the_dialect_has_no_word_for) {
  const std::pair<std::string, std::function<void(ChatRequest&)>> cases[] = {
      {"min_p: OpenAI has no such setting", [](auto& r) { r.sampling.min_p = 0.1; }},
      {"top_k: OpenAI has no such setting", [](auto& r) { r.sampling.top_k = 1; }},
      {"seed: OpenAI has no such setting", [](auto& r) { r.sampling.seed = 1; }},
      {"stop: OpenAI has no such setting", [](auto& r) { r.stop = {"x"}; }},
      {"logit_bias: OpenAI has no such setting", [](auto& r) { r.sampling.logit_bias = {{1, 1}}; }},
      {"presence_penalty: OpenAI has no such setting", [](auto& r) { r.sampling.presence_penalty = 1; }},
      {"continue_final_message: OpenAI has no such setting", [](auto& r) { r.continue_last = true; }},
      {"messages[0].content[1]: the Responses API hears no sound",
       [](auto& r) { r.messages[0].parts.push_back({.kind = Part::Kind::kAudio, .mime = "audio/wav"}); }},
  };
  for (const auto& [expected, change] : cases) {
    ChatRequest request = hello();
    change(request);
    try {
      ADD_FAILURE() << responses_asking().chat(request, false);
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), expected);
    }
  }
}

TEST(ResponsesAsking, encrypted_reasoning_returns_under_the_id_it_came_with) {
  const auto reader = responses_asking().reader();
  std::vector<Event> events;
  reader->body(R"({"model":"gpt","status":"completed","error":null,"output":[{"type":"reasoning","id":"rs_7",)"
               R"("summary":[{"type":"summary_text","text":"A"},{"type":"summary_text","text":"B"}],)"
               R"("encrypted_content":"xyz"},{"type":"message","content":[{"type":"output_text","text":"Four."}]}]})",
               events);
  EXPECT_EQ(shown(events)[0][1], "A\n\nB");
  EXPECT_EQ(shown(events)[1][1], "rs_7|xyz");
  ChatRequest request = hello();
  Message message{.role = Role::kAssistant};
  message.parts = {{.kind = Part::Kind::kThinking, .text = "A\n\nB", .signature = "rs_7|xyz"}, {.text = "Four."}};
  request.messages.push_back(message);
  request.messages.push_back(request.messages[0]);
  const OrderedJson json = OrderedJson::parse(responses_asking().chat(request, false));
  EXPECT_EQ(json["input"][1], OrderedJson({{"type", "reasoning"},
                                           {"id", "rs_7"},
                                           {"summary", {{{"type", "summary_text"}, {"text", "A\n\nB"}}}},
                                           {"encrypted_content", "xyz"}}));
  EXPECT_EQ(json["include"], OrderedJson({"reasoning.encrypted_content"}));
  EXPECT_EQ(json["store"], false);
}

TEST(ResponsesReader, errors_cuts_and_refusals) {
  const auto read = [](const std::vector<const char*>& data) {
    std::string bytes;
    for (const char* one : data) bytes += std::string("data: ") + one + "\n\n";
    return shown(read_stream(responses_asking(), bytes));
  };
  const char* text = R"({"type":"response.output_text.delta","output_index":0,"delta":"Hi"})";
  EXPECT_EQ(read({R"({"type":"error","code":"rate_limit_exceeded","message":"slow","param":null})"}).back(),
            OrderedJson({"error", 429, "OpenAI: slow"}));
  EXPECT_EQ(read({text, R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error",)"
                        R"("message":"fell over"}}})"})
                .back(),
            OrderedJson({"error", 502, "OpenAI: fell over"}));
  EXPECT_EQ(read({text}).back(), OrderedJson({"error", 502, "OpenAI: the answer ended before it was complete"}));
  EXPECT_EQ(read({R"({"type":"response.completed"})"}).back(),
            OrderedJson({"error", 502, "OpenAI: response: this field is needed"}));
  EXPECT_EQ(read({R"({"type":"response.function_call_arguments.delta","output_index":4,"delta":"{"})"}).back(),
            OrderedJson({"error", 502, "OpenAI: arguments came for an item that is no call"}));
  EXPECT_EQ(read({R"({"type":"response.refusal.delta","output_index":0,"delta":"No."})",
                  R"({"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":1}}})"}),
            OrderedJson({{"text", "No.", OrderedJson::array()}, {"finish", 3, "", 1, 0, 0, 0}}));
}

}  // namespace
}  // namespace shenbi::chat
