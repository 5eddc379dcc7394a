// Requests of every dialect, as data: tests/golden/chat/dialects/requests.json holds the same conversation in each and
// what it must become; refusals.json what must be refused, and in which words.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_ollama.h"
#include "chat/dialect_openai.h"
#include "chat/dialect_responses.h"

namespace shenbi::chat {
namespace {

using testing::HasSubstr;

OrderedJson golden(const std::string& name) {
  std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/chat/dialects/" + name);
  return OrderedJson::parse(file);
}

ChatRequest parsed(const std::string& dialect, const std::string& body) {
  if (dialect == "openai") return parse_openai_chat(body).request;
  if (dialect == "responses") return parse_openai_responses(body).request;
  if (dialect == "anthropic") return parse_anthropic_messages(body).request;
  if (dialect == "gemini") return parse_gemini_generate(body, "m", false).request;
  if (dialect == "ollama") return parse_ollama_chat(body).request;
  if (dialect == "completion") parse_openai_completion(body);
  if (dialect == "generate") return parse_ollama_generate(body).chat;
  return {};
}

std::string error_of(const std::string& dialect, const std::string& body) {
  try {
    parsed(dialect, body);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
}

// The neutral request as the table writes it.
OrderedJson told(const ChatRequest& request) {
  OrderedJson json = {{"model", request.model}};
  if (request.sampling.temperature) json["temperature"] = *request.sampling.temperature;
  if (request.sampling.top_p) json["top_p"] = *request.sampling.top_p;
  if (request.max_tokens) json["max_tokens"] = *request.max_tokens;
  if (!request.stop.empty()) json["stop"] = request.stop;
  if (!request.reasoning_effort.empty()) json["effort"] = request.reasoning_effort;
  if (request.format.kind == ResponseFormat::Kind::kJsonSchema) json["schema"] = request.format.schema;
  if (request.tool_choice.mode == ToolChoice::Mode::kRequired) json["tool_choice"] = "required";
  for (const Tool& tool : request.tools) {
    json["parallel"] = request.parallel_tool_calls;
    json["tools"].push_back({{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}});
  }
  std::vector<std::string> ids;
  for (const Message& message : request.messages) {
    OrderedJson one = {{"role", role_name(message.role)}, {"text", message.text()}};
    if (!message.thinking().empty()) one["thinking"] = message.thinking();
    for (const Part& part : message.parts) {
      if (part.kind == Part::Kind::kImage) one["image"] = fmt::format("{} {}", part.mime, part.data.size());
    }
    for (const ToolCall& call : message.tool_calls) {
      ids.push_back(call.id);
      one["calls"].push_back({{"name", call.name}, {"arguments", OrderedJson::parse(call.arguments)}});
    }
    if (message.role == Role::kTool) {
      one["answers"] = std::find(ids.begin(), ids.end(), message.tool_call_id) - ids.begin();
    }
    json["messages"].push_back(std::move(one));
  }
  return json;
}

TEST(Requests, the_same_conversation_in_every_dialect_is_the_same_neutral_request) {
  for (const OrderedJson& one : golden("requests.json")) {
    for (const std::string dialect : {"openai", "responses", "anthropic", "gemini", "ollama"}) {
      SCOPED_TRACE(one["name"].get<std::string>() + " in " + dialect);
      nlohmann::json expected = one["neutral"];
      for (const auto& key : one.value(dialect + "_without", OrderedJson::array()))
        expected.erase(key.get<std::string>());
      ASSERT_TRUE(one.contains(dialect));
      EXPECT_EQ(nlohmann::json(told(parsed(dialect, one[dialect].dump()))), expected);
    }
  }
}

TEST(Requests, what_cannot_be_honoured_is_refused_by_name) {
  const OrderedJson bases = {
      {"openai", {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}}},
      {"completion", {{"model", "m"}, {"prompt", "Hi"}}},
      {"responses", {{"model", "m"}, {"input", "Hi"}}},
      {"anthropic", {{"model", "m"}, {"max_tokens", 5}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}}},
      {"gemini", {{"contents", {{{"parts", {{{"text", "Hi"}}}}}}}}},
      {"ollama", {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}}},
      {"generate", {{"model", "m"}, {"prompt", "Hi"}}}};
  for (const auto& [dialect, base] : bases.items()) EXPECT_EQ(error_of(dialect, base.dump()), "accepted") << dialect;
  for (const OrderedJson& one : golden("refusals.json")) {
    const std::string dialect = one["dialect"];
    OrderedJson body = bases[dialect];
    for (const auto& [key, value] : one["change"].items()) body[key] = value;
    EXPECT_THAT(error_of(dialect, body.dump()), HasSubstr(one["error"].get<std::string>())) << body.dump();
  }
}

TEST(Requests, every_field_has_its_type_checked_and_unknown_ones_are_named) {
  for (const OrderedJson& one : golden("requests.json")) {
    for (const std::string dialect : {"openai", "responses", "anthropic", "gemini", "ollama"}) {
      OrderedJson body = one[dialect];
      body["no_such_field"] = 1;
      const std::string name = dialect == "gemini" ? "noSuchField" : "no_such_field";
      EXPECT_EQ(error_of(dialect, body.dump()), name + ": unknown field") << dialect;
      for (const auto& [key, value] : one[dialect].items()) {
        if (key == "user" || key == "store" || key == "think") continue;  // a boolean too, or whatever it is
        body = one[dialect];
        body[key] = value.is_boolean() ? OrderedJson("x") : OrderedJson(true);
        EXPECT_NE(error_of(dialect, body.dump()), "accepted") << dialect << "." << key;
      }
    }
  }
}

TEST(Requests, a_body_that_is_no_object_is_refused) {
  EXPECT_EQ(error_of("openai", "[]"), "body: expected an object, found a list");
  EXPECT_EQ(error_of("openai", "{\"model\""), "body: not valid JSON at byte 9");
  EXPECT_THAT(error_of("openai", std::string(100, '[') + std::string(100, ']')), HasSubstr("nested deeper"));
}

TEST(Requests, an_object_with_too_many_keys_is_refused_before_it_is_read) {
  std::string body = "{";
  for (int i = 0; i < 2000; ++i) body += fmt::format("\"k{}\": 1, ", i);
  EXPECT_EQ(error_of("openai", body + "\"x\": 1}"), "body: an object has more than 1024 keys");
}

TEST(OpenAi, what_local_servers_add_is_honoured) {
  const auto call = parse_openai_chat(R"({"model": "m", "messages": [{"role": "user", "content": "x"},
      {"role": "assistant", "content": "So"}], "top_k": 4, "min_p": 0.1, "repetition_penalty": 1.1, "seed": -1,
      "stop_token_ids": [7], "ignore_eos": true, "guided_regex": "a+", "chat_template_kwargs": {"enable_thinking": false},
      "continue_final_message": true, "add_generation_prompt": false, "logit_bias": {"5": -100}, "priority": -3,
      "n": 3, "stream": true, "stream_options": {"include_usage": true}})");
  const ChatRequest& request = call.request;
  EXPECT_EQ(request.sampling.top_k, 4);
  EXPECT_EQ(request.sampling.min_p, 0.1);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(request.sampling.seed, UINT64_MAX);
  EXPECT_EQ(request.sampling.logit_bias.at(5), -100);
  EXPECT_EQ(request.stop_ids, std::vector<int32_t>{7});
  EXPECT_TRUE(request.ignore_end);
  EXPECT_EQ(request.format.kind, ResponseFormat::Kind::kRegex);
  EXPECT_EQ(request.thinking, false);
  EXPECT_TRUE(request.continue_last);
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(call.n, 3u);
  EXPECT_TRUE(call.stream && call.include_usage);
}

TEST(OpenAi, allowed_tools_leave_only_those) {
  const auto request = parse_openai_chat(R"({"model": "m", "messages": [{"role": "user", "content": "x"}],
      "tools": [{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "b"}}],
      "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required",
                      "tools": [{"type": "function", "function": {"name": "b"}}]}}})")
                           .request;
  ASSERT_EQ(request.tools.size(), 1u);
  EXPECT_EQ(request.tools[0].name, "b");
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::kRequired);
}

TEST(OpenAi, prompts_of_completions_are_texts_or_ids) {
  EXPECT_EQ(parse_openai_completion(R"({"model": "m", "prompt": [1, 2]})").requests.at(0).prompt_ids,
            (std::vector<int32_t>{1, 2}));
  const auto two = parse_openai_completion(R"({"model": "m", "prompt": ["a", [3]], "echo": true, "logprobs": 2})");
  ASSERT_EQ(two.requests.size(), 2u);
  EXPECT_EQ(two.requests[0].prompt, "a");
  EXPECT_EQ(two.requests[1].prompt_ids, std::vector<int32_t>{3});
  EXPECT_TRUE(two.requests[1].prompt_logprobs);
  EXPECT_EQ(two.requests[1].max_tokens, 16u);
  EXPECT_EQ(two.requests[1].top_logprobs, 2u);
}

TEST(Anthropic, a_last_message_of_the_assistant_is_gone_on_with) {
  const auto call = parse_anthropic_messages(R"({"model": "m", "max_tokens": 1, "messages": [
      {"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}], "thinking": {"type": "enabled", "budget_tokens": 1024}})");
  EXPECT_TRUE(call.request.continue_last);
  EXPECT_EQ(call.request.thinking_budget, 1024u);
  EXPECT_EQ(call.request.thinking, true);
}

TEST(Anthropic, signatures_and_redacted_thinking_are_kept) {
  const auto call =
      parse_anthropic_messages(R"({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "d"},
                                        {"type": "text", "text": "y"}]}, {"role": "user", "content": "z"}]})");
  const auto& parts = call.request.messages.at(1).parts;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].signature, "s");
  EXPECT_EQ(parts[1].signature, "d");
  EXPECT_EQ(parts[1].name, "redacted");
}

TEST(Anthropic, counting_needs_no_max_tokens) {
  EXPECT_FALSE(parse_anthropic_messages(R"({"model": "m", "messages": [{"role": "user", "content": "x"}]})", true)
                   .request.max_tokens);
}

TEST(Ollama, keep_alive_is_seconds_or_a_duration) {
  const auto seconds = [](const std::string& value) {
    return *parse_ollama_chat(R"({"model": "m", "keep_alive": )" + value + "}").keep_alive;
  };
  EXPECT_EQ(seconds("30"), 30);
  EXPECT_EQ(seconds("\"1h30m\""), 5400);
  EXPECT_EQ(seconds("\"-1\""), -1);
  EXPECT_EQ(seconds("\"250ms\""), 0.25);
}

TEST(Ollama, the_bytes_of_an_image_say_its_type) {
  const auto type_of = [](const std::string& base64) {
    const std::string message = R"({"role": "user", "content": "x", "images": [")" + base64 + R"("]})";
    return parse_ollama_chat(R"({"model": "m", "messages": [)" + message + "]}")
        .request.messages.at(0)
        .parts.back()
        .mime;
  };
  EXPECT_EQ(type_of("iVBORw0KGgo="), "image/png");
  EXPECT_EQ(type_of("/9j/4A=="), "image/jpeg");
  EXPECT_EQ(type_of("R0lGODlh"), "image/gif");
  EXPECT_EQ(type_of("UklGRgAAAABXRUJQ"), "image/webp");
  EXPECT_EQ(type_of("UklGRgAA"), "image/*");
  EXPECT_EQ(type_of("data:image/avif;base64,AAAA"), "image/avif");
}

TEST(Ollama, generate_is_a_chat_unless_raw_or_with_a_suffix) {
  EXPECT_TRUE(parse_ollama_generate(R"({"model": "m", "prompt": "x", "system": "s"})").uses_chat);
  EXPECT_FALSE(parse_ollama_generate(R"({"model": "m", "prompt": "x", "raw": true})").uses_chat);
  EXPECT_EQ(parse_ollama_generate(R"({"model": "m", "prompt": "x", "suffix": "y"})").completion.suffix, "y");
  EXPECT_TRUE(parse_ollama_generate(R"({"model": "m"})").only_load);
}

TEST(Gemini, counting_takes_either_form) {
  EXPECT_EQ(parse_gemini_count(R"({"contents": [{"parts": [{"text": "x"}]}]})", "m").request.messages.size(), 1u);
  EXPECT_EQ(parse_gemini_count(
                R"({"generateContentRequest": {"model": "models/m", "contents": [{"parts": [{"text": "x"}]}]}})", "m")
                .request.messages.size(),
            1u);
}

}  // namespace
}  // namespace shenbi::chat
