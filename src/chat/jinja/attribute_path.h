#pragma once
// The `attribute` argument of map, sort, groupby and their kin: "a.b.0" walks items.

#include <string>
#include <variant>
#include <vector>

#include "chat/jinja/interpreter.h"

namespace shenbi::chat::jinja {

class AttributePath {
 public:
  /// `attribute` is a string, an integer, or absent (missing or None) for the value itself.
  AttributePath(Interpreter& interpreter, const Value& attribute);

  /// With `absent` given, every undefined step becomes it.
  Value read(Interpreter& interpreter, Value value, const Value& absent = Value::missing()) const;

 private:
  std::vector<Value> parts_;
};

/// The value, strings lower-cased: how the filters compare unless told to mind case.
Value ignoring_case(Interpreter& interpreter, const Value& value);

}  // namespace shenbi::chat::jinja
