#pragma once
// Python's two ways of formatting: "%-5s" % value and "{:<5}".format(value). Widths and precisions come from the
// template, so each is checked against the text limit before a byte is written.

#include <string>
#include <string_view>

#include "chat/jinja/arguments.h"

namespace shenbi::chat::jinja {

/// text % value
Value format_percent(Heap& heap, const Value& text, const Value& value);

/// text.format(...); fields may reach into attributes and items, never into names with two underscores.
Value format_braces(Interpreter& interpreter, const Value& text, Args& args);

/// format(value, spec): [[fill]align][sign][#][0][width][grouping][.precision][type]
std::string format_value(Heap& heap, const Value& value, std::string_view spec);

struct NumberStyle {
  char type = 'd';
  char sign = '-';  ///< '-', '+' or ' '
  bool alternate = false;
  int precision = -1;
};
/// Sign and digits apart, so that padding can go between them.
struct NumberText {
  std::string sign;
  std::string digits;
};
NumberText integer_text(int64_t value, const NumberStyle& style);
NumberText real_text(Heap& heap, double value, const NumberStyle& style);

}  // namespace shenbi::chat::jinja
