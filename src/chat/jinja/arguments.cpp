#include "chat/jinja/arguments.h"

#include <fmt/format.h>

namespace shenbi::chat::jinja {

Value Args::take(std::string_view name) {
  for (auto it = named.begin(); it != named.end(); ++it) {
    if (it->first != name) continue;
    Value value = std::move(it->second);
    named.erase(it);
    return value;
  }
  return Value::missing();
}

void bind_arguments(Args& args, std::string_view function, const std::string_view* names, Value* out, size_t count,
                    size_t required) {
  if (args.positional.size() > count) {
    fail(fmt::format("{}() takes at most {} argument(s), {} were given", function, count, args.positional.size()));
  }
  for (size_t i = 0; i < count; ++i) out[i] = i < args.positional.size() ? args.positional[i] : Value::missing();
  for (auto& [name, value] : args.named) {
    size_t i = 0;
    while (i < count && names[i] != name) ++i;
    if (i == count) fail(fmt::format("{}() got an unexpected keyword argument '{}'", function, name));
    if (!out[i].is_missing()) fail(fmt::format("{}() got multiple values for argument '{}'", function, name));
    out[i] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (out[i].is_missing()) fail(fmt::format("{}() is missing its argument {}", function, i + 1));
  }
}

void bind_none(const Args& args, std::string_view function) {
  if (!args.positional.empty() || !args.named.empty()) fail(fmt::format("{}() takes no arguments", function));
}

int64_t int_argument(const Value& value, std::string_view what, int64_t absent) {
  if (value.is_missing()) return absent;
  if (value.is_integral()) return value.as_int();
  if (value.is_undefined()) fail(value.undefined_message());
  fail(fmt::format("{}: '{}' object cannot be interpreted as an integer", what, type_name(value.kind())));
}

bool bool_argument(const Value& value, bool absent) { return value.is_missing() ? absent : truthy(value); }

std::string_view text_argument(const Value& value, std::string_view what, std::string_view absent) {
  if (value.is_missing()) return absent;
  if (value.is_string()) return value.text();
  fail(fmt::format("{}: must be str, not {}", what, type_name(value.kind())));
}

}  // namespace shenbi::chat::jinja
