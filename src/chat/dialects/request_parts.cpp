#include "chat/dialects/request_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/limits.h"

namespace shenbi::chat {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::array<int8_t, 256> digits() {
  std::array<int8_t, 256> all;
  all.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) all[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  all['-'] = 62;
  all['_'] = 63;
  return all;
}

}  // namespace

std::string dumped(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

Part text_part(std::string text) { return {.kind = Part::Kind::kText, .text = std::move(text)}; }

Part thinking_part(std::string text, std::string signature) {
  return {.kind = Part::Kind::kThinking, .text = std::move(text), .signature = std::move(signature)};
}

std::string decoded_base64(std::string_view text, std::string_view field) {
  static const std::array<int8_t, 256> kDigits = digits();
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) refuse_field(field, "not base64: its length is wrong");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int digit = kDigits[static_cast<unsigned char>(text[i])];
    if (digit < 0) refuse_field(field, fmt::format("not base64 at character {}", i));
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  return bytes;
}

std::string encoded_base64(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) bits = (bits << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) text += j <= count ? kAlphabet[(bits >> (18 - 6 * j)) & 63] : '=';
  }
  return text;
}

Part part_of_bytes(std::string mime, std::string bytes) {
  Part part{.kind = Part::Kind::kFile};
  if (mime.starts_with("image/")) part.kind = Part::Kind::kImage;
  if (mime.starts_with("audio/")) part.kind = Part::Kind::kAudio;
  part.mime = std::move(mime);
  part.data = std::move(bytes);
  return part;
}

Part part_of_uri(std::string_view uri, std::string_view field) {
  if (!uri.starts_with("data:")) {
    refuse_field(field, "this server opens no addresses; send the bytes as a data URI (data:image/png;base64,...)");
  }
  const size_t comma = uri.find(',');
  if (comma == std::string_view::npos) refuse_field(field, "a data URI without a comma");
  std::string_view type = uri.substr(5, comma - 5);
  if (!type.ends_with(";base64")) refuse_field(field, "a data URI must be base64");
  type.remove_suffix(7);
  type = type.substr(0, type.find(';'));
  if (type.empty() || type.size() > 128) refuse_field(field, "a data URI must name its type");
  return part_of_bytes(std::string(type), decoded_base64(uri.substr(comma + 1), field));
}

std::string checked_name(std::string name, std::string_view field) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == ':';
  };
  if (name.empty() || name.size() > 128 || !std::all_of(name.begin(), name.end(), allowed)) {
    refuse_field(field, "a name has 1 to 128 letters, digits, '_', '-', '.' or ':'");
  }
  return name;
}

Tool make_tool(std::string name, std::string description, const OrderedJson* parameters, bool strict,
               std::string_view field) {
  Tool tool{checked_name(std::move(name), fmt::format("{}.name", field)), std::move(description), nullptr, strict};
  if (parameters && !parameters->is_object()) {
    refuse_field(fmt::format("{}.parameters", field),
                 fmt::format("expected an object, found {}", kind_of(*parameters)));
  }
  if (parameters && !parameters->empty()) tool.parameters = *parameters;
  return tool;
}

void add_tool(ChatRequest& request, Tool tool, std::string_view field) {
  for (const Tool& other : request.tools) {
    if (other.name == tool.name) refuse_field(field, fmt::format("two tools are named \"{}\"", tool.name));
  }
  request.tools.push_back(std::move(tool));
}

void keep_tools(ChatRequest& request, const std::vector<std::string>& names, std::string_view field) {
  for (const std::string& name : names) {
    if (std::none_of(request.tools.begin(), request.tools.end(), [&](const Tool& t) { return t.name == name; })) {
      refuse_field(field, fmt::format("there is no tool \"{}\"", name.substr(0, 128)));
    }
  }
  std::erase_if(request.tools,
                [&](const Tool& tool) { return std::find(names.begin(), names.end(), tool.name) == names.end(); });
}

void check_request(const ChatRequest& request, std::string_view messages_field) {
  if (request.messages.empty()) refuse_field(messages_field, "at least one message is needed");
  const ToolChoice& choice = request.tool_choice;
  if (request.tools.empty() && choice.mode != ToolChoice::Mode::kAuto && choice.mode != ToolChoice::Mode::kNone) {
    refuse_field("tool_choice", "a call is asked for, but no tools are offered");
  }
  if (choice.mode == ToolChoice::Mode::kFunction &&
      std::none_of(request.tools.begin(), request.tools.end(), [&](const Tool& t) { return t.name == choice.name; })) {
    refuse_field("tool_choice", fmt::format("there is no tool \"{}\"", choice.name.substr(0, 128)));
  }
  std::set<std::string_view> calls;
  for (size_t i = 0; i < request.messages.size(); ++i) {
    const Message& message = request.messages[i];
    for (const ToolCall& call : message.tool_calls) calls.insert(call.id);
    if (message.role == Role::kTool && !calls.contains(message.tool_call_id)) {
      refuse_field(messages_field, fmt::format("the answer to tool call \"{}\" follows no such call",
                                               message.tool_call_id.substr(0, 128)));
    }
  }
}

void set_effort(ChatRequest& request, const std::string& effort) {
  request.reasoning_effort = effort == "xhigh" || effort == "max" ? "high" : effort;
  if (effort == "none") request.thinking = false;
}

void set_stop(Generation& generation, std::vector<std::string> stop, std::string_view field) {
  for (size_t i = 0; i < stop.size(); ++i) {
    if (stop[i].empty()) refuse_field(fmt::format("{}[{}]", field, i), "an empty string would end every answer");
  }
  generation.stop = std::move(stop);
}

void read_local_sampling(Fields& fields, Sampling& sampling) {
  sampling.top_k = fields.integer("top_k", -1, 1 << 24);
  sampling.min_p = fields.number("min_p", 0, 1);
  sampling.typical_p = fields.number("typical_p", 0, 1);
  sampling.dry_multiplier = fields.number("dry_multiplier", 0, 100);
  sampling.dry_base = fields.number("dry_base", 0, 100);
  sampling.dry_allowed_length = fields.integer("dry_allowed_length", 0, 1 << 24);
  sampling.dry_last_n = fields.integer("dry_penalty_last_n", -1, 1 << 27);
}

}  // namespace shenbi::chat
