#pragma once
// GBNF text to rules.

#include <string_view>

#include "grammar/grammar.h"
#include "grammar/rules.h"

namespace shenbi::grammar {

/// Throws Error{kInvalidArgument} "gbnf: line 3: ..." for text that is not GBNF, Error{kUnsupported} for token
/// terminals. With `answer`, rules and literals may have control tokens in them.
Rules parse_gbnf(std::string_view text, const AnswerRules* answer = nullptr);

}  // namespace shenbi::grammar
