#pragma once
// GBNF text to rules.

#include <string_view>

#include "grammar/rules.h"

namespace shenbi::grammar {

/// Throws Error{kInvalidArgument} "gbnf: line 3: ..." for text that is not GBNF, Error{kUnsupported} for token
/// terminals.
Rules parse_gbnf(std::string_view text);

}  // namespace shenbi::grammar
