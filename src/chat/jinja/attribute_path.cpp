#include "chat/jinja/attribute_path.h"

#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {

AttributePath::AttributePath(Interpreter& interpreter, const Value& attribute) {
  if (attribute.is_missing() || attribute.is_none()) return;
  if (!attribute.is_string()) {
    parts_.push_back(attribute);
    return;
  }
  interpreter.heap().step(attribute.text().size());
  for (const std::string_view part : split(attribute.text(), ".", -1)) {
    const bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    const auto index = digits ? parse_int(part, 10) : std::nullopt;
    parts_.push_back(index ? Value::integer(*index) : interpreter.string(std::string(part)));
  }
}

Value AttributePath::read(Interpreter& interpreter, Value value, const Value& absent) const {
  for (const Value& part : parts_) {
    value = interpreter.item(value, part);
    if (value.is_undefined() && !absent.is_missing() && !absent.is_none()) value = absent;
  }
  return value;
}

Value ignoring_case(Interpreter& interpreter, const Value& value) {
  if (!value.is_string()) return value;
  interpreter.heap().step(value.is_ascii() ? value.text().size() / 16 : value.text().size() * 4);
  return interpreter.string(lower(value.text()));
}

}  // namespace shenbi::chat::jinja
