#pragma once
// The functions every template can call: range, dict, namespace, raise_exception, strftime_now, cycler, joiner.

#include <string_view>

#include "chat/jinja/arguments.h"

namespace shenbi::chat::jinja {

/// `missing` when there is no such global.
Value find_global(Heap& heap, std::string_view name);

struct Cycler : Object {
  explicit Cycler(std::vector<Value> values) : Object(Kind::kCycler), items(std::move(values)) {}
  const std::vector<Value> items;
  size_t position = 0;
};

struct Joiner : Object {
  explicit Joiner(Value between) : Object(Kind::kJoiner), separator(std::move(between)) {}
  const Value separator;
  bool used = false;
};

/// dict(...): from a mapping or pairs, then named arguments.
Dict* make_dict(Interpreter& interpreter, Args& args, std::string_view function);

}  // namespace shenbi::chat::jinja
