// Hunyuan, ERNIE and Spark in the dialects of their own: what is asked, and what transcripts in the houses' shapes say.

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/asking/test_answers.h"

namespace shenbi::chat {
namespace {

using testing::error_of;
using testing::read_body;
using testing::read_stream;
using testing::shown;

ChatRequest question(const std::string& model) {
  ChatRequest request;
  request.model = model;
  request.messages = {{.role = Role::kSystem, .parts = {{.text = "Be short."}}},
                      {.role = Role::kUser, .parts = {{.text = "你好"}}}};
  return request;
}

Tool weather() {
  return {.name = "weather", .description = "Of a city", .parameters = OrderedJson::parse(R"({"type":"object"})")};
}

OrderedJson asked(const Asking& asking, const ChatRequest& request) {
  return OrderedJson::parse(asking.chat(request, true));
}

std::string refused(const Asking& asking, const ChatRequest& request) {
  try {
    asking.chat(request, true);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

// Messages of a WebSocket, as lines of a stream.
std::vector<Event> read_messages(const Asking& asking, std::initializer_list<std::string_view> messages) {
  const auto reader = asking.reader();
  std::vector<Event> events;
  for (const std::string_view one : messages) reader->event("message", one, events);
  reader->end(events);
  return events;
}

std::string text_of(const std::vector<Event>& events) {
  std::string all;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kText) all += event.text;
  }
  return all;
}

// --- Hunyuan ---

TEST(Hunyuan, a_request_is_OpenAIs_in_camel_case) {
  ChatRequest request = question("hunyuan-turbos-latest");
  request.sampling.temperature = 0.5;
  request.sampling.top_p = 0.9;
  request.stop = {"."};
  request.max_tokens = 5;
  request.tools = {weather()};
  request.messages.push_back(
      {.role = Role::kAssistant, .tool_calls = {{.id = "c1", .name = "weather", .arguments = R"({"city_name":"x"})"}}});
  request.messages.push_back({.role = Role::kTool, .parts = {{.text = "sun"}}, .tool_call_id = "c1"});
  EXPECT_EQ(asked(hunyuan_asking(), request), OrderedJson::parse(R"({
    "Model": "hunyuan-turbos-latest",
    "Messages": [{"Role": "system", "Content": "Be short."}, {"Role": "user", "Content": "你好"},
                 {"Role": "assistant", "Content": "", "ToolCalls": [{"Id": "c1", "Type": "function",
                   "Function": {"Name": "weather", "Arguments": "{\"city_name\":\"x\"}"}}]},
                 {"Role": "tool", "Content": "sun", "ToolCallId": "c1"}],
    "Temperature": 0.5, "TopP": 0.9, "Stop": ["."],
    "Tools": [{"Type": "function", "Function": {"Name": "weather", "Description": "Of a city",
               "Parameters": "{\"type\":\"object\"}"}}],
    "Stream": true})"));
}

TEST(Hunyuan, several_parts_are_contents) {
  ChatRequest request = question("hunyuan-vision");
  request.messages = {{.role = Role::kUser,
                       .parts = {{.text = "What?"}, {.kind = Part::Kind::kImage, .mime = "image/png", .data = "x"}}}};
  EXPECT_EQ(asked(hunyuan_asking(), request)["Messages"][0]["Contents"][1],
            OrderedJson::parse(R"({"Type":"image_url","ImageUrl":{"Url":"data:image/png;base64,eA=="}})"));
}

TEST(Hunyuan, what_it_has_no_word_for_is_refused_by_name) {
  ChatRequest request = question("m");
  request.sampling.presence_penalty = 1;
  EXPECT_NE(refused(hunyuan_asking(), request).find("presence_penalty"), std::string::npos);
  request = question("m");
  request.format.kind = ResponseFormat::Kind::kJsonObject;
  EXPECT_NE(refused(hunyuan_asking(), request).find("response_format"), std::string::npos);
}

TEST(Hunyuan, a_stream_is_read_with_thinking_calls_and_usage) {
  const auto events = read_stream(
      hunyuan_asking(),
      R"(data: {"Note":"n","Id":"i","Created":1,"Choices":[{"Index":0,"Delta":{"Role":"assistant","Content":"","ReasoningContent":"hm"},"FinishReason":""}],"Usage":{"PromptTokens":7,"CompletionTokens":1,"TotalTokens":8}}

data: {"Id":"i","Choices":[{"Index":0,"Delta":{"Role":"assistant","Content":"Looking."},"FinishReason":""}],"Usage":{"PromptTokens":7,"CompletionTokens":3,"TotalTokens":10}}

data: {"Id":"i","Choices":[{"Index":0,"Delta":{"Role":"assistant","ToolCalls":[{"Id":"c1","Type":"function","Index":0,"Function":{"Name":"weather","Arguments":"{\"city\":"}}]},"FinishReason":""}]}

data: {"Id":"i","Choices":[{"Index":0,"Delta":{"ToolCalls":[{"Id":"c1","Index":0,"Function":{"Name":"weather","Arguments":"\"x\"}"}}]},"FinishReason":"tool_calls"}],"Usage":{"PromptTokens":7,"CompletionTokens":9,"TotalTokens":16}}

data: [DONE]

)");
  EXPECT_EQ(error_of(events), "");
  EXPECT_EQ(text_of(events), "Looking.");
  std::string arguments;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kToolArguments) arguments += event.text;
  }
  EXPECT_EQ(arguments, R"({"city":"x"})");
  EXPECT_EQ(events.back().finish, Finish::kToolCalls);
  EXPECT_EQ(events.back().usage.prompt_tokens, 7u);
  EXPECT_EQ(events.back().usage.completion_tokens, 9u);
}

TEST(Hunyuan, a_whole_answer_and_an_error_lie_in_Response) {
  const auto events = read_body(
      hunyuan_asking(),
      R"({"Response":{"RequestId":"r","Id":"i","Choices":[{"Index":0,"Message":{"Role":"assistant","Content":"hi"},"FinishReason":"stop"}],"Usage":{"PromptTokens":3,"CompletionTokens":1,"TotalTokens":4}}})");
  EXPECT_EQ(text_of(events), "hi");
  EXPECT_EQ(events.back().usage.completion_tokens, 1u);
  EXPECT_EQ(
      error_of(read_body(
          hunyuan_asking(),
          R"({"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"the signature is too old"},"RequestId":"r"}})")),
      "401 OpenAI: the signature is too old");
  EXPECT_EQ(
      error_of(read_stream(hunyuan_asking({.house = "Tencent"}),
                           "data: {\"ErrorMsg\":{\"Msg\":\"engine busy\",\"Code\":2005001},\"RequestId\":\"r\"}\n\n")),
      "502 Tencent: engine busy");
}

TEST(Hunyuan, a_cut_and_a_damaged_stream_are_errors) {
  const std::string begun =
      "data: {\"Choices\":[{\"Index\":0,\"Delta\":{\"Content\":\"ha\"},\"FinishReason\":\"\"}]}\n\n";
  EXPECT_NE(error_of(read_stream(hunyuan_asking(), begun)).find("before it was complete"), std::string::npos);
  EXPECT_NE(error_of(read_stream(hunyuan_asking(), begun + "data: {\"Choices\":\n\n")), "");
  EXPECT_NE(error_of(read_stream(hunyuan_asking(), "data: {\"Choices\":7}\n\n")), "");
}

// --- ERNIE ---

TEST(Ernie, rules_stand_apart_and_functions_are_called_one_a_turn) {
  ChatRequest request = question("ernie-4.0-8k");
  request.sampling.temperature = 0.5;
  request.max_tokens = 5;
  request.stop = {"."};
  request.tools = {weather()};
  request.tool_choice = {ToolChoice::Mode::kFunction, "weather"};
  request.messages.push_back(
      {.role = Role::kAssistant, .tool_calls = {{.id = "c1", .name = "weather", .arguments = R"({"a":1})"}}});
  request.messages.push_back({.role = Role::kTool, .parts = {{.text = "sun"}}, .tool_call_id = "c1"});
  EXPECT_EQ(asked(ernie_asking(), request), OrderedJson::parse(R"({
    "messages": [{"role": "user", "content": "你好"},
                 {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": "{\"a\":1}"}},
                 {"role": "function", "name": "weather", "content": "sun"}],
    "system": "Be short.", "temperature": 0.5, "max_output_tokens": 5, "stop": ["."],
    "functions": [{"name": "weather", "description": "Of a city", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "stream": true})"));
  request.messages[2].tool_calls.push_back({.id = "c2", .name = "weather"});
  EXPECT_NE(refused(ernie_asking(), request).find("messages[2].tool_calls"), std::string::npos);
}

TEST(Ernie, a_stream_is_read_with_its_call_and_its_usage) {
  const auto events = read_stream(
      ernie_asking(),
      R"(data: {"id":"as-1","object":"chat.completion","created":1,"sentence_id":0,"is_end":false,"is_truncated":false,"result":"one ","usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5}}

data: {"id":"as-1","sentence_id":1,"is_end":true,"is_truncated":false,"result":"","finish_reason":"function_call","function_call":{"name":"weather","thoughts":"the user wants","arguments":"{\"city\":\"x\"}"},"usage":{"prompt_tokens":4,"completion_tokens":6,"total_tokens":10}}

)");
  EXPECT_EQ(error_of(events), "");
  EXPECT_EQ(text_of(events), "one ");
  EXPECT_EQ(events.back().finish, Finish::kToolCalls);
  EXPECT_EQ(events.back().usage.prompt_tokens, 4u);
  EXPECT_EQ(events.back().usage.completion_tokens, 6u);
}

TEST(Ernie, what_was_cut_short_says_so) {
  const auto truncated = read_body(ernie_asking(), R"({"result":"ha","is_truncated":true,"finish_reason":"normal"})");
  EXPECT_EQ(truncated.back().finish, Finish::kLength);
  EXPECT_EQ(read_body(ernie_asking(), R"({"result":"ha","finish_reason":"length"})").back().finish, Finish::kLength);
  EXPECT_EQ(read_body(ernie_asking(), R"({"result":"","finish_reason":"content_filter"})").back().finish,
            Finish::kContentFilter);
}

TEST(Ernie, errors_of_status_200_have_the_status_that_they_mean) {
  for (const auto& [code, status] :
       {std::pair("17", "429"), {"18", "429"}, {"110", "401"}, {"111", "401"}, {"336003", "400"}, {"336100", "503"}}) {
    const std::string body = std::string(R"({"error_code":)") + code + R"(,"error_msg":"so it is"})";
    EXPECT_EQ(error_of(read_body(ernie_asking(), body)), std::string(status) + " Baidu Qianfan: so it is");
    EXPECT_EQ(error_of(read_stream(ernie_asking(), "data: " + body + "\n\n")),
              std::string(status) + " Baidu Qianfan: so it is");
  }
}

TEST(Ernie, a_cut_and_a_damaged_stream_are_errors) {
  const std::string begun = "data: {\"result\":\"ha\",\"is_end\":false}\n\n";
  EXPECT_NE(error_of(read_stream(ernie_asking(), begun)).find("before it was complete"), std::string::npos);
  EXPECT_NE(error_of(read_stream(ernie_asking(), begun + "data: {\"result\":7}\n\n")).find("result"),
            std::string::npos);
  EXPECT_NE(error_of(read_body(ernie_asking(), "{}")), "");
}

// --- Spark ---

TEST(Spark, a_request_names_the_application_and_the_domain) {
  ChatRequest request = question("4.0Ultra");
  request.sampling.temperature = 0.5;
  request.sampling.top_k = 4;
  request.max_tokens = 5;
  request.tools = {weather()};
  EXPECT_EQ(asked(spark_asking("a1"), request), OrderedJson::parse(R"({
    "header": {"app_id": "a1"},
    "parameter": {"chat": {"domain": "4.0Ultra", "temperature": 0.5, "top_k": 4, "max_tokens": 5}},
    "payload": {"message": {"text": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "你好"}]},
                "functions": {"text": [{"name": "weather", "description": "Of a city",
                                        "parameters": {"type": "object"}}]}}})"));
  request.sampling.top_p = 0.5;
  EXPECT_NE(refused(spark_asking("a1"), request).find("top_p"), std::string::npos);
  request = question("lite");
  request.messages.push_back({.role = Role::kTool, .parts = {{.text = "sun"}}, .tool_call_id = "c1"});
  EXPECT_NE(refused(spark_asking("a1"), request).find("messages[2]"), std::string::npos);
}

TEST(Spark, messages_are_read_until_status_2_which_tells_the_usage) {
  const auto events = read_messages(
      spark_asking("a1"),
      {R"({"header":{"code":0,"message":"Success","sid":"s","status":0},"payload":{"choices":{"status":0,"seq":0,"text":[{"content":"","reasoning_content":"hm","role":"assistant","index":0}]}}})",
       R"({"header":{"code":0,"message":"Success","sid":"s","status":1},"payload":{"choices":{"status":1,"seq":1,"text":[{"content":"你好","role":"assistant","index":0}]}}})",
       R"({"header":{"code":0,"message":"Success","sid":"s","status":2},"payload":{"choices":{"status":2,"seq":2,"text":[{"content":"！","role":"assistant","index":0}]},"usage":{"text":{"question_tokens":4,"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}}})"});
  EXPECT_EQ(error_of(events), "");
  EXPECT_EQ(text_of(events), "你好！");
  EXPECT_EQ(events.back().finish, Finish::kStop);
  EXPECT_EQ(events.back().usage.prompt_tokens, 5u);
  EXPECT_EQ(events.back().usage.completion_tokens, 2u);
}

TEST(Spark, a_call_is_a_call) {
  const auto events = read_messages(
      spark_asking("a1"),
      {R"({"header":{"code":0,"status":2},"payload":{"choices":{"status":2,"text":[{"content":"","role":"assistant","content_type":"text","function_call":{"arguments":"{\"city\":\"x\"}","name":"weather"},"index":0}]},"usage":{"text":{"prompt_tokens":3,"completion_tokens":9}}}})"});
  EXPECT_EQ(error_of(events), "");
  EXPECT_EQ(events.back().finish, Finish::kToolCalls);
}

TEST(Spark, codes_are_errors_with_the_status_that_they_mean) {
  for (const auto& [code, status] : {std::pair("10013", "400"),
                                     {"11202", "429"},
                                     {"10008", "503"},
                                     {"11200", "403"},
                                     {"10313", "401"},
                                     {"10012", "502"}}) {
    EXPECT_EQ(error_of(read_messages(spark_asking("a1"), {std::string(R"({"header":{"code":)") + code +
                                                          R"(,"message":"not so","sid":"s","status":2}})"})),
              std::string(status) + " iFlytek Spark: not so (code " + code + ")");
  }
}

TEST(Spark, a_cut_and_a_damaged_answer_are_errors) {
  const Asking asking = spark_asking("a1");
  EXPECT_NE(error_of(read_messages(asking, {})), "");
  EXPECT_NE(error_of(read_messages(asking, {R"({"header":{"code":0},"payload":{"choices":{"status":0}}})"})), "");
  for (const char* odd : {"half", "[]", "{}", R"({"header":7})", R"({"header":{"code":"x"}})",
                          R"({"header":{"code":0},"payload":{"choices":{"status":2,"text":{}}}})"})
    EXPECT_NE(error_of(read_messages(asking, {odd})), "") << odd;
}

}  // namespace
}  // namespace shenbi::chat
