#pragma once
// Tokens -> tree, with jinja2's grammar (precedence, where a tuple may stand, what `is` takes as an argument).

#include <string_view>

#include "chat/jinja/syntax.h"

namespace shenbi::chat::jinja {

/// Throws Error{kInvalidArgument} "source:line: ..." on a syntax error, Error{kUnsupported} on include, import,
/// extends, block and autoescape. Nesting is bounded by limits::kMaxTemplateDepth.
Syntax parse(std::string_view text, std::string_view source);

}  // namespace shenbi::chat::jinja
