#pragma once
// Rules as GBNF text.

#include <string>
#include <string_view>

#include "grammar/rules.h"

namespace shenbi::grammar {

/// The start rule is called `name`, the others `name` and a suffix that begins with '-'. What can match nothing is left
/// out; the start must be able to.
std::string write_gbnf(const Rules& rules, std::string_view name);

}  // namespace shenbi::grammar
