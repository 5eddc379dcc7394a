#pragma once
// Which grammar an answer must keep to: the response format, the calls that tool_choice demands, or
// free text in which calls may stand.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "chat/answer_parser.h"
#include "chat/types.h"
#include "grammar/grammar.h"

namespace shenbi::gateway {

/// A grammar that is compiled only where it is not known yet. The request it was made for must live as long.
struct AnswerGrammar {
  std::string source;  ///< all that it depends on, but for the model: what grammar::GrammarCache knows it by
  /// `control_texts`: of the model's control tokens, which may stand for the markers of its family.
  std::function<std::shared_ptr<const grammar::Grammar>(std::span<const std::string> control_texts)> compile;
};

/// Nothing for free text.
std::optional<AnswerGrammar> grammar_for(const chat::ResponseFormat& format);

/// `thinking_open`: the answer begins inside thinking, which stays free; the grammar rules what follows it. Where the
/// model may choose whether to call (auto) and a tool is strict, text is free and calls are bound.
std::optional<AnswerGrammar> grammar_for(const chat::ChatRequest& request, const chat::ToolSyntax& syntax,
                                         bool thinking_open);

/// Whether a rendered prompt ends with the marker that opens thinking.
bool ends_inside_thinking(std::string_view prompt, const chat::ToolSyntax& syntax);

}  // namespace shenbi::gateway
