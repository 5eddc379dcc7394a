#include "chat/plain_dialogue.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"

namespace shenbi::chat {
namespace {

std::string text_of(const nlohmann::ordered_json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  for (const auto& part : content) {
    if (!part.is_object() || part.value("type", "") != "text") {
      throw Error(Code::kInvalidArgument, "message content: a base model takes text parts only");
    }
    text += part.value("text", "");
  }
  return text;
}

std::string_view speaker(std::string_view role) {
  if (role == "user") return "User: ";
  if (role == "assistant") return "Assistant: ";
  if (role == "system" || role == "developer") return "";
  throw Error(Code::kInvalidArgument,
              fmt::format("message role '{}': a base model knows system, user and assistant", role));
}

}  // namespace

std::string plain_dialogue(const nlohmann::ordered_json& messages) {
  std::string out;
  for (const auto& message : messages) {
    const std::string role = message.value("role", "");
    const std::string_view prefix = speaker(role);
    out += fmt::format("{}{}\n{}", prefix, text_of(message.at("content")), prefix.empty() ? "\n" : "");
  }
  return out + "Assistant:";
}

const std::vector<std::string>& plain_dialogue_stops() {
  static const std::vector<std::string> stops = {"\nUser:", "\nAssistant:"};
  return stops;
}

}  // namespace shenbi::chat
