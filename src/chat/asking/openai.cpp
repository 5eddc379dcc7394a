// Chat Completions and Completions as a client writes them, for OpenAI and the many houses that speak like it. What a
// house does otherwise is in AskingTraits.

#include <fmt/format.h>

#include "chat/asking/openai_asking.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

class OpenAiWriter {
 public:
  explicit OpenAiWriter(const AskingTraits& traits) : traits_(traits) {}

  std::string chat(const ChatRequest& request, bool stream) {
    body_["model"] = request.model;
    OrderedJson& messages = body_["messages"] = OrderedJson::array();
    for (size_t i = 0; i < request.messages.size(); ++i) messages.push_back(message(request.messages[i], i));
    generation(request, traits_.max_tokens_field);
    logprobs(request);
    format(request.format);
    tools(request);
    thinking(request);
    continuation(request);
    streaming(stream);
    return dumped(body_);
  }

  std::string complete(const CompletionRequest& request, bool stream) {
    body_["model"] = request.model;
    if (request.prompt_ids.empty()) {
      body_["prompt"] = request.prompt;
    } else {
      body_["prompt"] = request.prompt_ids;
    }
    if (!request.suffix.empty()) body_["suffix"] = request.suffix;
    // In an echo the prompt's end is not marked, so it could not be told from the answer.
    if (request.prompt_logprobs) refuse_field("echo", "the prompt's tokens cannot be asked for upstream");
    if (!request.add_special) {
      if (!traits_.extended_sampling) refuse("add_special_tokens");
      body_["add_special_tokens"] = false;
    }
    generation(request, "max_tokens");
    if (request.logprobs) {
      if (!traits_.logprobs) refuse("logprobs");
      body_["logprobs"] = request.top_logprobs;
    }
    if (request.format.kind == ResponseFormat::Kind::kJsonObject ||
        request.format.kind == ResponseFormat::Kind::kJsonSchema) {
      if (!traits_.guided) refuse("response_format");
    }
    format(request.format);
    streaming(stream);
    return dumped(body_);
  }

 private:
  [[noreturn]] void refuse(std::string_view field) const { no_such_setting(field, traits_.house); }

  template <class Value>
  void put(const char* key, const std::optional<Value>& value, bool understood) {
    if (!value) return;
    if (!understood) refuse(key);
    body_[key] = *value;
  }

  // --- messages ---

  OrderedJson part(const Part& part, const std::string& field) const {
    switch (part.kind) {
      case Part::Kind::kImage:
        if (!traits_.images) refuse_field(field, fmt::format("{} reads no images", traits_.house));
        return {{"type", "image_url"}, {"image_url", {{"url", data_uri(part)}}}};
      case Part::Kind::kAudio: {
        std::string format = part.mime.substr(part.mime.find('/') + 1);
        if (format == "mpeg") format = "mp3";
        if (format == "x-wav" || format == "wave") format = "wav";
        return {{"type", "input_audio"}, {"input_audio", {{"data", encoded_base64(part.data)}, {"format", format}}}};
      }
      case Part::Kind::kFile: {
        OrderedJson file = {{"file_data", data_uri(part)}};
        if (!part.name.empty()) file["filename"] = part.name;
        return {{"type", "file"}, {"file", std::move(file)}};
      }
      default:
        return {{"type", "text"}, {"text", part.text}};
    }
  }

  // One text is a string, which every house reads; a list is newer.
  OrderedJson content(const Message& message, size_t index) const {
    OrderedJson list = OrderedJson::array();
    bool plain = true;
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part& one = message.parts[i];
      if (one.kind == Part::Kind::kThinking) continue;
      plain &= one.kind == Part::Kind::kText;
      if (one.kind != Part::Kind::kText && (message.role != Role::kUser)) {
        refuse_field(part_field(index, i),
                     fmt::format("{} takes only text from the {}", traits_.house, role_name(message.role)));
      }
      list.push_back(part(one, part_field(index, i)));
    }
    if (plain && list.size() == 1) return list[0]["text"];
    return list;
  }

  OrderedJson message(const Message& message, size_t index) const {
    const bool renamed = message.role == Role::kDeveloper && !traits_.developer_role;
    OrderedJson json = {{"role", renamed ? "system" : role_name(message.role)}};
    OrderedJson said = content(message, index);
    if (said.is_array() && said.empty()) said = message.tool_calls.empty() ? OrderedJson("") : OrderedJson();
    json["content"] = std::move(said);
    if (message.role == Role::kTool) json["tool_call_id"] = message.tool_call_id;
    if (!message.name.empty()) json["name"] = message.name;
    if (const std::string thought = message.thinking(); !thought.empty() && !traits_.thinking_field.empty()) {
      json[traits_.thinking_field] = thought;
    }
    for (const ToolCall& call : message.tool_calls) {
      json["tool_calls"].push_back(
          {{"id", call.id},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}}}});
    }
    return json;
  }

  // --- settings ---

  void generation(const Generation& generation, const std::string& max_tokens_field) {
    const Sampling& sampling = generation.sampling;
    const bool extended = traits_.extended_sampling, llama = traits_.llama_sampling;
    put("temperature", sampling.temperature, true);
    put("top_p", sampling.top_p, true);
    if (sampling.top_p && traits_.top_p_below > 0 && *sampling.top_p >= traits_.top_p_below) {
      if (*sampling.top_p < 1) {
        refuse_field("top_p", fmt::format("{} takes only values below {}", traits_.house, traits_.top_p_below));
      }
      body_["top_p"] = traits_.top_p_below - 0.0001;
    }
    put("top_k", sampling.top_k, extended || traits_.top_k);
    put("min_p", sampling.min_p, extended);
    put("repetition_penalty", sampling.repetition_penalty, extended);
    put("typical_p", sampling.typical_p, llama);
    put("dry_multiplier", sampling.dry_multiplier, llama);
    put("dry_base", sampling.dry_base, llama);
    put("dry_allowed_length", sampling.dry_allowed_length, llama);
    put("dry_penalty_last_n", sampling.dry_last_n, llama);
    put("frequency_penalty", sampling.frequency_penalty, traits_.penalties);
    put("presence_penalty", sampling.presence_penalty, traits_.penalties);
    if (sampling.seed) {
      if (traits_.seed_field.empty()) refuse("seed");
      body_[traits_.seed_field] = static_cast<int64_t>(*sampling.seed);
    }
    if (!sampling.logit_bias.empty() && !traits_.logit_bias) refuse("logit_bias");
    for (const auto& [id, bias] : sampling.logit_bias) body_["logit_bias"][std::to_string(id)] = bias;
    if (generation.max_tokens && !max_tokens_field.empty()) body_[max_tokens_field] = *generation.max_tokens;
    if (!generation.stop.empty()) {
      if (!traits_.stop) refuse("stop");
      body_["stop"] = generation.stop;
    }
    if (!generation.stop_ids.empty()) {
      if (!extended) refuse("stop_token_ids");
      body_["stop_token_ids"] = generation.stop_ids;
    }
    put("ignore_eos", generation.ignore_end ? std::optional(true) : std::nullopt, extended);
    put("priority", generation.priority != 0 ? std::optional(generation.priority) : std::nullopt, extended);
  }

  void logprobs(const Generation& generation) {
    if (!generation.logprobs) return;
    if (!traits_.logprobs) refuse("logprobs");
    body_["logprobs"] = true;
    if (generation.top_logprobs > 0) body_["top_logprobs"] = generation.top_logprobs;
  }

  void format(const ResponseFormat& format) {
    switch (format.kind) {
      case ResponseFormat::Kind::kText:
        return;
      case ResponseFormat::Kind::kJsonObject:
        body_["response_format"] = {{"type", "json_object"}};
        return;
      case ResponseFormat::Kind::kJsonSchema:
        if (!traits_.json_schema) refuse("response_format.json_schema");
        body_["response_format"] = {{"type", "json_schema"},
                                    {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", format.schema}}}};
        return;
      case ResponseFormat::Kind::kRegex:
        if (!traits_.guided) refuse("guided_regex");
        body_["guided_regex"] = format.text;
        return;
      case ResponseFormat::Kind::kChoice:
        if (!traits_.guided) refuse("guided_choice");
        body_["guided_choice"] = format.choices;
        return;
      case ResponseFormat::Kind::kGrammar:
        if (!traits_.guided) refuse("guided_grammar");
        body_["guided_grammar"] = format.text;
        return;
    }
  }

  void tools(const ChatRequest& request) {
    for (const Tool& tool : request.tools) {
      OrderedJson function = {{"name", tool.name}};
      if (!tool.description.empty()) function["description"] = tool.description;
      if (!tool.parameters.is_null()) function["parameters"] = tool.parameters;
      if (tool.strict && traits_.strict_tools) function["strict"] = true;
      body_["tools"].push_back({{"type", "function"}, {"function", std::move(function)}});
    }
    if (request.tools.empty()) return;
    switch (request.tool_choice.mode) {
      case ToolChoice::Mode::kAuto:
        break;
      case ToolChoice::Mode::kNone:
        body_["tool_choice"] = "none";
        break;
      case ToolChoice::Mode::kRequired:
        body_["tool_choice"] = "required";
        break;
      case ToolChoice::Mode::kFunction:
        body_["tool_choice"] = {{"type", "function"}, {"function", {{"name", request.tool_choice.name}}}};
        break;
    }
    if (!request.parallel_tool_calls) body_["parallel_tool_calls"] = false;
  }

  void thinking(const ChatRequest& request) {
    const bool has_arguments = request.template_arguments.is_object() && !request.template_arguments.empty();
    if (has_arguments && traits_.thinking != AskingTraits::Thinking::kTemplate) refuse("chat_template_kwargs");
    const std::string& effort = request.reasoning_effort;
    if (has_arguments) body_["chat_template_kwargs"] = request.template_arguments;
    if (effort.empty() && !request.thinking) return;
    const bool on = request.thinking.value_or(effort != "none");
    switch (traits_.thinking) {
      case AskingTraits::Thinking::kNone:
        refuse(effort.empty() ? "thinking" : "reasoning_effort");
      case AskingTraits::Thinking::kEffort:
        // "medium" is what OpenAI's models do where thinking is merely switched on.
        body_["reasoning_effort"] = !on ? "none" : effort.empty() || effort == "none" ? "medium" : effort;
        return;
      case AskingTraits::Thinking::kEnableThinking:
        body_["enable_thinking"] = on;
        return;
      case AskingTraits::Thinking::kThinkingType:
        body_["thinking"] = {{"type", on ? "enabled" : "disabled"}};
        return;
      case AskingTraits::Thinking::kTemplate:
        if (!effort.empty()) body_["reasoning_effort"] = effort;
        if (request.thinking) body_["chat_template_kwargs"]["enable_thinking"] = on;
        return;
    }
  }

  void continuation(const ChatRequest& request) {
    if (!request.continue_last) return;
    if (traits_.continue_field.empty()) refuse("continue_final_message");
    if (traits_.continue_field == "continue_final_message") {
      body_["continue_final_message"] = true;
      body_["add_generation_prompt"] = false;
    } else if (!body_["messages"].empty()) {
      body_["messages"].back()[traits_.continue_field] = true;
    }
  }

  void streaming(bool stream) {
    if (!stream) return;
    body_["stream"] = true;
    if (traits_.stream_usage) body_["stream_options"] = {{"include_usage", true}};
  }

  const AskingTraits& traits_;
  OrderedJson body_ = OrderedJson::object();
};

}  // namespace

Asking openai_asking(AskingTraits given) {
  const auto traits = std::make_shared<const AskingTraits>(std::move(given));
  return {
      .chat = [traits](const ChatRequest& request, bool stream) { return OpenAiWriter(*traits).chat(request, stream); },
      .complete = [traits](const CompletionRequest& request,
                           bool stream) { return OpenAiWriter(*traits).complete(request, stream); },
      .reader = [traits] { return openai_reader(*traits); },
      .completion_reader = [traits] { return openai_completion_reader(*traits); },
      .error = [traits](
                   int status,
                   std::string_view body) { return read_error(traits->house, status, body, traits->error_status); }};
}

}  // namespace shenbi::chat
