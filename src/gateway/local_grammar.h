#pragma once
// Which grammar an answer must keep to: the response format, or the calls that tool_choice demands.

#include <memory>
#include <string_view>

#include "chat/answer_parser.h"
#include "chat/types.h"
#include "grammar/grammar.h"

namespace shenbi::gateway {

/// Nothing for free text.
std::shared_ptr<const grammar::Grammar> grammar_for(const chat::ResponseFormat& format);

/// `thinking_open`: the answer begins inside thinking, which stays free; the grammar rules what follows it.
std::shared_ptr<const grammar::Grammar> grammar_for(const chat::ChatRequest& request, const chat::ToolSyntax& syntax,
                                                    bool thinking_open);

/// Whether a rendered prompt ends with the marker that opens thinking.
bool ends_inside_thinking(std::string_view prompt, const chat::ToolSyntax& syntax);

}  // namespace shenbi::gateway
