#include "chat/types.h"

namespace shenbi::chat {
namespace {

std::string joined(const std::vector<Part>& parts, Part::Kind kind) {
  std::string all;
  for (const Part& part : parts) {
    if (part.kind == kind) all += part.text;
  }
  return all;
}

}  // namespace

std::string_view role_name(Role role) noexcept {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kDeveloper:
      return "developer";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

std::string Message::text() const { return joined(parts, Part::Kind::kText); }

std::string Message::thinking() const { return joined(parts, Part::Kind::kThinking); }

}  // namespace shenbi::chat
