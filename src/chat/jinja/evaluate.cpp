// Expressions.

#include <fmt/format.h>

#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/tests.h"

namespace shenbi::chat::jinja {

const Value& Interpreter::constant(const Constant& node) {
  Value& made = constants_[node.id];
  if (!made.is_missing()) return made;
  switch (node.value.index()) {
    case 0:
      made = Value();
      break;
    case 1:
      made = Value::boolean(std::get<bool>(node.value));
      break;
    case 2:
      made = Value::integer(std::get<int64_t>(node.value));
      break;
    case 3:
      made = Value::real(std::get<double>(node.value));
      break;
    default:
      made = string(std::get<std::string>(node.value));
  }
  return made;
}

const Value& Interpreter::name_text(size_t id, const std::string& name) {
  Value& made = constants_[id];
  if (made.is_missing()) made = string(name);
  return made;
}

Value& Interpreter::slot(Place place) {
  Activation* activation = activation_;
  for (uint32_t i = 0; i < place.hops; ++i) activation = activation->outer;
  return activation->slots[place.slot];
}

Value Interpreter::evaluate_name(const Name& node) {
  const Value& value = slot(node.place);
  if (!value.is_missing()) return value;
  return Value::undefined(Absence::kName, name_text(node.id, node.name));
}

Value Interpreter::evaluate(const Expression& node) {
  heap_.step(2);
  switch (node.kind) {
    case ExpressionKind::kConstant:
      return constant(static_cast<const Constant&>(node));
    case ExpressionKind::kName:
      return evaluate_name(static_cast<const Name&>(node));
    default:
      return evaluate_nested(node);
  }
}

Value Interpreter::evaluate_nested(const Expression& node) {
  const DepthGuard guard(heap_);
  switch (node.kind) {
    case ExpressionKind::kTuple:
    case ExpressionKind::kList:
      return evaluate_sequence(static_cast<const Sequence&>(node));
    case ExpressionKind::kDict:
      return evaluate_dict(static_cast<const DictLiteral&>(node));
    case ExpressionKind::kAttribute: {
      const auto& access = static_cast<const Attribute&>(node);
      return attribute(evaluate(*access.object), name_text(access.id, access.name));
    }
    case ExpressionKind::kItem:
      return evaluate_item(static_cast<const Item&>(node));
    case ExpressionKind::kCall:
      return evaluate_call(static_cast<const Call&>(node));
    case ExpressionKind::kFilter:
      return evaluate_filter(static_cast<const Filter&>(node));
    case ExpressionKind::kTest:
      return evaluate_test(static_cast<const Test&>(node));
    case ExpressionKind::kNegate:
      return negate(evaluate(*static_cast<const Unary&>(node).operand));
    case ExpressionKind::kAffirm:
      return affirm(evaluate(*static_cast<const Unary&>(node).operand));
    case ExpressionKind::kNot:
      return Value::boolean(!truthy(evaluate(*static_cast<const Unary&>(node).operand)));
    case ExpressionKind::kChain:
      return evaluate_chain(static_cast<const Chain&>(node));
    case ExpressionKind::kConcat:
      return evaluate_concat(static_cast<const Sequence&>(node));
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
      return evaluate_logic(static_cast<const Sequence&>(node));
    case ExpressionKind::kCompare:
      return evaluate_compare(static_cast<const Compare&>(node));
    case ExpressionKind::kCondition:
      return evaluate_condition(static_cast<const Condition&>(node));
    default:
      fail("internal: this expression has no value");
  }
}

Value Interpreter::evaluate_sequence(const Sequence& node) {
  auto* list = heap_.make<List>(node.kind == ExpressionKind::kTuple ? Kind::kTuple : Kind::kList);
  for (const auto& item : node.items) list->push(heap_, evaluate(*item));
  return list;
}

Value Interpreter::evaluate_dict(const DictLiteral& node) {
  auto* dict = heap_.make<Dict>();
  for (const auto& [key, value] : node.entries) {
    const Value name = evaluate(*key);
    dict->set(heap_, name, evaluate(*value));
  }
  return dict;
}

Value Interpreter::evaluate_item(const Item& node) {
  const Value object = evaluate(*node.object);
  if (node.index->kind != ExpressionKind::kSlice) return item(object, evaluate(*node.index));
  const auto& bounds = static_cast<const Slice&>(*node.index);
  const auto bound = [&](const ExpressionPtr& part) { return part ? evaluate(*part) : Value(); };
  const Value start = bound(bounds.start), stop = bound(bounds.stop), step = bound(bounds.step);
  return slice(heap_, object, start, stop, step);
}

Args Interpreter::evaluate_arguments(const Arguments& arguments) {
  Args args;
  args.positional.reserve(arguments.positional.size());
  for (const auto& value : arguments.positional) args.positional.push_back(evaluate(*value));
  for (const auto& [name, value] : arguments.named) args.named.emplace_back(name, evaluate(*value));
  if (arguments.spread) {
    Cursor cursor(heap_, evaluate(*arguments.spread));
    for (Value value; cursor.next(value);) {
      heap_.step();
      args.positional.push_back(value);
    }
  }
  if (arguments.spread_named) {
    const Value named = evaluate(*arguments.spread_named);
    if (!named.is(Kind::kDict)) fail("argument after ** must be a mapping");
    for (const auto& [name, value] : named.dict().entries) {
      heap_.step();
      if (!name.is_string()) fail("keywords must be strings");
      for (const auto& [other, unused] : arguments.named) {
        if (other == name.text()) fail(fmt::format("got multiple values for keyword argument {}", in_quotes(other)));
      }
      args.named.emplace_back(name.text(), value);
    }
  }
  return args;
}

Value Interpreter::evaluate_call(const Call& node) {
  line_ = node.line;
  if (node.callee->kind == ExpressionKind::kAttribute) {
    // The usual case of a method: no bound-method object is made.
    const auto& access = static_cast<const Attribute&>(*node.callee);
    const Value self = evaluate(*access.object);
    if (const Builtin method = find_method(self.kind(), access.name)) {
      Args args = evaluate_arguments(node.arguments);
      return method(*this, self, args);
    }
    const Value callee = attribute(self, name_text(access.id, access.name));
    Args args = evaluate_arguments(node.arguments);
    return call(callee, args);
  }
  const Value callee = evaluate(*node.callee);
  Args args = evaluate_arguments(node.arguments);
  return call(callee, args);
}

Value Interpreter::evaluate_filter(const Filter& node) {
  const Value input = node.input ? evaluate(*node.input) : block_text_;
  Args args = evaluate_arguments(node.arguments);
  line_ = node.line;
  return filter(node.name, input, args);
}

Value Interpreter::evaluate_test(const Test& node) {
  const Value value = evaluate(*node.input);
  Args args = evaluate_arguments(node.arguments);
  line_ = node.line;
  return Value::boolean(test(node.name, value, args));
}

Value Interpreter::evaluate_chain(const Chain& node) {
  Value result = evaluate(*node.first);
  for (const auto& [op, operand] : node.rest) result = apply(heap_, op, result, evaluate(*operand));
  return result;
}

Value Interpreter::evaluate_concat(const Sequence& node) {
  std::string text;
  for (const auto& operand : node.items) append_text(heap_, text, evaluate(*operand));
  return string(std::move(text));
}

Value Interpreter::evaluate_logic(const Sequence& node) {
  const bool stop_at = node.kind == ExpressionKind::kOr;
  Value result;
  for (const auto& operand : node.items) {
    result = evaluate(*operand);
    if (truthy(result) == stop_at) break;
  }
  return result;
}

Value Interpreter::evaluate_compare(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [op, operand] : node.rest) {
    Value right = evaluate(*operand);
    if (!compare(heap_, op, left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_condition(const Condition& node) {
  if (truthy(evaluate(*node.test))) return evaluate(*node.yes);
  if (node.no) return evaluate(*node.no);
  return Value::undefined(heap_, "the inline if-expression evaluated to false and no else section was defined.");
}

// --- attributes, filters, tests by name ---

Value Interpreter::attribute(const Value& object, const Value& name) {
  if (object.is_undefined()) fail(object.undefined_message());
  if (name.text().starts_with("__")) fail(fmt::format("unknown attribute {}", in_quotes(name.text())));
  if (Value member = find_member(*this, object, name.text()); !member.is_missing()) return member;
  if (Value found = item_or_missing(heap_, object, name); !found.is_missing()) return found;
  return Value::undefined(Absence::kAttribute, name, object.kind());
}

Value Interpreter::item(const Value& object, const Value& index) {
  if (Value found = item_or_missing(heap_, object, index); !found.is_missing()) return found;
  if (!index.is_string()) {
    std::string shown;
    append_repr(heap_, shown, index);
    return Value::undefined(Absence::kElement, string(std::move(shown)), object.kind());
  }
  if (index.text().starts_with("__")) fail(fmt::format("unknown attribute {}", in_quotes(index.text())));
  if (Value member = find_member(*this, object, index.text()); !member.is_missing()) return member;
  return Value::undefined(Absence::kAttribute, index, object.kind());
}

Value Interpreter::filter(std::string_view name, const Value& input, Args& args) {
  const FilterFunction function = find_filter(name);
  if (function == nullptr) fail(fmt::format("no filter named '{}'", name));
  return function(*this, input, args);
}

bool Interpreter::test(std::string_view name, const Value& input, Args& args) {
  const TestFunction function = find_test(name);
  if (function == nullptr) fail(fmt::format("no test named '{}'", name));
  return function(*this, input, args);
}

}  // namespace shenbi::chat::jinja
