#pragma once
// Arguments of a call, and their binding to parameter names by Python's rules.
//
//   auto [width, first, blank] = bind<3>(args, "indent", {"width", "first", "blank"});   // absent ones are `missing`

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

class Interpreter;

struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// Removes and returns a named argument; `missing` when it was not given.
  Value take(std::string_view name);
};

/// A function of the language or a method with its object.
using Builtin = Value (*)(Interpreter&, const Value& self, Args& args);

struct Function : Object {
  Function(std::string_view title, Builtin what, Value of)
      : Object(Kind::kFunction), name(title), body(what), self(std::move(of)) {}
  const std::string_view name;
  const Builtin body;
  const Value self;
};

/// A parameter whose name is empty can only be given by position. Fails when fewer than `required` are given.
void bind_arguments(Args& args, std::string_view function, const std::string_view* names, Value* out, size_t count,
                    size_t required);

template <size_t N>
std::array<Value, N> bind(Args& args, std::string_view function, const std::array<std::string_view, N>& names,
                          size_t required = 0) {
  std::array<Value, N> out;
  bind_arguments(args, function, names.data(), out.data(), N, required);
  return out;
}

/// For functions that take nothing.
void bind_none(const Args& args, std::string_view function);

// Readings of an argument; `missing` gives the default, a wrong type fails naming `what`.
int64_t int_argument(const Value& value, std::string_view what, int64_t absent = 0);
bool bool_argument(const Value& value, bool absent = false);
/// The text of a string argument, which must outlive the view.
std::string_view text_argument(const Value& value, std::string_view what, std::string_view absent = "");

}  // namespace shenbi::chat::jinja
