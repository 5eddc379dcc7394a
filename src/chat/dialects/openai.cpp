// OpenAI's Chat Completions and Completions: the requests.
//
// | accepted without effect          | why                                                                        |
// |----------------------------------|----------------------------------------------------------------------------|
// | user, safety_identifier, metadata | whom it is for                                                            |
// | store                            | nothing is stored                                                          |
// | service_tier                     | there is one                                                               |
// | prompt_cache_*, cache_prompt     | prefixes are cached anyway                                                 |
// | prediction                       | a hint for speed                                                           |
// | image_url.detail                 | the model decides                                                          |
// | json_schema.strict               | a schema is always kept to                                                 |
// | stream_options.include_obfuscation | padding of streams                                                       |
//
// | refused                          | why                                                                        |
// |----------------------------------|----------------------------------------------------------------------------|
// | audio, modalities other than text | answers are text                                                          |
// | functions, function_call         | deprecated: tools and tool_choice                                          |
// | verbosity other than medium      | local models have no such control                                          |
// | web_search_options, moderation   | there is none                                                              |
// | best_of above n                  | only what is asked for is generated                                        |
// | images and files by address or id | no parser opens a connection, nothing is stored                           |

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "chat/dialect_openai.h"
#include "chat/dialects/openai_request.h"

namespace shenbi::chat {
namespace {

std::vector<Part> read_content(const OrderedJson& json, const std::string& field) {
  if (json.is_string()) return {text_part(json.get<std::string>())};
  if (!json.is_array()) refuse_field(field, fmt::format("expected a string or a list, found {}", kind_of(json)));
  std::vector<Part> parts;
  for (const OrderedJson& part : json)
    parts.push_back(read_openai_part(part, fmt::format("{}[{}]", field, parts.size())));
  return parts;
}

ToolCall read_call(const OrderedJson& json, const std::string& field) {
  Fields fields(json, field);
  fields.only("type", "function", "this server calls functions only");
  fields.accept({"index"});
  ToolCall call;
  call.id = fields.needed_text("id");
  Fields function(fields.needed_object("function"), field + ".function");
  call.name = checked_name(function.needed_text("name"), field + ".function.name");
  call.arguments = function.text("arguments").value_or("{}");
  function.end();
  fields.end();
  return call;
}

void read_assistant(Fields& fields, Message& message) {
  for (const char* key : {"reasoning_content", "reasoning", "thinking"}) {
    if (const auto text = fields.text(key); text && message.thinking().empty() && !text->empty()) {
      message.parts.insert(message.parts.begin(), thinking_part(*text));
    }
  }
  if (const auto refusal = fields.text("refusal")) message.parts.push_back(text_part(*refusal));
  fields.refuse("audio", "this server keeps no audio answers");
  fields.refuse("function_call", "deprecated: use tool_calls");
  fields.accept({"annotations"});
  const OrderedJson* calls = fields.list("tool_calls", limits::kMaxRequestTools);
  if (!calls) return;
  for (const OrderedJson& call : *calls) {
    message.tool_calls.push_back(read_call(call, fields.at("tool_calls", message.tool_calls.size())));
  }
}

Message read_message(const OrderedJson& json, const std::string& field) {
  Fields fields(json, field);
  Message message;
  const std::string role = fields.needed_text("role");
  if (role == "system") {
    message.role = Role::kSystem;
  } else if (role == "developer") {
    message.role = Role::kDeveloper;
  } else if (role == "user") {
    message.role = Role::kUser;
  } else if (role == "assistant") {
    message.role = Role::kAssistant;
  } else if (role == "tool") {
    message.role = Role::kTool;
    message.tool_call_id = fields.needed_text("tool_call_id");
  } else {
    fields.fail("role", "expected system, developer, user, assistant or tool");
  }
  const OrderedJson* content = fields.find("content");
  if (content) {
    message.parts = read_content(*content, field + ".content");
  } else if (message.role != Role::kAssistant) {
    fields.fail("content", "this field is needed");
  }
  message.name = fields.text("name").value_or("");
  if (message.role == Role::kAssistant) read_assistant(fields, message);
  fields.end();
  return message;
}

void read_openai_tools(Fields& fields, ChatRequest& request) {
  const OrderedJson* tools = fields.list("tools", limits::kMaxRequestTools);
  if (!tools) return;
  for (const OrderedJson& json : *tools) {
    const std::string field = fields.at("tools", request.tools.size());
    Fields tool(json, field);
    tool.only("type", "function", "this server calls functions only");
    Fields function(tool.needed_object("function"), field + ".function");
    add_tool(request, read_openai_function(function, field + ".function"), field);
    function.end();
    tool.end();
  }
}

// "the last message is gone on with", and what vLLM's clients send along with it.
void read_continuation(Fields& fields, ChatRequest& request) {
  request.continue_last = fields.boolean("continue_final_message").value_or(false);
  const bool prompt = fields.boolean("add_generation_prompt").value_or(!request.continue_last);
  if (prompt == request.continue_last) {
    refuse_field("add_generation_prompt", "must be the opposite of continue_final_message");
  }
  if (request.continue_last && (request.messages.empty() || request.messages.back().role != Role::kAssistant)) {
    refuse_field("continue_final_message", "the last message must be the assistant's");
  }
}

void read_thinking(Fields& fields, ChatRequest& request) {
  if (const auto effort =
          fields.word("reasoning_effort", {"none", "minimal", "low", "medium", "high", "xhigh", "max"})) {
    set_effort(request, *effort);
  }
  if (const OrderedJson* json = fields.object("thinking")) {  // Zhipu's and DeepSeek's switch
    Fields thinking(*json, "thinking");
    const auto type = thinking.word("type", {"enabled", "disabled", "auto"});
    if (type && *type != "auto") request.thinking = *type == "enabled";
    thinking.end();
  }
  if (const auto enabled = fields.boolean("enable_thinking")) request.thinking = enabled;  // Alibaba's
  if (const auto budget = fields.integer("thinking_budget", 1, limits::kMaxContext)) {     // Alibaba's, too
    request.thinking_budget = static_cast<uint64_t>(*budget);
  }
  if (const OrderedJson* arguments = fields.object("chat_template_kwargs")) {
    request.template_arguments = *arguments;
    const auto enabled = arguments->find("enable_thinking");
    if (enabled != arguments->end() && enabled->is_boolean()) request.thinking = enabled->get<bool>();
  }
}

std::optional<uint64_t> read_max_tokens(Fields& fields, std::string_view key) {
  const auto most = fields.integer(key, 1, static_cast<int64_t>(limits::kMaxContext));
  return most ? std::optional<uint64_t>(static_cast<uint64_t>(*most)) : std::nullopt;
}

void accept_harmless(Fields& fields) {
  fields.accept({"user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key",
                 "prompt_cache_options", "prompt_cache_retention", "cache_prompt", "prediction"});
  fields.refuse("audio", "this server answers in text");
  fields.only("modalities", OrderedJson::array({"text"}), "this server answers in text");
  fields.only("verbosity", "medium", "this server has no control over it");
  fields.refuse("functions", "deprecated: use tools");
  fields.refuse("function_call", "deprecated: use tool_choice");
  fields.refuse("web_search_options", "this server does not search the web");
  fields.refuse("moderation", "this server does not moderate");
}

// --- completions ---

std::vector<int32_t> token_ids(const OrderedJson& list, const std::string& field) {
  std::vector<int32_t> ids;
  for (const OrderedJson& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX) {
      refuse_field(fmt::format("{}[{}]", field, ids.size()), "a token's id is expected");
    }
    ids.push_back(id.get<int32_t>());
  }
  if (ids.empty()) refuse_field(field, "a list of token ids may not be empty");
  return ids;
}

// A string, ids, or a list of either.
std::vector<CompletionRequest> read_prompts(const OrderedJson& json) {
  std::vector<CompletionRequest> requests;
  const auto add = [&requests](const OrderedJson& prompt, const std::string& field) {
    CompletionRequest request;
    if (prompt.is_string()) {
      request.prompt = prompt.get<std::string>();
    } else if (prompt.is_array()) {
      request.prompt_ids = token_ids(prompt, field);
    } else {
      refuse_field(field, fmt::format("expected a string or token ids, found {}", kind_of(prompt)));
    }
    requests.push_back(std::move(request));
  };
  const bool many = json.is_array() && !json.empty() && !json[0].is_number();
  if (!many) {
    add(json, "prompt");
    return requests;
  }
  if (json.size() > limits::kMaxRequestPrompts) {
    refuse_field("prompt", fmt::format("{} prompts, at most {} are allowed", json.size(), limits::kMaxRequestPrompts));
  }
  for (const OrderedJson& prompt : json) add(prompt, fmt::format("prompt[{}]", requests.size()));
  return requests;
}

}  // namespace

OpenAiChat parse_openai_chat(std::string_view body) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  OpenAiChat call;
  ChatRequest& request = call.request;
  request.model = fields.needed_text("model");
  for (const OrderedJson& message : fields.needed_list("messages", limits::kMaxRequestMessages)) {
    request.messages.push_back(read_message(message, fields.at("messages", request.messages.size())));
  }
  call.stream = fields.boolean("stream").value_or(false);
  call.include_usage = read_stream_options(fields, call.stream);
  call.n = static_cast<uint32_t>(fields.integer("n", 1, limits::kMaxChoices).value_or(1));
  request.max_tokens = read_max_tokens(fields, "max_tokens");
  if (const auto most = read_max_tokens(fields, "max_completion_tokens")) request.max_tokens = most;
  read_openai_sampling(fields, request);
  set_stop(request, fields.texts("stop", limits::kMaxStopStrings), "stop");
  request.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, 20);
  if (top && *top > 0 && !request.logprobs) fields.fail("top_logprobs", "only where logprobs is true");
  request.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  if (const OrderedJson* format = fields.find("response_format")) {
    request.format = read_openai_format(*format, "response_format", true);
  }
  read_guided(fields, request);
  read_openai_tools(fields, request);
  if (const OrderedJson* choice = fields.find("tool_choice")) read_openai_tool_choice(*choice, true, request);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  read_thinking(fields, request);
  read_continuation(fields, request);
  accept_harmless(fields);
  fields.end();
  check_request(request, "messages");
  return call;
}

OpenAiCompletion parse_openai_completion(std::string_view body) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  OpenAiCompletion call;
  call.requests = read_prompts(fields.needed("prompt"));
  call.stream = fields.boolean("stream").value_or(false);
  call.include_usage = read_stream_options(fields, call.stream);
  call.n = static_cast<uint32_t>(fields.integer("n", 1, limits::kMaxChoices).value_or(1));
  const auto best_of = fields.integer("best_of", 1, limits::kMaxChoices);
  if (best_of && *best_of != call.n) fields.fail("best_of", "this server generates what n asks for, and no more");
  call.echo = fields.boolean("echo").value_or(false);
  const auto logprobs = fields.integer("logprobs", 0, 20);
  call.logprobs = static_cast<uint32_t>(logprobs.value_or(0));

  CompletionRequest shared;
  shared.model = fields.needed_text("model");
  // 16 is OpenAI's default here.
  shared.max_tokens = fields.integer("max_tokens", 0, static_cast<int64_t>(limits::kMaxContext)).value_or(16);
  if (shared.max_tokens == 0u && !call.echo) fields.fail("max_tokens", "0 makes sense with echo alone");
  read_openai_sampling(fields, shared);
  set_stop(shared, fields.texts("stop", limits::kMaxStopStrings), "stop");
  shared.logprobs = logprobs.has_value();
  shared.top_logprobs = call.logprobs;
  if (const OrderedJson* format = fields.find("response_format")) {
    shared.format = read_openai_format(*format, "response_format", true);
  }
  read_guided(fields, shared);
  shared.suffix = fields.text("suffix").value_or("");
  shared.add_special = fields.boolean("add_special_tokens").value_or(true);
  fields.accept({"user", "store", "metadata", "cache_prompt"});
  fields.end();

  // Each prompt gets a copy of what they share, a schema for example.
  if (call.requests.size() * body.size() > limits::kMaxPromptBytes) {
    refuse_field("prompt",
                 fmt::format("{} prompts are too many for a body of {} bytes", call.requests.size(), body.size()));
  }
  for (CompletionRequest& request : call.requests) {
    CompletionRequest whole = shared;
    whole.prompt = std::move(request.prompt);
    whole.prompt_ids = std::move(request.prompt_ids);
    // The text of ids is known to the model alone: it tells it with the events of the prompt.
    whole.prompt_logprobs = call.echo && (shared.logprobs || !whole.prompt_ids.empty());
    request = std::move(whole);
  }
  return call;
}

}  // namespace shenbi::chat
