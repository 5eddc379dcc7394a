// Reads tool calls for the parity scripts: one JSON request a line on stdin, one JSON answer a line on stdout.
//
//   {"template": "..."}                                   ->  {"family": "hermes", "form": {...}}
//   {"template": "...", "messages": [...], "tools": [...]} ->  the same with "prompt" (OpenAI's form of both)
//   {"family": "hermes", "tools": [...], "text": "..."}   ->  {"events": [{"kind": "text", "text": "..."}, ...]}

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "chat/answer_parser.h"
#include "chat/template.h"

namespace {

using namespace shenbi::chat;
using Json = nlohmann::ordered_json;

std::vector<Tool> tools_of(const Json& request) {
  std::vector<Tool> tools;
  for (const Json& tool : request.value("tools", Json::array())) {
    const Json& function = tool["function"];
    tools.push_back({function["name"], function.value("description", ""), function.value("parameters", Json())});
  }
  return tools;
}

std::vector<Message> messages_of(const Json& list) {
  std::vector<Message> messages;
  for (const Json& one : list) {
    Message message;
    const std::string role = one["role"];
    message.role = role == "system"      ? Role::kSystem
                   : role == "assistant" ? Role::kAssistant
                   : role == "tool"      ? Role::kTool
                                         : Role::kUser;
    if (one.contains("reasoning")) message.parts.push_back({.kind = Part::Kind::kThinking, .text = one["reasoning"]});
    if (one.contains("content")) message.parts.push_back({.kind = Part::Kind::kText, .text = one["content"]});
    for (const Json& call : one.value("tool_calls", Json::array())) {
      message.tool_calls.push_back({call["id"], call["function"]["name"], call["function"]["arguments"]});
    }
    message.tool_call_id = one.value("tool_call_id", "");
    messages.push_back(std::move(message));
  }
  return messages;
}

Json answer_of_template(const Json& request) {
  const std::string text = request["template"];
  const auto chat = ChatTemplate::parse(text, "template");
  const TemplateForm form = template_form(chat);
  Json answer = {{"family", find_tool_syntax(text).name},
                 {"form",
                  {{"null_content", form.null_content},
                   {"text_arguments", form.text_arguments},
                   {"calls_in_text", form.calls_in_text},
                   {"results_in_text", form.results_in_text},
                   {"tools_in_text", form.tools_in_text},
                   {"system_in_user", form.system_in_user}}}};
  if (!request.contains("messages")) return answer;
  const std::vector<Tool> tools = tools_of(request);
  Json variables = request.value("variables", Json::object());
  variables["messages"] = template_messages(messages_of(request["messages"]), form, tools);
  variables["tools"] = template_tools(tools);
  answer["prompt"] = chat.render(variables);
  return answer;
}

Json answer_of_text(const Json& request) {
  AnswerParser parser(*tool_syntax(request["family"].get<std::string>()),
                      {.tools = tools_of(request), .thinking_open = request.value("thinking_open", false)});
  std::vector<Event> events = parser.push(request["text"].get<std::string>());
  for (Event& event : parser.finish()) events.push_back(std::move(event));
  Json list = Json::array();
  for (const Event& event : events) {
    static const char* const kKinds[] = {"queued", "start",     "text",   "thinking", "signature",
                                         "call",   "arguments", "prompt", "warning"};
    list.push_back({{"kind", kKinds[static_cast<int>(event.kind)]},
                    {"text", event.text},
                    {"index", event.index},
                    {"name", event.name},
                    {"id", event.id}});
  }
  return {{"events", std::move(list)}};
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const Json request = Json::parse(line);
      answer = request.contains("template") ? answer_of_template(request) : answer_of_text(request);
    } catch (const shenbi::Error& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
