// OpenAI's Responses as a client writes it, without a store: the whole conversation goes as items, and reasoning comes
// back encrypted. A reasoning item must return under the id it came with, so a signature is "ID|ENCRYPTED" here.

#include <fmt/format.h>

#include "chat/asking/request_words.h"
#include "chat/asking/responses_reader.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

class ResponsesWriter {
 public:
  explicit ResponsesWriter(const AskingTraits& traits) : traits_(traits) {}

  std::string write(const ChatRequest& request, bool stream) {
    body_["model"] = request.model;
    input(request);
    settings(request);
    format(request.format);
    tools(request);
    reasoning(request);
    body_["store"] = false;
    if (stream) body_["stream"] = true;
    return dumped(body_);
  }

 private:
  [[noreturn]] void refuse(std::string_view field) const { no_such_setting(field, traits_.house); }

  OrderedJson part(const Part& part, const std::string& field) const {
    switch (part.kind) {
      case Part::Kind::kImage:
        if (!traits_.images) refuse_field(field, fmt::format("{} reads no images", traits_.house));
        return {{"type", "input_image"}, {"image_url", data_uri(part)}, {"detail", "auto"}};
      case Part::Kind::kFile: {
        OrderedJson json = {{"type", "input_file"}, {"file_data", data_uri(part)}};
        if (!part.name.empty()) json["filename"] = part.name;
        return json;
      }
      case Part::Kind::kAudio:
        refuse_field(field, "the Responses API hears no sound");
      default:
        return {{"type", "input_text"}, {"text", part.text}};
    }
  }

  OrderedJson parts(const Message& message, size_t index) const {
    OrderedJson list = OrderedJson::array();
    for (size_t i = 0; i < message.parts.size(); ++i) {
      if (message.parts[i].kind != Part::Kind::kThinking) {
        list.push_back(part(message.parts[i], part_field(index, i)));
      }
    }
    if (list.size() == 1 && list[0]["type"] == "input_text") return list[0]["text"];
    return list;
  }

  // Thinking that OpenAI encrypted returns as it came; other thinking only to a house that reads it in plain text.
  void add_thinking(const Part& part, OrderedJson& input) {
    const bool readable = !traits_.thinking_field.empty() && !part.text.empty();
    if (part.signature.empty() && !readable) return;
    const size_t bar = part.signature.starts_with("rs_") ? part.signature.find('|') : std::string::npos;
    const bool named = bar != std::string::npos;
    OrderedJson item = {{"type", "reasoning"},
                        {"id", named ? part.signature.substr(0, bar) : fmt::format("rs_{}", next_id_++)},
                        {"summary", OrderedJson::array()}};
    if (readable) {
      item["content"].push_back({{"type", "reasoning_text"}, {"text", part.text}});
    } else if (!part.text.empty()) {
      item["summary"].push_back({{"type", "summary_text"}, {"text", part.text}});
    }
    if (!part.signature.empty()) {
      item["encrypted_content"] = named ? part.signature.substr(bar + 1) : part.signature;
      encrypted_ = true;
    }
    input.push_back(std::move(item));
  }

  void add_assistant(const Message& message, size_t index, OrderedJson& input) {
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part& one = message.parts[i];
      if (one.kind == Part::Kind::kThinking) {
        add_thinking(one, input);
      } else if (one.kind != Part::Kind::kText) {
        refuse_field(part_field(index, i), fmt::format("{} takes only text from the assistant", traits_.house));
      }
    }
    const std::string said = message.text();
    if (!said.empty()) input.push_back({{"type", "message"}, {"role", "assistant"}, {"content", said}});
    for (const ToolCall& call : message.tool_calls) {
      input.push_back({{"type", "function_call"},
                       {"call_id", call.id},
                       {"name", call.name},
                       {"arguments", call.arguments.empty() ? "{}" : call.arguments}});
    }
  }

  void input(const ChatRequest& request) {
    if (request.continue_last) refuse("continue_final_message");
    OrderedJson list = OrderedJson::array();
    for (size_t i = 0; i < request.messages.size(); ++i) {
      const Message& message = request.messages[i];
      if (!message.name.empty() && message.role != Role::kTool) refuse(fmt::format("messages[{}].name", i));
      if (message.role == Role::kAssistant) {
        add_assistant(message, i, list);
      } else if (message.role == Role::kTool) {
        list.push_back(
            {{"type", "function_call_output"}, {"call_id", message.tool_call_id}, {"output", parts(message, i)}});
      } else if (i == 0 && message.role == Role::kSystem && parts(message, i).is_string()) {
        body_["instructions"] = parts(message, i);
      } else {
        const bool renamed = message.role == Role::kDeveloper && !traits_.developer_role;
        list.push_back({{"type", "message"},
                        {"role", renamed ? "system" : role_name(message.role)},
                        {"content", parts(message, i)}});
      }
    }
    body_["input"] = std::move(list);
  }

  template <class Value>
  void extend(const char* key, const std::optional<Value>& value) {
    if (!value) return;
    if (!traits_.extended_sampling) refuse(key);
    body_[key] = *value;
  }

  void settings(const ChatRequest& request) {
    const Sampling& sampling = request.sampling;
    if (traits_.extended_sampling) {
      extend("top_k", sampling.top_k);
      extend("min_p", sampling.min_p);
      extend("repetition_penalty", sampling.repetition_penalty);
      ChatRequest rest = request;  // what even those do not understand
      rest.sampling.min_p = rest.sampling.repetition_penalty = std::nullopt;
      refuse_local_settings(rest, traits_.house);
    } else {
      refuse_local_settings(request, traits_.house);
      if (sampling.top_k) refuse("top_k");
      if (!sampling.logit_bias.empty()) refuse("logit_bias");
      if (!request.stop.empty()) refuse("stop");
    }
    for (const auto& [id, bias] : sampling.logit_bias) body_["logit_bias"][std::to_string(id)] = bias;
    if (!request.stop.empty()) body_["stop"] = request.stop;
    extend("frequency_penalty", sampling.frequency_penalty);
    extend("presence_penalty", sampling.presence_penalty);
    if (sampling.seed) extend("seed", std::optional(static_cast<int64_t>(*sampling.seed)));
    if (sampling.temperature) body_["temperature"] = *sampling.temperature;
    if (sampling.top_p) body_["top_p"] = *sampling.top_p;
    if (request.max_tokens) body_["max_output_tokens"] = *request.max_tokens;
    if (!request.logprobs) return;
    if (!traits_.logprobs) refuse("logprobs");
    body_["include"].push_back("message.output_text.logprobs");
    if (request.top_logprobs > 0) body_["top_logprobs"] = request.top_logprobs;
  }

  void format(const ResponseFormat& format) {
    switch (format.kind) {
      case ResponseFormat::Kind::kText:
        return;
      case ResponseFormat::Kind::kJsonObject:
        body_["text"]["format"] = {{"type", "json_object"}};
        return;
      case ResponseFormat::Kind::kJsonSchema:
        if (!traits_.json_schema) refuse("response_format.json_schema");
        body_["text"]["format"] = {
            {"type", "json_schema"}, {"name", "answer"}, {"strict", true}, {"schema", format.schema}};
        return;
      default:
        refuse("guided decoding");
    }
  }

  // "strict" is on where it is absent, unlike in Chat Completions.
  void tools(const ChatRequest& request) {
    for (const Tool& tool : request.tools) {
      OrderedJson json = {{"type", "function"}, {"name", tool.name}};
      if (!tool.description.empty()) json["description"] = tool.description;
      json["parameters"] = tool.parameters;
      if (traits_.strict_tools) json["strict"] = tool.strict;
      body_["tools"].push_back(std::move(json));
    }
    if (request.tools.empty()) return;
    static constexpr const char* kModes[] = {"auto", "none", "required"};
    const ToolChoice& choice = request.tool_choice;
    if (choice.mode == ToolChoice::Mode::kFunction) {
      body_["tool_choice"] = {{"type", "function"}, {"name", choice.name}};
    } else if (choice.mode != ToolChoice::Mode::kAuto) {
      body_["tool_choice"] = kModes[static_cast<size_t>(choice.mode)];
    }
    if (!request.parallel_tool_calls) body_["parallel_tool_calls"] = false;
  }

  // Encrypted reasoning is asked for only where there may be some: models that do not reason refuse to.
  void reasoning(const ChatRequest& request) {
    const std::string& effort = request.reasoning_effort;
    if (!effort.empty() || request.thinking) {
      if (traits_.thinking == AskingTraits::Thinking::kNone) refuse("reasoning_effort");
      const bool on = request.thinking.value_or(effort != "none");
      body_["reasoning"]["effort"] = !on ? "none" : effort.empty() || effort == "none" ? "medium" : effort;
      encrypted_ |= on;
    }
    if (encrypted_) body_["include"].push_back("reasoning.encrypted_content");
  }

  const AskingTraits& traits_;
  OrderedJson body_ = OrderedJson::object();
  bool encrypted_ = false;
  int next_id_ = 0;
};

}  // namespace

Asking responses_asking(AskingTraits given) {
  const auto traits = std::make_shared<const AskingTraits>(std::move(given));
  return {.chat = [traits](const ChatRequest& request,
                           bool stream) { return ResponsesWriter(*traits).write(request, stream); },
          .complete = nullptr,
          .reader = [traits] { return responses_reader(*traits); },
          .completion_reader = nullptr,
          .error =
              [traits](int status, std::string_view body) {
                return read_error(traits->house, status, body, traits->error_status);
              }};
}

}  // namespace shenbi::chat
