// Anthropic's Messages: the request.
//
// | accepted without effect             | why                                                                     |
// |-------------------------------------|-------------------------------------------------------------------------|
// | metadata, user_profile_id           | whom it is for                                                          |
// | service_tier, speed "standard"      | there is one                                                            |
// | cache_control (anywhere)            | prefixes are cached anyway                                              |
// | thinking.display, block captions    | thinking is shown as it is                                              |
// | tools[].input_examples, defer_loading, eager_input_streaming, allowed_callers | hints for their own models    |
// | tool_use.caller, citations null     | nobody but the model calls                                              |
//
// | refused                             | why                                                                     |
// |-------------------------------------|-------------------------------------------------------------------------|
// | container, mcp_servers, server tools | this server runs no tools                                              |
// | context_management                  | nothing is cut from a conversation                                      |
// | sources by URL or file id           | no parser opens a connection, nothing is stored                         |
//
// is_error has no place in a chat template: the text of such a result begins with "Error: ".

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/dialect_anthropic.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

constexpr std::string_view kNoAddresses =
    "this server opens no addresses and stores no files; send the bytes as base64";

Part read_source(Fields& block, const std::string& field, bool image) {
  Fields source(block.needed_object("source"), field + ".source");
  const std::string type = source.needed_text("type");
  Part part;
  if (type == "base64") {
    const std::string mime = source.needed_text("media_type");
    part = part_of_bytes(mime, decoded_base64(source.needed_text("data"), source.at("data")));
  } else if (type == "text" && !image) {
    source.accept({"media_type"});
    part = text_part(source.needed_text("data"));
  } else if (type == "content" && !image && source.needed("content").is_string()) {
    part = text_part(source.needed_text("content"));
  } else {
    source.fail("type", kNoAddresses);
  }
  source.end();
  if (image && part.kind != Part::Kind::kImage) refuse_field(field + ".source.media_type", "no image");
  return part;
}

// Text, image or document: what may stand in a message and in a tool's result.
Part read_content_block(Fields& block, const std::string& type, const std::string& field) {
  block.accept({"cache_control"});
  if (type == "text") {
    block.accept({"citations"});
    return text_part(block.needed_text("text"));
  }
  if (type == "image") return read_source(block, field, true);
  if (type != "document")
    block.fail("type", fmt::format("\"{}\" is no block that this server knows", type.substr(0, 64)));
  Part part = read_source(block, field, false);
  block.accept({"citations"});
  const std::string context = block.text("context").value_or("");
  const std::string title = block.text("title").value_or("");
  if (part.kind == Part::Kind::kText) {
    if (!context.empty()) part.text = context + "\n" + part.text;
    if (!title.empty()) part.text = title + "\n" + part.text;
  } else {
    part.name = title;
  }
  return part;
}

std::vector<Part> read_texts(const OrderedJson& json, const std::string& field) {
  if (json.is_string()) return {text_part(json.get<std::string>())};
  if (!json.is_array()) refuse_field(field, fmt::format("expected a string or a list, found {}", kind_of(json)));
  std::vector<Part> parts;
  for (const OrderedJson& one : json) {
    const std::string at = fmt::format("{}[{}]", field, parts.size());
    Fields block(one, at);
    parts.push_back(read_content_block(block, block.needed_text("type"), at));
    block.end();
  }
  return parts;
}

Message read_tool_result(Fields& block, const std::string& field) {
  Message result{.role = Role::kTool};
  result.tool_call_id = block.needed_text("tool_use_id");
  if (const OrderedJson* content = block.find("content")) result.parts = read_texts(*content, field + ".content");
  if (block.boolean("is_error").value_or(false)) result.parts.insert(result.parts.begin(), text_part("Error: "));
  block.accept({"cache_control"});
  return result;
}

// Results of tools become messages of their own, in their place among the user's words.
void read_user(const OrderedJson& content, const std::string& field, Role role, std::vector<Message>& messages) {
  Message message{.role = role};
  size_t i = 0;
  for (const OrderedJson& one : content) {
    const std::string at = fmt::format("{}[{}]", field, i++);
    Fields block(one, at);
    const std::string type = block.needed_text("type");
    if (type == "tool_result" && role == Role::kUser) {
      if (!message.parts.empty()) messages.push_back(std::exchange(message, Message{.role = role}));
      messages.push_back(read_tool_result(block, at));
    } else {
      message.parts.push_back(read_content_block(block, type, at));
    }
    block.end();
  }
  if (!message.parts.empty() || content.empty()) messages.push_back(std::move(message));
}

Message read_assistant(const OrderedJson& content, const std::string& field) {
  Message message{.role = Role::kAssistant};
  size_t i = 0;
  for (const OrderedJson& one : content) {
    const std::string at = fmt::format("{}[{}]", field, i++);
    Fields block(one, at);
    const std::string type = block.needed_text("type");
    if (type == "thinking") {
      message.parts.push_back(thinking_part(block.needed_text("thinking"), block.text("signature").value_or("")));
    } else if (type == "redacted_thinking") {
      Part part = thinking_part("", block.needed_text("data"));
      part.name = "redacted";
      message.parts.push_back(std::move(part));
    } else if (type == "tool_use") {
      const std::string name = checked_name(block.needed_text("name"), at + ".name");
      message.tool_calls.push_back({block.needed_text("id"), name, dumped(block.needed_object("input"))});
      block.accept({"cache_control", "caller"});
    } else {
      message.parts.push_back(read_content_block(block, type, at));
    }
    block.end();
  }
  return message;
}

void read_message(const OrderedJson& json, const std::string& field, std::vector<Message>& messages) {
  Fields fields(json, field);
  const auto role = fields.word("role", {"user", "assistant", "system"});
  if (!role) fields.fail("role", "this field is needed");
  const OrderedJson& content = fields.needed("content");
  fields.end();
  const std::string at = field + ".content";
  const Role whose = *role == "assistant" ? Role::kAssistant : *role == "system" ? Role::kSystem : Role::kUser;
  if (content.is_string()) {
    Message message{.role = whose};
    message.parts.push_back(text_part(content.get<std::string>()));
    messages.push_back(std::move(message));
  } else if (!content.is_array()) {
    refuse_field(at, fmt::format("expected a string or a list, found {}", kind_of(content)));
  } else if (whose == Role::kAssistant) {
    messages.push_back(read_assistant(content, at));
  } else {
    read_user(content, at, whose, messages);
  }
}

void read_anthropic_tools(Fields& fields, ChatRequest& request) {
  const OrderedJson* tools = fields.list("tools", limits::kMaxRequestTools);
  if (!tools) return;
  for (const OrderedJson& json : *tools) {
    const std::string field = fields.at("tools", request.tools.size());
    Fields tool(json, field);
    tool.only("type", "custom", "this server runs no tools of its own");
    std::string name = tool.needed_text("name");
    std::string description = tool.text("description").value_or("");
    const bool strict = tool.boolean("strict").value_or(false);
    add_tool(request, make_tool(std::move(name), std::move(description), &tool.needed("input_schema"), strict, field),
             field);
    tool.accept({"cache_control", "input_examples", "defer_loading", "eager_input_streaming", "allowed_callers"});
    tool.end();
  }
}

void read_tool_choice(Fields& fields, ChatRequest& request) {
  const OrderedJson* json = fields.object("tool_choice");
  if (!json) return;
  Fields choice(*json, "tool_choice");
  const auto type = choice.word("type", {"auto", "any", "tool", "none"});
  if (!type) choice.fail("type", "this field is needed");
  if (*type == "any") request.tool_choice.mode = ToolChoice::Mode::kRequired;
  if (*type == "none") request.tool_choice.mode = ToolChoice::Mode::kNone;
  if (*type == "tool") request.tool_choice = {ToolChoice::Mode::kFunction, choice.needed_text("name")};
  request.parallel_tool_calls = !choice.boolean("disable_parallel_tool_use").value_or(false);
  choice.end();
}

void read_thinking(Fields& fields, AnthropicMessages& call) {
  const OrderedJson* json = fields.object("thinking");
  if (!json) return;
  Fields thinking(*json, "thinking");
  const auto type = thinking.word("type", {"enabled", "disabled", "adaptive"});
  if (!type) thinking.fail("type", "this field is needed");
  if (*type != "adaptive") call.request.thinking = *type == "enabled";
  if (*type == "enabled") {
    thinking.needed("budget_tokens");
    call.request.thinking_budget = static_cast<uint64_t>(*thinking.integer("budget_tokens", 1, limits::kMaxContext));
  }
  thinking.accept({"display"});
  thinking.end();
}

void read_output_config(Fields& fields, ChatRequest& request) {
  const OrderedJson* json = fields.object("output_config");
  if (!json) return;
  Fields config(*json, "output_config");
  if (const auto effort = config.word("effort", {"low", "medium", "high", "xhigh", "max"}))
    set_effort(request, *effort);
  if (const OrderedJson* given = config.object("format")) {
    Fields format(*given, "output_config.format");
    if (!format.word("type", {"json_schema"})) format.fail("type", "this field is needed");
    request.format.kind = ResponseFormat::Kind::kJsonSchema;
    request.format.schema = format.needed_object("schema");
    format.end();
  }
  config.end();
}

void read_sampling(Fields& fields, ChatRequest& request) {
  request.sampling.temperature = fields.number("temperature", 0, 1);
  request.sampling.top_p = fields.number("top_p", 0, 1);
  request.sampling.top_k = fields.integer("top_k", 0, 1 << 24);
  set_stop(request, fields.texts("stop_sequences", limits::kMaxStopStrings), "stop_sequences");
}

}  // namespace

AnthropicMessages parse_anthropic_messages(std::string_view body, bool count_only) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  AnthropicMessages call;
  ChatRequest& request = call.request;
  request.model = fields.needed_text("model");
  if (!count_only) fields.needed("max_tokens");
  if (const auto most = fields.integer("max_tokens", 1, limits::kMaxContext)) request.max_tokens = *most;
  if (const OrderedJson* system = fields.find("system")) {
    Message message{.role = Role::kSystem};
    message.parts = read_texts(*system, "system");
    if (!message.parts.empty()) request.messages.push_back(std::move(message));
  }
  const OrderedJson& messages = fields.needed_list("messages", limits::kMaxRequestMessages);
  for (size_t i = 0; i < messages.size(); ++i) read_message(messages[i], fields.at("messages", i), request.messages);
  // A last message of the assistant's is gone on with.
  request.continue_last = request.messages.size() > 0 && request.messages.back().role == Role::kAssistant &&
                          request.messages.back().tool_calls.empty();
  call.stream = fields.boolean("stream").value_or(false);
  read_sampling(fields, request);
  read_anthropic_tools(fields, request);
  read_tool_choice(fields, request);
  read_thinking(fields, call);
  read_output_config(fields, request);
  fields.only("speed", "standard", "there is one speed");
  fields.refuse("container", "this server runs no tools");
  fields.refuse("mcp_servers", "this server runs no tools");
  fields.refuse("context_management", "this server cuts nothing from a conversation");
  fields.refuse("diagnostics", "this server keeps no traces of caches");
  fields.refuse("inference_geo", "this server stands where it stands");
  fields.accept({"metadata", "service_tier", "cache_control", "user_profile_id", "workspace_id"});
  fields.end();
  check_request(request, "messages");
  return call;
}

}  // namespace shenbi::chat
