#include "gateway/guarded.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "gateway/restoring.h"

namespace shenbi::gateway {
namespace {

using chat::OrderedJson;

// Strings that name things of the API: a house would not know them by another name. `data` holds pictures and sounds.
constexpr std::array<std::string_view, 20> kNames = {"model",
                                                     "role",
                                                     "type",
                                                     "id",
                                                     "tool_use_id",
                                                     "tool_call_id",
                                                     "call_id",
                                                     "signature",
                                                     "thought_signature",
                                                     "thoughtSignature",
                                                     "encrypted_content",
                                                     "data",
                                                     "media_type",
                                                     "mime_type",
                                                     "mimeType",
                                                     "format",
                                                     "service_tier",
                                                     "file_id",
                                                     "previous_response_id",
                                                     "reasoning_effort"};

// Below these everything is the caller's, and numbers are as good as strings.
bool begins_free(std::string_view key) { return key == "input" || key == "args" || key == "response"; }

bool is_name(std::string_view key) { return std::find(kNames.begin(), kNames.end(), key) != kNames.end(); }

bool is_signed(const OrderedJson& object) {
  return object.contains("signature") || object.contains("thoughtSignature") || object.contains("thought_signature");
}

}  // namespace

Guarded::Guarded(std::shared_ptr<const guard::Finder> finder, bool block, std::string upstream)
    : finder_(std::move(finder)), block_(block), upstream_(std::move(upstream)) {}

void Guarded::mask_text(std::string& text, const std::string& place, bool known_only) {
  if (block_) {
    const auto found = finder_->find(text);
    const auto first = std::find_if(found.begin(), found.end(),
                                    [](const guard::Finding& one) { return one.kind != guard::Kind::kText; });
    if (first == found.end()) return;
    throw Error(Code::kInvalidArgument, fmt::format("{}: holds personal data ({}), and the upstream '{}' is given none",
                                                    place, guard::kind_name(first->kind), upstream_));
  }
  if (auto other = guard::masked(text, *finder_, *vault_, known_only)) text = std::move(*other);
}

// Arguments and results of calls are JSON in a string: a placeholder stands in a string of that.
void Guarded::mask_json_text(std::string& text, const std::string& place, bool known_only) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '['))
    return mask_text(text, place, known_only);
  OrderedJson json;
  try {
    json = parse_ordered_json(text, place);
  } catch (const Error&) {
    return mask_text(text, place, known_only);
  }
  if (mask_tree(json, place, true, known_only)) text = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

bool Guarded::mask_tree(OrderedJson& json, const std::string& place, bool free, bool known_only) {
  if (json.is_string()) {
    const std::string before = json.get<std::string>();
    std::string text = before;
    mask_text(text, place, known_only);
    if (text == before) return false;
    json = std::move(text);
    return true;
  }
  if (json.is_number() && free) {
    std::string text = json.dump();
    const std::string before = text;
    mask_text(text, place, known_only);
    if (text == before) return false;
    json = std::move(text);
    return true;
  }
  bool changed = false;
  if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i)
      changed |= mask_tree(json[i], fmt::format("{}[{}]", place, i), free, known_only);
  } else if (json.is_object()) {
    const bool proof = !free && is_signed(json), speaker = json.contains("role");
    for (auto& [key, value] : json.items()) {
      const std::string inner = place.empty() ? key : place + "." + key;
      if (!free && value.is_string()) {
        if (is_name(key) || (key == "name" && !speaker)) continue;
        if ((key == "url" || key == "image_url") && value.get_ref<const std::string&>().starts_with("data:")) continue;
        if (key == "arguments") {
          const std::string before = value.get<std::string>();
          std::string text = before;
          mask_json_text(text, inner, known_only || proof);
          if (text != before) changed = true, value = std::move(text);
          continue;
        }
      }
      const bool inside = free || (begins_free(key) && !value.is_string() && !place.empty());
      changed |= mask_tree(value, inner, inside, known_only || proof);
    }
  }
  return changed;
}

void Guarded::mask(chat::ChatRequest& request) {
  for (size_t i = 0; i < request.messages.size(); ++i) {
    chat::Message& message = request.messages[i];
    const std::string place = fmt::format("message {} ({})", i + 1, chat::role_name(message.role));
    for (chat::Part& part : message.parts) {
      if (part.kind == chat::Part::Kind::kText && message.role == chat::Role::kTool) {
        mask_json_text(part.text, place);
      } else if (part.kind == chat::Part::Kind::kText || part.kind == chat::Part::Kind::kThinking) {
        mask_text(part.text, place, !part.signature.empty());
      }
    }
    if (message.role != chat::Role::kTool) mask_text(message.name, place + ", name");
    for (chat::ToolCall& call : message.tool_calls) mask_json_text(call.arguments, place + ", arguments");
  }
  for (chat::Tool& tool : request.tools) {
    mask_text(tool.description, "the description of " + tool.name);
    mask_tree(tool.parameters, "the parameters of " + tool.name, false, false);
  }
  for (std::string& stop : request.stop) mask_text(stop, "stop");
  mask_tree(request.format.schema, "response_format", false, false);
  for (std::string& choice : request.format.choices) mask_text(choice, "choices");
}

void Guarded::mask(chat::CompletionRequest& request) {
  if (!request.prompt_ids.empty())
    throw Error(
        Code::kInvalidArgument,
        fmt::format("prompt: ids of tokens cannot be looked through for personal data, which '{}' wants", upstream_));
  mask_text(request.prompt, "prompt");
  mask_text(request.suffix, "suffix");
  for (std::string& stop : request.stop) mask_text(stop, "stop");
}

void Guarded::mask(std::vector<std::string>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) mask_text(inputs[i], fmt::format("input[{}]", i));
}

void Guarded::mask(RerankRequest& request) {
  mask_text(request.query, "query");
  if (request.instruction) mask_text(*request.instruction, "instruction");
  for (size_t i = 0; i < request.documents.size(); ++i)
    mask_text(request.documents[i], fmt::format("documents[{}]", i));
}

void Guarded::mask_body(std::string& body) {
  OrderedJson json;
  try {
    json = parse_ordered_json(body, "the body", static_cast<int>(limits::kMaxRequestDepth));
  } catch (const Error& error) {
    throw Error(Code::kInvalidArgument, error.what());
  }
  if (mask_tree(json, "", false, false)) body = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

void Guarded::refuse_in(const OrderedJson& words) {
  OrderedJson copy = words;
  mask_tree(copy, "", false, false);
}

EventSink Guarded::restoring(EventSink sink) const {
  const auto events = std::make_shared<RestoringEvents>(vault_, std::move(sink));
  return [events](chat::Event event) { events->take(std::move(event)); };
}

WireSink Guarded::restoring(WireSink wire, Dialect dialect, bool stream) const {
  const auto bytes = std::make_shared<RestoringBytes>(vault_, dialect, stream, std::move(wire));
  return [bytes](std::string_view more, bool last) { bytes->take(more, last); };
}

}  // namespace shenbi::gateway
