// Anthropic's Messages as a client writes it. System words stand beside the conversation, results of tools are blocks
// of a user's message, and max_tokens must be there.

#include <fmt/format.h>

#include <algorithm>

#include "chat/asking/anthropic_reader.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

// Tokens of thinking where the API takes a number and the client said a word; 1024 is the least it takes.
constexpr uint64_t kLeastBudget = 1024;
uint64_t anthropic_budget_of(std::string_view effort) {
  if (effort == "minimal" || effort == "low") return kLeastBudget;
  return effort == "high" ? 16'384 : 4096;
}

class AnthropicWriter {
 public:
  explicit AnthropicWriter(const AnthropicTraits& traits) : traits_(traits) {}

  std::string write(const ChatRequest& request, bool stream) {
    body_["model"] = request.model;
    body_["max_tokens"] = request.max_tokens.value_or(traits_.default_max_tokens);
    messages(request);
    settings(request);
    tools(request);
    thinking(request);
    format(request.format);
    if (stream) body_["stream"] = true;
    return dumped(body_);
  }

 private:
  [[noreturn]] void refuse(std::string_view field) const { no_such_setting(field, traits_.house); }

  void refuse_if(bool given, std::string_view field) const {
    if (given) refuse(field);
  }

  static OrderedJson text_block(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

  OrderedJson block(const Part& part, const std::string& field) const {
    const auto source = [&part] {
      return OrderedJson{{"type", "base64"}, {"media_type", part.mime}, {"data", encoded_base64(part.data)}};
    };
    switch (part.kind) {
      case Part::Kind::kImage:
        return {{"type", "image"}, {"source", source()}};
      case Part::Kind::kFile: {
        OrderedJson json = {{"type", "document"}, {"source", source()}};
        if (part.mime == "text/plain") {
          json["source"] = {{"type", "text"}, {"media_type", part.mime}, {"data", part.data}};
        }
        if (!part.name.empty()) json["title"] = part.name;
        return json;
      }
      case Part::Kind::kAudio:
        refuse_field(field, fmt::format("{} hears no sound", traits_.house));
      default:
        return text_block(part.text);
    }
  }

  // The API takes no empty text, and no thinking that it has not signed.
  OrderedJson blocks(const Message& message, size_t index) const {
    OrderedJson list = OrderedJson::array();
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part& part = message.parts[i];
      if (part.kind != Part::Kind::kThinking) {
        if (part.kind != Part::Kind::kText || !part.text.empty()) list.push_back(block(part, part_field(index, i)));
      } else if (part.name == "redacted") {
        list.push_back({{"type", "redacted_thinking"}, {"data", part.signature}});
      } else if (!part.signature.empty()) {
        list.push_back({{"type", "thinking"}, {"thinking", part.text}, {"signature", part.signature}});
      }
    }
    return list;
  }

  void add_result(const Message& message, size_t index, OrderedJson& list) const {
    OrderedJson content = blocks(message, index);
    if (content.size() == 1 && content[0]["type"] == "text") content = OrderedJson(content[0]["text"]);
    OrderedJson result = {{"type", "tool_result"}, {"tool_use_id", message.tool_call_id}};
    if (!content.empty()) result["content"] = std::move(content);
    // The results of one turn's calls must stand in one message.
    if (!after_result_) {
      list.push_back({{"role", "user"}, {"content", OrderedJson::array()}});
    }
    list.back()["content"].push_back(std::move(result));
  }

  void messages(const ChatRequest& request) {
    OrderedJson system = OrderedJson::array(), list = OrderedJson::array();
    for (size_t i = 0; i < request.messages.size(); ++i) {
      const Message& message = request.messages[i];
      const bool words = message.role == Role::kSystem || message.role == Role::kDeveloper;
      refuse_if(!message.name.empty() && message.role != Role::kTool, fmt::format("messages[{}].name", i));
      if (message.role == Role::kTool) {
        add_result(message, i, list);
        after_result_ = true;
        continue;
      }
      after_result_ = false;
      OrderedJson content = blocks(message, i);
      if (words && list.empty()) {
        for (OrderedJson& one : content) system.push_back(std::move(one));
        continue;
      }
      for (size_t j = 0; j < message.tool_calls.size(); ++j) {
        const ToolCall& call = message.tool_calls[j];
        const std::string field = fmt::format("messages[{}].tool_calls[{}]", i, j);
        content.push_back(
            {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", needed_arguments(call, field)}});
      }
      const std::string_view role = words ? "system" : role_name(message.role);
      list.push_back({{"role", role}, {"content", std::move(content)}});
    }
    const bool goes_on = !request.messages.empty() && request.messages.back().role == Role::kAssistant;
    if (goes_on && !request.continue_last) {
      refuse_field("messages",
                   fmt::format("{} goes on with an assistant's last message; another must speak last", traits_.house));
    }
    if (!system.empty()) body_["system"] = std::move(system);
    body_["messages"] = std::move(list);
  }

  void settings(const ChatRequest& request) {
    refuse_local_settings(request, traits_.house);
    const Sampling& sampling = request.sampling;
    refuse_if(sampling.frequency_penalty.has_value(), "frequency_penalty");
    refuse_if(sampling.presence_penalty.has_value(), "presence_penalty");
    refuse_if(sampling.seed.has_value(), "seed");
    refuse_if(!sampling.logit_bias.empty(), "logit_bias");
    refuse_if(request.logprobs, "logprobs");
    if (sampling.temperature && *sampling.temperature > 1) {
      refuse_field("temperature", fmt::format("{} takes only values up to 1", traits_.house));
    }
    if (sampling.temperature) body_["temperature"] = *sampling.temperature;
    if (sampling.top_p) body_["top_p"] = *sampling.top_p;
    if (sampling.top_k && *sampling.top_k > 0) body_["top_k"] = *sampling.top_k;
    if (!request.stop.empty()) body_["stop_sequences"] = request.stop;
  }

  void tools(const ChatRequest& request) {
    for (const Tool& tool : request.tools) {
      OrderedJson json = {{"name", tool.name}};
      if (!tool.description.empty()) json["description"] = tool.description;
      json["input_schema"] = tool.parameters.is_null() ? OrderedJson{{"type", "object"}} : tool.parameters;
      if (tool.strict && traits_.strict_tools) json["strict"] = true;
      body_["tools"].push_back(std::move(json));
    }
    if (request.tools.empty()) return;
    static constexpr const char* kModes[] = {"auto", "none", "any", "tool"};
    const ToolChoice& choice = request.tool_choice;
    if (choice.mode == ToolChoice::Mode::kAuto && request.parallel_tool_calls) return;
    OrderedJson json = {{"type", kModes[static_cast<size_t>(choice.mode)]}};
    if (choice.mode == ToolChoice::Mode::kFunction) json["name"] = choice.name;
    if (!request.parallel_tool_calls && choice.mode != ToolChoice::Mode::kNone)
      json["disable_parallel_tool_use"] = true;
    body_["tool_choice"] = std::move(json);
  }

  void thinking(const ChatRequest& request) {
    const std::string& effort = request.reasoning_effort;
    if (request.thinking == false || effort == "none") {
      body_["thinking"] = {{"type", "disabled"}};
      return;
    }
    const bool degree = !effort.empty();
    if (degree && traits_.effort) body_["output_config"]["effort"] = effort == "minimal" ? "low" : effort;
    if (!request.thinking && (!degree || traits_.effort)) return;
    if (traits_.adaptive_thinking) {
      body_["thinking"] = {{"type", "adaptive"}};
      return;
    }
    const uint64_t most = body_["max_tokens"].get<uint64_t>();
    if (most <= kLeastBudget) {
      refuse_field("max_tokens",
                   fmt::format("{} thinks with {} tokens at least, so more are needed", traits_.house, kLeastBudget));
    }
    body_["thinking"] = {{"type", "enabled"}, {"budget_tokens", std::min(anthropic_budget_of(effort), most - 1)}};
  }

  void format(const ResponseFormat& format) {
    switch (format.kind) {
      case ResponseFormat::Kind::kText:
        return;
      case ResponseFormat::Kind::kJsonSchema:
        body_["output_config"]["format"] = {{"type", "json_schema"}, {"schema", format.schema}};
        return;
      case ResponseFormat::Kind::kJsonObject:
        refuse("response_format.json_object");
      default:
        refuse("guided decoding");
    }
  }

  const AnthropicTraits& traits_;
  OrderedJson body_ = OrderedJson::object();
  bool after_result_ = false;
};

}  // namespace

Asking anthropic_asking(AnthropicTraits given) {
  const auto traits = std::make_shared<const AnthropicTraits>(std::move(given));
  return {.chat = [traits](const ChatRequest& request,
                           bool stream) { return AnthropicWriter(*traits).write(request, stream); },
          .complete = nullptr,
          .reader = [traits] { return anthropic_reader(*traits); },
          .completion_reader = nullptr,
          .error = [traits](int status, std::string_view body) { return read_error(traits->house, status, body, {}); }};
}

}  // namespace shenbi::chat
