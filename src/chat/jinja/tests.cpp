#include "chat/jinja/tests.h"

#include <unordered_map>

#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

using Check = bool (*)(const Value&);

/// A test that looks at the value alone.
template <Check kCheck>
bool plain(Interpreter&, const Value& value, Args& args) {
  bind_none(args, "test");
  return kCheck(value);
}

template <Kind kKind>
bool of_kind(const Value& value) {
  return value.is(kKind);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_true(const Value& value) { return value.is(Kind::kBool) && value.as_bool(); }
bool is_false(const Value& value) { return value.is(Kind::kBool) && !value.as_bool(); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_escaped(const Value& value) { return value.is_markup(); }
bool can_iterate(const Value& value) { return is_iterable(value); }

/// Has a length and items: undefined has both.
bool is_sequence(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kRange:
      return true;
    default:
      return false;
  }
}

bool is_callable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kMacro:
    case Kind::kFunction:
    case Kind::kLoop:
    case Kind::kJoiner:
      return true;
    default:
      return false;
  }
}

Value remainder(Interpreter& interpreter, const Value& value, const Value& by) {
  return apply(interpreter.heap(), Arithmetic::kModulo, value, by);
}

template <int64_t kRest>
bool parity(Interpreter& interpreter, const Value& value, Args& args) {
  bind_none(args, "test");
  return equal(interpreter.heap(), remainder(interpreter, value, Value::integer(2)), Value::integer(kRest));
}

bool divisible_by(Interpreter& interpreter, const Value& value, Args& args) {
  auto [number] = bind<1>(args, "divisibleby", {"num"}, 1);
  return equal(interpreter.heap(), remainder(interpreter, value, number), Value::integer(0));
}

template <bool (*kIs)(std::string_view) noexcept>
bool letter_case(Interpreter& interpreter, const Value& value, Args& args) {
  bind_none(args, "test");
  const std::string text = text_of(interpreter.heap(), value);
  interpreter.heap().step(text.size());
  return kIs(text);
}

template <Comparison kOp>
bool compared(Interpreter& interpreter, const Value& value, Args& args) {
  auto [other] = bind<1>(args, "test", {""}, 1);
  return compare(interpreter.heap(), kOp, value, other);
}

bool is_in(Interpreter& interpreter, const Value& value, Args& args) {
  auto [container] = bind<1>(args, "in", {"seq"}, 1);
  return contains(interpreter.heap(), container, value);
}

/// Python's `is`: the same object; small values are the same when they are equal and of one type.
bool same_as(Interpreter& interpreter, const Value& value, Args& args) {
  auto [other] = bind<1>(args, "sameas", {"other"}, 1);
  if (value.kind() != other.kind()) return false;
  switch (value.kind()) {
    case Kind::kNone:
      return true;
    case Kind::kBool:
    case Kind::kInt:
      return value.as_int() == other.as_int();
    case Kind::kFloat:
      return value.as_double() == other.as_double();
    case Kind::kString:
      return value.body() == other.body() || equal(interpreter.heap(), value, other);
    case Kind::kUndefined:
      return false;
    default:
      return value.object() == other.object();
  }
}

bool names_filter(Interpreter& interpreter, const Value& value, Args& args) {
  bind_none(args, "filter");
  hash(interpreter.heap(), value);  // fails on what cannot be a key, as the look-up in jinja2 does
  return value.is_string() && find_filter(value.text()) != nullptr;
}

bool names_test(Interpreter& interpreter, const Value& value, Args& args) {
  bind_none(args, "test");
  hash(interpreter.heap(), value);
  return value.is_string() && find_test(value.text()) != nullptr;
}

}  // namespace

TestFunction find_test(std::string_view name) {
  static const std::unordered_map<std::string_view, TestFunction> table = {
      {"odd", parity<1>},
      {"even", parity<0>},
      {"divisibleby", divisible_by},
      {"defined", plain<is_defined>},
      {"undefined", plain<of_kind<Kind::kUndefined>>},
      {"filter", names_filter},
      {"test", names_test},
      {"none", plain<of_kind<Kind::kNone>>},
      {"boolean", plain<of_kind<Kind::kBool>>},
      {"true", plain<is_true>},
      {"false", plain<is_false>},
      {"integer", plain<of_kind<Kind::kInt>>},
      {"float", plain<of_kind<Kind::kFloat>>},
      {"string", plain<of_kind<Kind::kString>>},
      {"mapping", plain<of_kind<Kind::kDict>>},
      {"number", plain<is_number>},
      {"sequence", plain<is_sequence>},
      {"iterable", plain<can_iterate>},
      {"callable", plain<is_callable>},
      {"escaped", plain<is_escaped>},
      {"lower", letter_case<is_lower_text>},
      {"upper", letter_case<is_upper_text>},
      {"sameas", same_as},
      {"in", is_in},
      {"==", compared<Comparison::kEqual>},
      {"eq", compared<Comparison::kEqual>},
      {"equalto", compared<Comparison::kEqual>},
      {"!=", compared<Comparison::kNotEqual>},
      {"ne", compared<Comparison::kNotEqual>},
      {">", compared<Comparison::kGreater>},
      {"gt", compared<Comparison::kGreater>},
      {"greaterthan", compared<Comparison::kGreater>},
      {">=", compared<Comparison::kGreaterEqual>},
      {"ge", compared<Comparison::kGreaterEqual>},
      {"<", compared<Comparison::kLess>},
      {"lt", compared<Comparison::kLess>},
      {"lessthan", compared<Comparison::kLess>},
      {"<=", compared<Comparison::kLessEqual>},
      {"le", compared<Comparison::kLessEqual>},
  };
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace shenbi::chat::jinja
