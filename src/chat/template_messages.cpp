// Neutral messages for chat templates, and what is done for templates that have no place for tools.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "chat/answer_parser.h"
#include "chat/template.h"

namespace shenbi::chat {
namespace {

std::string dumped(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

OrderedJson arguments_of(const ToolCall& call, const TemplateForm& form) {
  if (form.text_arguments) return call.arguments.empty() ? "{}" : call.arguments;
  auto json = OrderedJson::parse(call.arguments, nullptr, false);
  if (json.is_object()) return json;
  return call.arguments.empty() ? OrderedJson::object() : OrderedJson(call.arguments);
}

OrderedJson part_of(const Part& part) {
  switch (part.kind) {
    case Part::Kind::kImage:
      return {{"type", "image"}};
    case Part::Kind::kAudio:
      return {{"type", "audio"}};
    case Part::Kind::kFile:
      return {{"type", "file"}};
    default:
      return {{"type", "text"}, {"text", part.text}};
  }
}

OrderedJson content_of(const Message& message) {
  const auto is_text = [](const Part& p) { return p.kind == Part::Kind::kText || p.kind == Part::Kind::kThinking; };
  if (std::all_of(message.parts.begin(), message.parts.end(), is_text)) return message.text();
  OrderedJson list = OrderedJson::array();
  for (const Part& part : message.parts) {
    if (part.kind != Part::Kind::kThinking) list.push_back(part_of(part));
  }
  return list;
}

// The calls as the "plain" family reads them.
std::string calls_as_text(const Message& message) {
  std::string text;
  for (const ToolCall& call : message.tool_calls) {
    const OrderedJson json = {{"name", call.name}, {"arguments", arguments_of(call, {})}};
    text += (text.empty() ? "" : "\n") + dumped(json);
  }
  return text;
}

std::string tools_as_text(const std::vector<Tool>& tools) {
  return fmt::format(
      "You can call these functions:\n{}\nTo call one, answer with nothing but a JSON object "
      "{{\"name\": the function, \"arguments\": an object}}.",
      dumped(template_tools(tools)));
}

// Templates name the tool that answers; APIs name the call.
std::string name_of_call(const std::vector<Message>& messages, size_t before, const std::string& id) {
  for (size_t i = before; i-- > 0;) {
    for (const ToolCall& call : messages[i].tool_calls) {
      if (call.id == id) return call.name;
    }
  }
  return {};
}

void add_text(Message& message, std::string text) {
  if (!message.text().empty()) text = "\n\n" + text;
  message.parts.push_back({.kind = Part::Kind::kText, .text = std::move(text)});
}

void put_tools_into_text(std::vector<Message>& messages, const std::vector<Tool>& tools) {
  if (tools.empty()) return;
  const bool has_system =
      !messages.empty() && (messages[0].role == Role::kSystem || messages[0].role == Role::kDeveloper);
  if (!has_system) messages.insert(messages.begin(), Message{.role = Role::kSystem});
  add_text(messages[0], tools_as_text(tools));
}

void put_system_into_user(std::vector<Message>& messages) {
  if (messages.size() < 2 || (messages[0].role != Role::kSystem && messages[0].role != Role::kDeveloper)) return;
  if (messages[1].role != Role::kUser) return;  // the template will say what it thinks of that
  const std::string text = messages[0].text() + "\n\n";
  messages.erase(messages.begin());
  messages[0].parts.insert(messages[0].parts.begin(), Part{.kind = Part::Kind::kText, .text = text});
}

void put_calls_into_text(std::vector<Message>& messages, const TemplateForm& form) {
  for (size_t i = 0; i < messages.size(); ++i) {
    Message& message = messages[i];
    if (form.results_in_text && message.role == Role::kTool) {
      std::string name = message.name.empty() ? name_of_call(messages, i, message.tool_call_id) : message.name;
      const std::string text = fmt::format("The function {} answered:\n{}", name, message.text());
      message = Message{.role = Role::kUser};
      add_text(message, text);
    }
  }
  for (Message& message : messages) {
    if (!form.calls_in_text || message.tool_calls.empty()) continue;
    add_text(message, calls_as_text(message));
    message.tool_calls.clear();
  }
}

OrderedJson message_json(const std::vector<Message>& messages, size_t i, const TemplateForm& form) {
  const Message& message = messages[i];
  const Role role = message.role == Role::kDeveloper ? Role::kSystem : message.role;
  OrderedJson json = {{"role", role_name(role)}, {"content", content_of(message)}};
  if (role == Role::kTool) {
    const std::string name = message.name.empty() ? name_of_call(messages, i, message.tool_call_id) : message.name;
    if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
    if (!name.empty()) json["name"] = name;
  } else if (!message.name.empty()) {
    json["name"] = message.name;
  }
  if (const std::string thinking = message.thinking(); !thinking.empty()) {
    json["reasoning_content"] = thinking;
    // gpt-oss reads "thinking", and refuses it beside text and calls.
    if (message.tool_calls.empty() || message.text().empty()) json["thinking"] = thinking;
  }
  if (message.tool_calls.empty()) return json;
  if (form.null_content && message.text().empty()) json["content"] = nullptr;
  OrderedJson& calls = json["tool_calls"] = OrderedJson::array();
  for (const ToolCall& call : message.tool_calls) {
    calls.push_back({{"id", call.id},
                     {"type", "function"},
                     {"function", {{"name", call.name}, {"arguments", arguments_of(call, form)}}}});
  }
  return json;
}

// --- probing ---

Message said(Role role, std::string text) {
  Message message{.role = role};
  message.parts.push_back({.kind = Part::Kind::kText, .text = std::move(text)});
  return message;
}

struct Probe {
  const ChatTemplate& chat;
  std::vector<Tool> tools = {
      {"probe_tool", "probe_description",
       OrderedJson::parse(R"({"type": "object", "properties": {"key": {"type": "string", "description": "d"}}})")}};

  // What the conversation becomes; nothing if the template refuses it.
  std::string rendered(const std::vector<Message>& messages, const TemplateForm& form) const {
    OrderedJson variables = {{"messages", template_messages(messages, form)},
                             {"tools", template_tools(tools)},
                             {"bos_token", ""},
                             {"eos_token", ""},
                             {"add_generation_prompt", false}};
    try {
      return chat.render(variables);
    } catch (const Error&) {
      return {};
    }
  }

  // A call's value is there, and not as text inside text.
  bool shows_call(const TemplateForm& form) const {
    Message call{.role = Role::kAssistant, .tool_calls = {{"call00001", "probe_tool", R"({"key": "probe_value"})"}}};
    const std::string text = rendered({said(Role::kUser, "Hi"), call}, form);
    return text.find("probe_value") != std::string::npos && text.find("\\\"probe_value") == std::string::npos;
  }

  bool shows_result(const TemplateForm& form) const {
    Message call{.role = Role::kAssistant, .tool_calls = {{"call00001", "probe_tool", R"({"key": "probe_value"})"}}};
    Message result = said(Role::kTool, "probe_result");
    result.tool_call_id = "call00001";
    return rendered({said(Role::kUser, "Hi"), call, result}, form).find("probe_result") != std::string::npos;
  }
};

}  // namespace

TemplateForm template_form(const ChatTemplate& chat) {
  const Probe probe{chat};
  TemplateForm form;
  const std::vector<Message> hi = {said(Role::kUser, "Hi")};
  form.tools_in_text = probe.rendered(hi, form).find("probe_tool") == std::string::npos;
  const std::string with_system = probe.rendered({said(Role::kSystem, "probe_system"), hi[0]}, form);
  form.system_in_user = with_system.find("probe_system") == std::string::npos;
  form.calls_in_text = true;
  for (const bool null_content : {false, true}) {
    for (const bool text_arguments : {false, true}) {
      const TemplateForm tried{.null_content = null_content, .text_arguments = text_arguments};
      if (!form.calls_in_text || !probe.shows_call(tried)) continue;
      form.null_content = null_content;
      form.text_arguments = text_arguments;
      form.calls_in_text = false;
    }
  }
  TemplateForm tried = form;
  form.results_in_text = form.calls_in_text || !probe.shows_result(tried);
  return form;
}

OrderedJson template_messages(const std::vector<Message>& messages, const TemplateForm& form,
                              const std::vector<Tool>& tools) {
  std::vector<Message> all = messages;
  if (form.tools_in_text) put_tools_into_text(all, tools);
  if (form.system_in_user) put_system_into_user(all);
  put_calls_into_text(all, form);
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < all.size(); ++i) list.push_back(message_json(all, i, form));
  return list;
}

OrderedJson template_tools(const std::vector<Tool>& tools) {
  if (tools.empty()) return nullptr;
  OrderedJson list = OrderedJson::array();
  for (const Tool& tool : tools) {
    OrderedJson function = {{"name", tool.name}, {"description", tool.description}};
    function["parameters"] = tool.parameters.is_null()
                                 ? OrderedJson{{"type", "object"}, {"properties", OrderedJson::object()}}
                                 : tool.parameters;
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

}  // namespace shenbi::chat
