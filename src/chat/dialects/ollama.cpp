// Ollama's /api/chat and /api/generate: the requests.
//
// | accepted without effect                   | why                                                               |
// |-------------------------------------------|-------------------------------------------------------------------|
// | options: numa, num_batch, num_gpu, main_gpu, low_vram, f16_kv, logits_all, vocab_only, use_mmap, use_mlock, |
// |   embedding_only, num_thread              | how Ollama's runner is started; none changes the answer           |
// | options.num_keep                          | nothing is shifted out of the context                             |
// | options.mirostat_tau, mirostat_eta        | without mirostat they mean nothing                                |
// | truncate and shift, if false              | prompts are never cut here                                        |
//
// | refused                                   | why                                                               |
// |-------------------------------------------|-------------------------------------------------------------------|
// | truncate or shift: true                   | nothing is cut in silence                                         |
// | template, context                         | the model's own template; the conversation is sent whole          |
// | options: mirostat above 0, tfs_z below 1, penalize_newline false, repeat_last_n other than -1 | not implemented |
// | width, height, steps                      | this route gives text                                             |
//
// Calls have no ids in this dialect: they are numbered, and answers of tools are matched by name and order.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>

#include "base/limits.h"
#include "chat/dialect_ollama.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

constexpr std::string_view kNeverCut = "nothing is cut from a prompt in silence";

void read_options(Fields& fields, Generation& generation, OllamaCommon& common) {
  const OrderedJson* json = fields.object("options");
  if (!json) return;
  Fields options(*json, "options");
  Sampling& sampling = generation.sampling;
  sampling.temperature = options.number("temperature", 0, 100);
  sampling.top_p = options.number("top_p", 0, 1);
  read_local_sampling(options, sampling);
  sampling.repetition_penalty = options.number("repeat_penalty", 0.01, 100);
  sampling.presence_penalty = options.number("presence_penalty", -2, 2);
  sampling.frequency_penalty = options.number("frequency_penalty", -2, 2);
  // Ollama's -1 draws a seed.
  if (const auto seed = options.integer("seed", INT64_MIN, INT64_MAX); seed && *seed != -1) {
    sampling.seed = static_cast<uint64_t>(*seed);
  }
  // -1: without end, -2: until the context is full; here both end with the context.
  if (const auto most = options.integer("num_predict", -2, limits::kMaxContext); most && *most > 0) {
    generation.max_tokens = static_cast<uint64_t>(*most);
  } else if (most == 0) {
    options.fail("num_predict", "an answer has at least one token");
  }
  if (const auto context = options.integer("num_ctx", 1, limits::kMaxContext)) {
    common.context = static_cast<uint64_t>(*context);
  }
  set_stop(generation, options.texts("stop", limits::kMaxStopStrings), "options.stop");
  options.only("mirostat", 0, "not implemented");
  options.only("tfs_z", 1.0, "not implemented");
  options.only("penalize_newline", true, "not implemented");
  options.only("repeat_last_n", -1, "repeat_penalty looks at the whole context here (-1)");
  options.accept({"mirostat_tau", "mirostat_eta", "numa", "num_batch", "num_gpu", "main_gpu", "low_vram", "f16_kv",
                  "logits_all", "vocab_only", "use_mmap", "use_mlock", "embedding_only", "num_thread", "num_keep"});
  options.end();
}

void read_common(Fields& fields, Generation& generation, OllamaCommon& common) {
  common.stream = fields.boolean("stream").value_or(true);
  if (const OrderedJson* keep = fields.find("keep_alive")) common.keep_alive = ollama_keep_alive(*keep);
  read_options(fields, generation, common);
  if (const OrderedJson* format = fields.find("format")) {
    if (format->is_object()) {
      generation.format.kind = ResponseFormat::Kind::kJsonSchema;
      generation.format.schema = *format;
    } else if (*format == "json") {
      generation.format.kind = ResponseFormat::Kind::kJsonObject;
    } else if (*format != "") {
      fields.fail("format", "expected \"json\" or a JSON Schema");
    }
  }
  generation.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, 20);
  if (top && *top > 0 && !generation.logprobs) fields.fail("top_logprobs", "only where logprobs is true");
  generation.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  fields.only("truncate", false, kNeverCut);
  fields.only("shift", false, kNeverCut);
}

void read_think(Fields& fields, ChatRequest& request) {
  const OrderedJson* think = fields.find("think");
  if (!think) return;
  if (think->is_boolean()) {
    request.thinking = think->get<bool>();
  } else if (*think == "low" || *think == "medium" || *think == "high") {
    request.thinking = true;
    request.reasoning_effort = think->get<std::string>();
  } else {
    fields.fail("think", "expected true, false, low, medium or high");
  }
}

// The bytes say themselves what kind of image they are (the signatures of RFC 2083, JFIF, GIF89a, RFC 9649, BMP), and
// houses want to be told. Of others nothing is known but that they are called an image.
std::string image_type(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff"sv)) return "image/jpeg";
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(std::min<size_t>(8, bytes.size())).starts_with("WEBP"sv)) {
    return "image/webp";
  }
  if (bytes.starts_with("BM"sv)) return "image/bmp";
  return "image/*";
}

void read_images(Fields& fields, Message& message) {
  const OrderedJson* images = fields.list("images", 256);
  if (!images) return;
  for (size_t i = 0; i < images->size(); ++i) {
    const std::string field = fields.at("images", i);
    if (!(*images)[i].is_string()) refuse_field(field, "expected base64");
    const std::string& text = (*images)[i].get_ref<const std::string&>();
    if (text.starts_with("data:")) {
      message.parts.push_back(part_of_uri(text, field));
      continue;
    }
    std::string bytes = decoded_base64(text, field);
    std::string type = image_type(bytes);
    message.parts.push_back(part_of_bytes(std::move(type), std::move(bytes)));
  }
}

/// Gives calls numbers, and answers the number of the oldest unanswered call of that name.
class CallNumbers {
 public:
  std::string begin(const std::string& name) {
    const std::string id = fmt::format("call_{}", next_++);
    open_.push_back({id, name});
    return id;
  }
  std::string answer(const std::string& name, const std::string& field) {
    for (auto call = open_.begin(); call != open_.end(); ++call) {
      if (!name.empty() && call->second != name) continue;
      const std::string id = call->first;
      open_.erase(call);
      return id;
    }
    refuse_field(field, "a tool answers, but no call of that name waits for it");
  }

 private:
  std::deque<std::pair<std::string, std::string>> open_;
  int next_ = 0;
};

Message read_message(const OrderedJson& json, const std::string& field, CallNumbers& numbers) {
  Fields fields(json, field);
  Message message;
  const auto role = fields.word("role", {"system", "user", "assistant", "tool"});
  if (!role) fields.fail("role", "this field is needed");
  if (*role == "system") message.role = Role::kSystem;
  if (*role == "assistant") message.role = Role::kAssistant;
  if (const auto thinking = fields.text("thinking"); thinking && !thinking->empty()) {
    message.parts.push_back(thinking_part(*thinking));
  }
  const std::string content = fields.text("content").value_or("");
  if (!content.empty() || message.role != Role::kAssistant) message.parts.push_back(text_part(content));
  read_images(fields, message);
  if (*role == "tool") {
    message.role = Role::kTool;
    const auto name = fields.text("tool_name");
    message.name = name ? *name : fields.text("name").value_or("");
    fields.accept({"tool_call_id", "name"});
    message.tool_call_id = numbers.answer(message.name, field);
  }
  const OrderedJson* calls = fields.list("tool_calls", limits::kMaxRequestTools);
  for (size_t i = 0; calls && i < calls->size(); ++i) {
    const std::string at = fields.at("tool_calls", i);
    Fields call((*calls)[i], at);
    call.accept({"id", "type"});
    Fields function(call.needed_object("function"), at + ".function");
    function.accept({"index", "description"});
    const std::string name = checked_name(function.needed_text("name"), at + ".function.name");
    message.tool_calls.push_back({numbers.begin(name), name, dumped(function.needed_object("arguments"))});
    function.end();
    call.end();
  }
  fields.end();
  return message;
}

void read_ollama_tools(Fields& fields, ChatRequest& request) {
  const OrderedJson* tools = fields.list("tools", limits::kMaxRequestTools);
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    const std::string field = fields.at("tools", i);
    Fields tool((*tools)[i], field);
    tool.only("type", "function", "this server calls functions only");
    Fields function(tool.needed_object("function"), field + ".function");
    std::string name = function.needed_text("name");
    std::string description = function.text("description").value_or("");
    const bool strict = function.boolean("strict").value_or(false);
    add_tool(request, make_tool(std::move(name), std::move(description), function.find("parameters"), strict, field),
             field);
    function.end();
    tool.end();
  }
}

}  // namespace

double ollama_keep_alive(const OrderedJson& json) {
  if (json.is_number()) return json.get<double>();
  if (!json.is_string())
    refuse_field("keep_alive", fmt::format("expected seconds or a duration, found {}", kind_of(json)));
  std::string_view text = json.get_ref<const std::string&>();
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double total = 0;
  if (text.empty() || text.size() > 64) refuse_field("keep_alive", "expected a duration such as \"5m\"");
  while (!text.empty()) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc()) refuse_field("keep_alive", "expected a duration such as \"5m\"");
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const size_t length = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, length);
    if (unit == "h") {
      value *= 3600;
    } else if (unit == "m") {
      value *= 60;
    } else if (unit == "ms") {
      value /= 1000;
    } else if (unit != "s" && !unit.empty()) {
      refuse_field("keep_alive", "the units of a duration are h, m, s and ms");
    }
    total += value;
    text.remove_prefix(length);
  }
  return negative ? -total : total;
}

OllamaChat parse_ollama_chat(std::string_view body) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  OllamaChat call;
  ChatRequest& request = call.request;
  request.model = fields.needed_text("model");
  CallNumbers numbers;
  const OrderedJson* messages = fields.list("messages", limits::kMaxRequestMessages);
  for (size_t i = 0; messages && i < messages->size(); ++i) {
    request.messages.push_back(read_message((*messages)[i], fields.at("messages", i), numbers));
  }
  call.only_load = request.messages.empty();
  read_common(fields, request, call);
  read_ollama_tools(fields, request);
  read_think(fields, request);
  fields.end();
  if (!call.only_load) check_request(request, "messages");
  request.continue_last =
      !call.only_load && request.messages.back().role == Role::kAssistant && request.messages.back().tool_calls.empty();
  return call;
}

OllamaGenerate parse_ollama_generate(std::string_view body) {
  const OrderedJson json = parse_body(body);
  Fields fields(json, "");
  OllamaGenerate call;
  Generation shared;
  shared.model = fields.needed_text("model");
  read_common(fields, shared, call);
  const std::string prompt = fields.text("prompt").value_or("");
  const std::string suffix = fields.text("suffix").value_or("");
  const auto system = fields.text("system");
  call.raw = fields.boolean("raw").value_or(false);
  call.only_load = prompt.empty() && suffix.empty();
  call.uses_chat = !call.raw && suffix.empty();
  if (system && !system->empty() && !call.uses_chat) fields.fail("system", "not with raw or suffix");
  fields.only("template", "", "the model's own template is used; raw takes a finished prompt");
  fields.only("context", OrderedJson::array(), "deprecated by Ollama; /api/chat takes the whole conversation");
  for (const char* key : {"width", "height", "steps"}) fields.refuse(key, "this route gives text");

  static_cast<Generation&>(call.chat) = shared;
  static_cast<Generation&>(call.completion) = shared;
  read_think(fields, call.chat);
  if (system && !system->empty()) {
    call.chat.messages.push_back(Message{.role = Role::kSystem});
    call.chat.messages.back().parts.push_back(text_part(*system));
  }
  Message user{.role = Role::kUser};
  user.parts.push_back(text_part(prompt));
  read_images(fields, user);
  if (user.parts.size() > 1 && !call.uses_chat) fields.fail("images", "not with raw or suffix");
  call.chat.messages.push_back(std::move(user));
  call.completion.prompt = prompt;
  call.completion.suffix = suffix;
  fields.end();
  return call;
}

}  // namespace shenbi::chat
