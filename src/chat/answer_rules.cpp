#include "chat/answer_rules.h"

#include <fmt/format.h>

#include "chat/readers/call_grammar.h"
#include "chat/readers/free_text.h"

namespace shenbi::chat {
namespace {

// "free": text up to the first call; "more": text behind one; "content": text with calls.
std::string content_rules(const ToolSyntax& syntax, const std::vector<Tool>& tools, bool parallel) {
  std::vector<std::string> anywhere = syntax.triggers, first = syntax.leading;
  if (syntax.named) {
    const auto [more, more_first] = syntax.named(tools);
    anywhere.insert(anywhere.end(), more.begin(), more.end());
    first.insert(first.end(), more_first.begin(), more_first.end());
  }
  // Text that began like thinking would be read as thinking.
  if (!syntax.thinking_begin.empty()) first.push_back(syntax.thinking_begin);
  std::string rules = free_text("free", {.without = anywhere, .not_first = first}) +
                      free_text("more", {.without = anywhere}) + "content ::= free";
  if (!syntax.section.empty()) rules += fmt::format(" (({}) more){}", syntax.section, parallel ? "*" : "?");
  if (!syntax.leading_section.empty()) rules += fmt::format(" | blank ({}) blank", syntax.leading_section);
  return rules + "\nblank ::= [ \\t\\r\\n]{0,8}\n";
}

}  // namespace

std::string after_thinking(const ToolSyntax& syntax, std::string_view rule) {
  return fmt::format("answer ::= thought [ \\t\\r\\n]{{0,4}} {}\n", rule) +
         text_until("thought", syntax.thinking_end, true);
}

std::string calls_in_text(const ToolSyntax& syntax, const std::vector<Tool>& tools, bool parallel, bool thinking_open) {
  if (syntax.auto_grammar) return syntax.auto_grammar(tools, parallel);
  std::string rules = syntax.grammar(tools, parallel) + "\n" + content_rules(syntax, tools, parallel);
  if (thinking_open) return rules + after_thinking(syntax, "content");
  if (syntax.thinking_begin.empty()) return rules + "answer ::= content\n";
  return rules + fmt::format("answer ::= content | blank {} thought content\n", gbnf_literal(syntax.thinking_begin)) +
         text_until("thought", syntax.thinking_end, true);
}

}  // namespace shenbi::chat
