#pragma once
// What may stand after `is`: jinja2's tests.

#include <string_view>

#include "chat/jinja/arguments.h"

namespace shenbi::chat::jinja {

using TestFunction = bool (*)(Interpreter&, const Value& value, Args& args);

/// nullptr when there is none.
TestFunction find_test(std::string_view name);

}  // namespace shenbi::chat::jinja
