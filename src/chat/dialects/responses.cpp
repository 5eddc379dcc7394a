// OpenAI's Responses: the request. Its input is a list of items; what the assistant thought, said and called in one
// turn is several items there and one message here.
//
// | accepted without effect                        | why                                                          |
// |------------------------------------------------|--------------------------------------------------------------|
// | user, safety_identifier, metadata, service_tier, prompt_cache_* | as in Chat Completions                      |
// | store                                          | nothing is stored; the answer says store: false              |
// | include reasoning.encrypted_content            | thinking comes in plain text; there is nothing to decrypt    |
// | reasoning.summary                              | thinking is given whole, not summed up                       |
// | truncation "disabled", background false        | that is how it is                                            |
// | item ids and status                            | nothing is stored under them                                 |
// | parsed, parsed_arguments                       | what OpenAI's own client adds to items that it hands back    |
//
// | refused                                        | why                                                          |
// |------------------------------------------------|--------------------------------------------------------------|
// | previous_response_id, conversation, item_reference, prompt | nothing is stored                                |
// | background true, truncation "auto"             | not here; nothing is cut in silence                          |
// | tools other than functions, max_tool_calls     | this server runs no tools                                    |
// | other values of include                        | they belong to tools that are not there                      |
// | images and files by address or id              | no parser opens a connection                                 |

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/dialect_responses.h"
#include "chat/dialects/openai_request.h"

namespace shenbi::chat {
namespace {

constexpr std::string_view kNoStoredResponses = "this server stores no responses; send the whole conversation as input";

Part read_part(const OrderedJson& json, const std::string& field) {
  Fields fields(json, field);
  const std::string type = fields.needed_text("type");
  fields.accept({"annotations", "logprobs", "detail", "prompt_cache_breakpoint", "parsed"});
  Part part;
  if (type == "input_text" || type == "output_text" || type == "text") {
    part = text_part(fields.needed_text("text"));
  } else if (type == "refusal") {
    part = text_part(fields.needed_text("refusal"));
  } else if (type == "input_image") {
    fields.refuse("file_id", "this server stores no files; send a data URI");
    part = part_of_uri(fields.needed_text("image_url"), field + ".image_url");
    if (part.kind != Part::Kind::kImage) refuse_field(field + ".image_url", "the data URI is no image");
  } else if (type == "input_file") {
    fields.refuse("file_id", "this server stores no files; send file_data");
    fields.refuse("file_url", "this server opens no addresses; send file_data");
    part = part_of_uri(fields.needed_text("file_data"), field + ".file_data");
    part.name = fields.text("filename").value_or("");
  } else {
    fields.fail("type", "expected input_text, input_image, input_file, output_text or refusal");
  }
  fields.end();
  return part;
}

std::vector<Part> read_parts(const OrderedJson& json, const std::string& field) {
  if (json.is_string()) return {text_part(json.get<std::string>())};
  if (!json.is_array()) refuse_field(field, fmt::format("expected a string or a list, found {}", kind_of(json)));
  std::vector<Part> parts;
  for (const OrderedJson& one : json) parts.push_back(read_part(one, fmt::format("{}[{}]", field, parts.size())));
  return parts;
}

class ItemReader {
 public:
  explicit ItemReader(std::vector<Message>& messages) : messages_(messages) {}

  void read(const OrderedJson& json, const std::string& field) {
    Fields item(json, field);
    const std::string type = item.text("type").value_or("message");
    item.accept({"id", "status"});
    if (type == "message") {
      message(item, field);
    } else if (type == "function_call") {
      const std::string name = checked_name(item.needed_text("name"), field + ".name");
      assistant().tool_calls.push_back({item.needed_text("call_id"), name, item.needed_text("arguments")});
      item.accept({"caller", "parsed_arguments", "async"});
      item.refuse("namespace", "functions have plain names here");
    } else if (type == "function_call_output") {
      Message result{.role = Role::kTool};
      result.tool_call_id = item.needed_text("call_id");
      result.parts = read_parts(item.needed("output"), field + ".output");
      item.accept({"caller", "name"});
      messages_.push_back(std::move(result));
    } else if (type == "reasoning") {
      reasoning(item);
    } else if (type == "item_reference") {
      item.fail("type", kNoStoredResponses);
    } else {
      item.fail("type", "expected message, function_call, function_call_output or reasoning");
    }
    item.end();
  }

 private:
  /// The assistant's message that items of its turn are added to.
  Message& assistant() {
    if (messages_.empty() || messages_.back().role != Role::kAssistant) {
      messages_.push_back(Message{.role = Role::kAssistant});
    }
    return messages_.back();
  }

  void message(Fields& item, const std::string& field) {
    const auto role = item.word("role", {"user", "assistant", "system", "developer"});
    if (!role) item.fail("role", "this field is needed");
    item.accept({"phase"});
    std::vector<Part> parts = read_parts(item.needed("content"), field + ".content");
    if (*role == "assistant") {
      // Two texts are two messages; thinking and a text are one.
      const bool said = !messages_.empty() && messages_.back().role == Role::kAssistant &&
                        (!messages_.back().text().empty() || !messages_.back().tool_calls.empty());
      if (said) messages_.push_back(Message{.role = Role::kAssistant});
      Message& last = assistant();
      for (Part& part : parts) last.parts.push_back(std::move(part));
      return;
    }
    Message message;
    message.role = *role == "user" ? Role::kUser : *role == "system" ? Role::kSystem : Role::kDeveloper;
    message.parts = std::move(parts);
    messages_.push_back(std::move(message));
  }

  void reasoning(Fields& item) {
    std::string text;
    for (const char* key : {"content", "summary"}) {
      const OrderedJson* list = item.list(key);
      for (size_t i = 0; list && i < list->size(); ++i) {
        const std::string at = item.at(key, i);
        Fields part((*list)[i], at);
        part.word("type", {"reasoning_text", "summary_text"});
        const std::string one = part.needed_text("text");
        part.end();
        if (key == std::string_view("content") || text.empty()) text += one;
      }
    }
    const std::string signature = item.text("encrypted_content").value_or("");
    if (!messages_.empty() && messages_.back().role == Role::kAssistant)
      messages_.push_back(Message{.role = Role::kAssistant});
    if (!text.empty() || !signature.empty()) assistant().parts.push_back(thinking_part(text, signature));
  }

  std::vector<Message>& messages_;
};

void read_responses_tools(Fields& fields, ChatRequest& request) {
  const OrderedJson* tools = fields.list("tools", limits::kMaxRequestTools);
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    const std::string field = fields.at("tools", i);
    Fields tool((*tools)[i], field);
    tool.only("type", "function", "this server runs no tools of its own");
    add_tool(request, read_openai_function(tool, field), field);
    tool.accept({"type", "defer_loading", "allowed_callers", "output_schema"});
    tool.end();
  }
}

void read_reasoning(Fields& fields, ChatRequest& request) {
  const OrderedJson* json = fields.object("reasoning");
  if (!json) return;
  Fields reasoning(*json, "reasoning");
  if (const auto effort = reasoning.word("effort", {"none", "minimal", "low", "medium", "high", "xhigh", "max"})) {
    set_effort(request, *effort);
  }
  reasoning.accept({"summary", "generate_summary", "context", "mode"});
  reasoning.end();
}

void read_text(Fields& fields, ChatRequest& request) {
  const OrderedJson* json = fields.object("text");
  if (!json) return;
  Fields text(*json, "text");
  if (const OrderedJson* format = text.find("format"))
    request.format = read_openai_format(*format, "text.format", false);
  text.only("verbosity", "medium", "this server has no control over it");
  text.end();
}

void read_include(Fields& fields, ChatRequest& request) {
  for (const std::string& one : fields.texts("include", 16)) {
    if (one == "message.output_text.logprobs") {
      request.logprobs = true;
    } else if (one != "reasoning.encrypted_content") {
      fields.fail("include", "only message.output_text.logprobs and reasoning.encrypted_content mean something here");
    }
  }
  const auto top = fields.integer("top_logprobs", 0, 20);
  if (top && *top > 0 && !request.logprobs) {
    fields.fail("top_logprobs", "only where include has message.output_text.logprobs");
  }
  request.top_logprobs = static_cast<uint32_t>(top.value_or(0));
}

// What the answer repeats of the request, with OpenAI's defaults.
OrderedJson echo_of(const OrderedJson& json) {
  static const OrderedJson defaults = {{"background", false},
                                       {"instructions", nullptr},
                                       {"max_output_tokens", nullptr},
                                       {"max_tool_calls", nullptr},
                                       {"metadata", OrderedJson::object()},
                                       {"parallel_tool_calls", true},
                                       {"previous_response_id", nullptr},
                                       {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                                       {"service_tier", "default"},
                                       {"store", false},
                                       {"temperature", 1.0},
                                       {"text", {{"format", {{"type", "text"}}}}},
                                       {"tool_choice", "auto"},
                                       {"tools", OrderedJson::array()},
                                       {"top_logprobs", 0},
                                       {"top_p", 1.0},
                                       {"truncation", "disabled"},
                                       {"user", nullptr}};
  OrderedJson echo = OrderedJson::object();
  for (const auto& [key, value] : defaults.items()) {
    const auto given = json.find(key);
    echo[key] = given == json.end() || given->is_null() || key == "store" || key == "service_tier" ? value : *given;
  }
  for (OrderedJson& tool : echo["tools"]) {
    if (!tool.contains("strict")) tool["strict"] = false;
    if (!tool.contains("parameters")) tool["parameters"] = nullptr;
  }
  return echo;
}

}  // namespace

OpenAiResponses parse_openai_responses(std::string_view body) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  OpenAiResponses call;
  ChatRequest& request = call.request;
  request.model = fields.needed_text("model");
  if (const auto instructions = fields.text("instructions"); instructions && !instructions->empty()) {
    request.messages.push_back(Message{.role = Role::kSystem});
    request.messages.back().parts.push_back(text_part(*instructions));
  }
  const OrderedJson& input = fields.needed("input");
  if (input.is_string()) {
    request.messages.push_back(Message{.role = Role::kUser});
    request.messages.back().parts.push_back(text_part(input.get<std::string>()));
  } else {
    ItemReader reader(request.messages);
    const OrderedJson& items = fields.needed_list("input", limits::kMaxRequestMessages);
    for (size_t i = 0; i < items.size(); ++i) reader.read(items[i], fields.at("input", i));
  }
  call.stream = fields.boolean("stream").value_or(false);
  read_stream_options(fields, call.stream);
  if (const auto most = fields.integer("max_output_tokens", 1, limits::kMaxContext)) request.max_tokens = *most;
  read_openai_sampling(fields, request);
  set_stop(request, fields.texts("stop", limits::kMaxStopStrings), "stop");
  read_text(fields, request);
  read_guided(fields, request);
  read_responses_tools(fields, request);
  if (const OrderedJson* choice = fields.find("tool_choice")) read_openai_tool_choice(*choice, false, request);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  read_reasoning(fields, request);
  read_include(fields, request);
  for (const char* key : {"previous_response_id", "conversation", "prompt"}) fields.refuse(key, kNoStoredResponses);
  fields.only("background", false, "answers are given while one waits");
  fields.only("truncation", "disabled", "nothing is cut from a conversation in silence");
  fields.refuse("max_tool_calls", "this server runs no tools of its own");
  fields.refuse("context_management", "nothing is cut from a conversation in silence");
  fields.refuse("moderation", "this server does not moderate");
  fields.accept({"user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key",
                 "prompt_cache_options", "prompt_cache_retention"});
  fields.end();
  check_request(request, "input");
  call.echo = echo_of(json);
  return call;
}

}  // namespace shenbi::chat
