#pragma once
// Methods and properties of values: str, list, tuple, dict, loop, namespace, macro, cycler, as Python names them.

#include <string_view>

#include "chat/jinja/arguments.h"

namespace shenbi::chat::jinja {

/// The method `name` of values of this kind; nullptr when there is none.
Builtin find_method(Kind kind, std::string_view name);
/// A method bound to its object, or a property; `missing` when there is neither.
Value find_member(Interpreter& interpreter, const Value& object, std::string_view name);

struct MethodEntry {
  std::string_view name;
  Builtin body;
};
extern const MethodEntry kStringMethods[];
extern const size_t kStringMethodCount;
extern const MethodEntry kListMethods[];
extern const size_t kListMethodCount;
extern const MethodEntry kTupleMethods[];
extern const size_t kTupleMethodCount;
extern const MethodEntry kDictMethods[];
extern const size_t kDictMethodCount;

}  // namespace shenbi::chat::jinja
