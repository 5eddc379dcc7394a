#pragma once
// GBNF rules for text in which certain markers matter: a rule a state of the automaton that searches for all of them at
// once (Aho and Corasick 1975), so that one pass over the bytes sees a marker wherever it begins.
//
//   text_until("value", "</value>")                          value    ::= any text up to and including the marker
//   free_text("free", {.without = {"<tool_call>"}})          free     ::= any text that does not hold it
//
// A beginning of a marker at the end of free text is text: "a < b <tool" is allowed.

#include <string>
#include <string_view>
#include <vector>

namespace shenbi::chat {

/// Rules by which `rule` is any text up to and including the first `marker`. `control_tokens`: they may stand in it
/// (the rules then use "control-mark", see grammar::AnswerRules); their texts count like any other.
std::string text_until(std::string_view rule, std::string_view marker, bool control_tokens = false);

struct FreeText {
  std::vector<std::string> without;    ///< markers that it does not hold
  std::vector<std::string> not_first;  ///< nor begins with, white space aside
  bool control_tokens = true;
};
std::string free_text(std::string_view rule, const FreeText& text);

}  // namespace shenbi::chat
