// Google's generateContent as a client writes it. The model stands in the path. Thinking carries its signature on the
// part that follows it, a call above all: Google refuses calls that come back without it.

#include <fmt/format.h>

#include "chat/asking/gemini_reader.h"
#include "chat/asking/request_words.h"
#include "chat/upstream_error.h"

namespace shenbi::chat {
namespace {

// Tokens of thinking for models that take a number; within the bounds of Gemini 2.5 (512 to 24,576).
uint64_t gemini_budget_of(std::string_view effort) {
  if (effort == "minimal") return 512;
  return effort == "low" ? 1024 : effort == "high" ? 24'576 : 8192;
}

class GeminiWriter {
 public:
  explicit GeminiWriter(const GeminiTraits& traits) : traits_(traits) {}

  std::string write(const ChatRequest& request) {
    contents(request);
    tools(request);
    config(request);
    return dumped(body_);
  }

 private:
  [[noreturn]] void refuse(std::string_view field) const { no_such_setting(field, traits_.house); }

  static OrderedJson part_json(const Part& part) {
    if (part.kind == Part::Kind::kText) return {{"text", part.text}};
    OrderedJson blob = {{"mimeType", part.mime}, {"data", encoded_base64(part.data)}};
    if (!part.name.empty()) blob["displayName"] = part.name;
    return {{"inlineData", std::move(blob)}};
  }

  OrderedJson call_json(const ToolCall& call, const std::string& field) const {
    OrderedJson json = OrderedJson::object();
    if (traits_.call_ids && !call.id.empty()) json["id"] = call.id;
    json["name"] = call.name;
    json["args"] = needed_arguments(call, field);
    return {{"functionCall", std::move(json)}};
  }

  // A signature goes onto the first call after its thinking, or else onto the text.
  OrderedJson parts(const Message& message, size_t index) const {
    OrderedJson list = OrderedJson::array();
    std::string signature;
    const auto add = [&](OrderedJson json) {
      if (!signature.empty()) json["thoughtSignature"] = std::exchange(signature, {});
      list.push_back(std::move(json));
    };
    const bool calls = !message.tool_calls.empty();
    for (const Part& part : message.parts) {
      if (part.kind != Part::Kind::kThinking) {
        if (calls) {
          list.push_back(part_json(part));
        } else {
          add(part_json(part));
        }
        continue;
      }
      if (!part.text.empty()) list.push_back({{"text", part.text}, {"thought", true}});
      if (!part.signature.empty() && part.name != "redacted") signature = part.signature;
    }
    for (size_t i = 0; i < message.tool_calls.size(); ++i) {
      add(call_json(message.tool_calls[i], fmt::format("messages[{}].tool_calls[{}]", index, i)));
    }
    if (!signature.empty()) add({{"text", ""}});
    return list;
  }

  OrderedJson result_json(const ChatRequest& request, size_t index) const {
    const Message& message = request.messages[index];
    for (size_t i = 0; i < message.parts.size(); ++i) {
      if (message.parts[i].kind != Part::Kind::kText) {
        refuse_field(part_field(index, i), fmt::format("{} takes only text from a tool", traits_.house));
      }
    }
    OrderedJson response = OrderedJson::parse(message.text(), nullptr, false);
    if (!response.is_object()) response = {{"result", message.text()}};
    OrderedJson json = OrderedJson::object();
    if (traits_.call_ids && !message.tool_call_id.empty()) json["id"] = message.tool_call_id;
    json["name"] = answered_name(request.messages, index);
    json["response"] = std::move(response);
    return {{"functionResponse", std::move(json)}};
  }

  void contents(const ChatRequest& request) {
    OrderedJson system = OrderedJson::array(), list = OrderedJson::array();
    bool after_result = false;
    for (size_t i = 0; i < request.messages.size(); ++i) {
      const Message& message = request.messages[i];
      if (message.role == Role::kTool) {
        if (!after_result) list.push_back({{"role", "user"}, {"parts", OrderedJson::array()}});
        list.back()["parts"].push_back(result_json(request, i));
        after_result = true;
        continue;
      }
      after_result = false;
      if (!message.name.empty()) refuse(fmt::format("messages[{}].name", i));
      OrderedJson said = parts(message, i);
      if (message.role == Role::kSystem || message.role == Role::kDeveloper) {
        if (!list.empty()) {
          refuse_field(fmt::format("messages[{}].role", i),
                       fmt::format("{} takes words of the system only in front of the conversation", traits_.house));
        }
        for (OrderedJson& one : said) system.push_back(std::move(one));
        continue;
      }
      list.push_back({{"role", message.role == Role::kAssistant ? "model" : "user"}, {"parts", std::move(said)}});
    }
    if (!request.messages.empty() && request.messages.back().role == Role::kAssistant && !request.continue_last) {
      refuse_field("messages",
                   fmt::format("{} goes on with an assistant's last message; another must speak last", traits_.house));
    }
    if (!system.empty()) body_["systemInstruction"]["parts"] = std::move(system);
    body_["contents"] = std::move(list);
  }

  void tools(const ChatRequest& request) {
    if (request.tools.empty()) return;
    if (!request.parallel_tool_calls) refuse("parallel_tool_calls");
    OrderedJson functions = OrderedJson::array();
    for (const Tool& tool : request.tools) {
      OrderedJson json = {{"name", tool.name}};
      if (!tool.description.empty()) json["description"] = tool.description;
      if (!tool.parameters.is_null()) json["parametersJsonSchema"] = tool.parameters;
      functions.push_back(std::move(json));
    }
    OrderedJson declared = OrderedJson::object();
    declared["functionDeclarations"] = std::move(functions);
    body_["tools"].push_back(std::move(declared));
    static constexpr const char* kModes[] = {"AUTO", "NONE", "ANY", "ANY"};
    const ToolChoice& choice = request.tool_choice;
    if (choice.mode == ToolChoice::Mode::kAuto) return;
    OrderedJson& calling = body_["toolConfig"]["functionCallingConfig"];
    calling["mode"] = kModes[static_cast<size_t>(choice.mode)];
    if (choice.mode == ToolChoice::Mode::kFunction) calling["allowedFunctionNames"].push_back(choice.name);
  }

  void config(const ChatRequest& request) {
    refuse_local_settings(request, traits_.house);
    OrderedJson json = OrderedJson::object();
    const Sampling& sampling = request.sampling;
    if (!sampling.logit_bias.empty()) refuse("logit_bias");
    if (sampling.temperature) json["temperature"] = *sampling.temperature;
    if (sampling.top_p) json["topP"] = *sampling.top_p;
    if (sampling.top_k && *sampling.top_k > 0) json["topK"] = *sampling.top_k;
    if (sampling.presence_penalty) json["presencePenalty"] = *sampling.presence_penalty;
    if (sampling.frequency_penalty) json["frequencyPenalty"] = *sampling.frequency_penalty;
    if (sampling.seed) {
      const auto seed = static_cast<int64_t>(*sampling.seed);
      if (seed < INT32_MIN || seed > INT32_MAX) {
        refuse_field("seed", fmt::format("{} takes only numbers of 32 bits, {} has more", traits_.house, seed));
      }
      json["seed"] = seed;
    }
    if (request.max_tokens) json["maxOutputTokens"] = *request.max_tokens;
    if (!request.stop.empty()) json["stopSequences"] = request.stop;
    if (request.logprobs) {
      json["responseLogprobs"] = true;
      if (request.top_logprobs > 0) json["logprobs"] = request.top_logprobs;
    }
    format(request.format, json);
    thinking(request, json);
    if (!json.empty()) body_["generationConfig"] = std::move(json);
  }

  void format(const ResponseFormat& format, OrderedJson& json) const {
    switch (format.kind) {
      case ResponseFormat::Kind::kText:
        return;
      case ResponseFormat::Kind::kJsonSchema:
        json["responseJsonSchema"] = format.schema;
        [[fallthrough]];
      case ResponseFormat::Kind::kJsonObject:
        json["responseMimeType"] = "application/json";
        return;
      case ResponseFormat::Kind::kChoice:
        json["responseMimeType"] = "text/x.enum";
        json["responseSchema"] = {{"type", "STRING"}, {"enum", format.choices}};
        return;
      default:
        refuse("guided decoding");
    }
  }

  // Models that do not think refuse the whole object, so it goes only where thinking is spoken of.
  void thinking(const ChatRequest& request, OrderedJson& json) const {
    const std::string& effort = request.reasoning_effort;
    if (!request.thinking && effort.empty()) return;
    OrderedJson thinking = OrderedJson::object();
    if (request.thinking == false || effort == "none") {
      thinking["thinkingBudget"] = 0;
    } else {
      thinking["includeThoughts"] = true;
      if (!effort.empty() && traits_.thinking_levels) thinking["thinkingLevel"] = effort;
      if (!effort.empty() && !traits_.thinking_levels) thinking["thinkingBudget"] = gemini_budget_of(effort);
      if (effort.empty()) thinking["thinkingBudget"] = -1;  // as much as the model likes
    }
    json["thinkingConfig"] = std::move(thinking);
  }

  const GeminiTraits& traits_;
  OrderedJson body_ = OrderedJson::object();
};

}  // namespace

Asking gemini_asking(GeminiTraits given) {
  const auto traits = std::make_shared<const GeminiTraits>(std::move(given));
  return {.chat = [traits](const ChatRequest& request, bool) { return GeminiWriter(*traits).write(request); },
          .complete = nullptr,
          .reader = [traits] { return gemini_reader(*traits); },
          .completion_reader = nullptr,
          .error = [traits](int status, std::string_view body) { return read_error(traits->house, status, body, {}); }};
}

}  // namespace shenbi::chat
