#pragma once
// Values as text: Python's str() and repr(), and json.dumps.

#include <string>
#include <string_view>

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

/// repr() of a string: 'it' in single quotes unless it holds a single quote and no double one.
std::string in_quotes(std::string_view text);
/// repr() of a float: the shortest digits that read back the same, in Python's layout (1e+16, 0.0001, 1e-05, nan).
std::string float_text(double value);

/// Appends str(value) to `out`; undefined gives nothing. Charged, bounded in size and depth.
void append_text(Heap& heap, std::string& out, const Value& value);
void append_repr(Heap& heap, std::string& out, const Value& value);
std::string text_of(Heap& heap, const Value& value);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool pretty = false;
  std::string indent;  ///< one level, when pretty
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps(value) as transformers' `tojson` calls it.
std::string json_text(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace shenbi::chat::jinja
