#pragma once
// GBNF for a whole answer of which a part is bound: thinking in front of a constrained answer, and free text in which
// tool calls may stand that keep to their schemas (strict tools where the model may choose).
//
// The text between calls is free but for one thing: what the family's reader would take for the beginning of a call is
// the beginning of a call. So no call leaves the model that the grammar has not seen. All rules let control tokens pass
// where text is free (grammar::AnswerRules).

#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_parser.h"

namespace shenbi::chat {

/// Rules with root "answer": thinking if the model likes (or, `thinking_open`, the rest of it), then text and calls;
/// one call at most if not `parallel`. args-N and value-N-K are the caller's, as for ToolSyntax::grammar.
std::string calls_in_text(const ToolSyntax& syntax, const std::vector<Tool>& tools, bool parallel, bool thinking_open);

/// A quoted GBNF literal.
std::string gbnf_literal(std::string_view text);

/// Rules that define "answer": the rest of open thinking, its closing marker, then `rule`.
std::string after_thinking(const ToolSyntax& syntax, std::string_view rule);

}  // namespace shenbi::chat
