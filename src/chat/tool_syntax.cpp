#include <algorithm>

#include "chat/answer_parser.h"

namespace shenbi::chat {
namespace {

// Every family once, in the order in which they are asked.
const std::vector<ToolSyntax>& families() {
  static const std::vector<ToolSyntax> all = [] {
    std::vector<ToolSyntax> made;
    for (const auto& [stem, make] : tool_syntax_registry()) made.push_back(make());
    std::stable_sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
    return made;
  }();
  return all;
}

}  // namespace

const ToolSyntax& find_tool_syntax(std::string_view template_text) {
  for (const ToolSyntax& syntax : families()) {
    if (syntax.recognises(template_text)) return syntax;
  }
  return families().back();  // plain: asked last, says yes to all
}

const ToolSyntax* tool_syntax(std::string_view name) {
  for (const ToolSyntax& syntax : families()) {
    if (syntax.name == name) return &syntax;
  }
  return nullptr;
}

}  // namespace shenbi::chat
