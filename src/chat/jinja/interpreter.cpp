// Statements and the frame of a rendering. Expressions are in evaluate.cpp, calls in calls.cpp.

#include "chat/jinja/interpreter.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "chat/jinja/capture.h"
#include "chat/jinja/globals.h"
#include "chat/jinja/import_json.h"
#include "chat/jinja/repr.h"

namespace shenbi::chat::jinja {

Error Interpreter::as_error(const Failure& failure) const {
  if (failure.is_limit) {
    return Error(failure.code, fmt::format("template: {} ({}:{})", failure.message, syntax_.source, line_));
  }
  return Error(failure.code, fmt::format("{}:{}: {}", syntax_.source, line_, failure.message));
}

std::string Interpreter::run(const nlohmann::ordered_json& variables) {
  std::string out;
  try {
    constants_.assign(syntax_.constants, Value::missing());
    variables_ = import_variables(heap_, variables);
    activation_ = heap_.make<Activation>(syntax_.function.slots, nullptr);
    out_ = &out;
    enter(syntax_.loads);
    run_body(syntax_.body);
  } catch (const Failure& failure) {
    throw as_error(failure);
  }
  return out;
}

Value Interpreter::look_up(const std::string& name) {
  if (const Value* given = variables_->find(heap_, name)) return *given;
  return find_global(heap_, name);
}

void Interpreter::enter(const Loads& loads) {
  for (const Load& load : loads) {
    heap_.step();
    Value& place = activation_->slots[load.slot];
    switch (load.how) {
      case Load::How::kGiven:
        break;
      case Load::How::kReset:
        place = Value::missing();
        break;
      case Load::How::kCopy:
        place = slot(load.from);
        break;
      case Load::How::kLookUp:
        place = look_up(load.name);
        break;
    }
  }
}

void Interpreter::leave(const Loads& loads) {
  for (const Load& load : loads) activation_->slots[load.slot] = Value::missing();
}

void Interpreter::write(std::string_view text) {
  heap_.check_text(out_->size() + text.size());
  heap_.work(text.size());
  if (captures_ > 0) heap_.grow(text.size());
  *out_ += text;
}

void Interpreter::write(const Value& value) {
  if (value.is_string()) return write(value.text());
  write(text_of(heap_, value));
}

Interpreter::Flow Interpreter::run_body(const Body& body) {
  for (const auto& statement : body) {
    const Flow flow = run_statement(*statement);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement) {
  heap_.step(2);
  line_ = statement.line;
  switch (statement.kind) {
    case StatementKind::kText:
      write(static_cast<const Text&>(statement).text);
      return Flow::kNext;
    case StatementKind::kPrint:
      write(evaluate(*static_cast<const Print&>(statement).value));
      return Flow::kNext;
    case StatementKind::kSet: {
      const auto& node = static_cast<const Set&>(statement);
      check_namespaces(*node.target);
      assign(*node.target, evaluate(*node.value));
      return Flow::kNext;
    }
    case StatementKind::kMacro: {
      const auto& node = static_cast<const MacroStatement&>(statement);
      slot(node.name->place) = heap_.make<Macro>(node, activation_);
      return Flow::kNext;
    }
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
    default:
      break;
  }
  const DepthGuard guard(heap_);
  switch (statement.kind) {
    case StatementKind::kIf:
      return run_if(static_cast<const If&>(statement));
    case StatementKind::kFor:
      return run_for(static_cast<const ForStatement&>(statement));
    case StatementKind::kSetBlock:
      return run_set_block(static_cast<const SetBlock&>(statement));
    case StatementKind::kFilterBlock:
      return run_filter_block(static_cast<const FilterBlock&>(statement));
    case StatementKind::kWith:
      return run_with(static_cast<const With&>(statement));
    case StatementKind::kCallBlock:
      run_call_block(static_cast<const MacroStatement&>(statement));
      break;
    default:
      break;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_if(const If& node) {
  for (const auto& [test, body] : node.branches) {
    line_ = test->line;
    if (truthy(evaluate(*test))) return run_body(body);
  }
  return run_body(node.otherwise);
}

Interpreter::Flow Interpreter::run_set_block(const SetBlock& node) {
  enter(node.loads);
  Capture capture(*this);
  const Flow flow = run_body(node.body);
  std::string text = capture.end();
  if (flow != Flow::kNext) return flow;  // a break inside drops what was captured
  Value value = string(std::move(text));
  if (node.filter) {
    block_text_ = std::move(value);
    value = evaluate(*node.filter);
  }
  check_namespaces(*node.target);
  assign(*node.target, value);
  leave(node.loads);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_filter_block(const FilterBlock& node) {
  enter(node.loads);
  Capture capture(*this);
  const Flow flow = run_body(node.body);
  std::string text = capture.end();
  if (flow != Flow::kNext) return flow;
  block_text_ = string(std::move(text));
  write(evaluate(*node.filter));
  leave(node.loads);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_with(const With& node) {
  enter(node.loads);
  for (const auto& [target, value] : node.bindings) assign(*target, evaluate(*value));
  const Flow flow = run_body(node.body);
  leave(node.loads);
  return flow;
}

void Interpreter::run_call_block(const MacroStatement& node) {
  Value body = heap_.make<Macro>(node, activation_);
  Args args;
  if (!node.call) return write(call(body, args));
  const auto& target = static_cast<const Call&>(*node.call);
  const Value callee = evaluate(*target.callee);
  args = evaluate_arguments(target.arguments);
  args.named.emplace_back("caller", std::move(body));
  write(call(callee, args));
}

// --- loops ---

Interpreter::Flow Interpreter::run_for(const ForStatement& node) {
  const Value iterable = evaluate(*node.iterable);
  if (!node.is_recursive) return loop_over(node, iterable, 0, activation_);
  Capture capture(*this);
  Activation* const outer = activation_;
  activation_ = heap_.make<Activation>(node.recursive_function.slots, outer);
  heap_.grow(node.recursive_function.slots * sizeof(Value));
  loop_over(node, iterable, 0, outer);
  activation_ = outer;
  write(capture.end());
  return Flow::kNext;
}

Interpreter::Flow Interpreter::loop_over(const ForStatement& node, const Value& iterable, int64_t outer_depth,
                                         Activation* filter_scope) {
  const Value source = node.filter ? filtered(node, iterable, filter_scope) : iterable;
  bool completed = false;  // jinja2: the else part runs unless some turn reached the end of the body
  if (node.uses_loop) {
    auto* loop = heap_.make<Loop>(heap_, source, outer_depth);
    if (node.is_recursive) {
      loop->statement = &node;
      loop->scope = filter_scope;
    }
    loop_with_context(node, *loop, completed);
  } else {
    loop_plain(node, source, completed);
  }
  leave(node.body_loads);
  if (completed || node.otherwise.empty()) return Flow::kNext;
  enter(node.otherwise_loads);
  const Flow flow = run_body(node.otherwise);
  leave(node.otherwise_loads);
  return flow;
}

Interpreter::Flow Interpreter::loop_plain(const ForStatement& node, const Value& iterable, bool& completed) {
  Cursor cursor(heap_, iterable);
  for (Value item; cursor.next(item);) {
    assign(*node.target, item);
    enter(node.body_loads);
    const Flow flow = run_body(node.body);
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kNext;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::loop_with_context(const ForStatement& node, Loop& loop, bool& completed) {
  for (Value item; heap_.step(), loop.next(item);) {
    assign(*node.target, item);
    activation_->slots[node.loop_slot] = &loop;
    enter(node.body_loads);
    const Flow flow = run_body(node.body);
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kNext;
  }
  return Flow::kNext;
}

/// The generator behind `for x in y if test`: items are tested as the loop asks for them.
Value Interpreter::filtered(const ForStatement& node, const Value& iterable, Activation* scope) {
  auto* activation = heap_.make<Activation>(node.filter_function.slots, scope);
  heap_.grow(node.filter_function.slots * sizeof(Value));
  auto cursor = std::make_shared<Cursor>(heap_, iterable);
  bool entered = false;
  return heap_.make<Iterator>([this, &node, activation, cursor, entered](Value& out) mutable {
    Activation* const caller = activation_;
    activation_ = activation;
    if (!entered) enter(node.filter_loads);
    entered = true;
    bool found = false;
    for (Value item; !found && cursor->next(item);) {
      assign(*node.filter_target, item);
      found = truthy(evaluate(*node.filter));
      if (found) out = item;
    }
    activation_ = caller;
    return found;
  });
}

// --- assignment ---

void Interpreter::check_namespaces(const Expression& target) {
  if (target.kind == ExpressionKind::kNamespaceTarget) {
    const auto& node = static_cast<const NamespaceTarget&>(target);
    if (!slot(node.owner->place).is(Kind::kNamespace)) fail("cannot assign attribute on non-namespace object");
  }
  if (target.kind != ExpressionKind::kTuple) return;
  for (const auto& item : static_cast<const Sequence&>(target).items) check_namespaces(*item);
}

void Interpreter::assign(const Expression& target, const Value& value) {
  switch (target.kind) {
    case ExpressionKind::kName:
      slot(static_cast<const Name&>(target).place) = value;
      return;
    case ExpressionKind::kNamespaceTarget: {
      const auto& node = static_cast<const NamespaceTarget&>(target);
      if (node.attribute.starts_with('_')) fail(fmt::format("unknown attribute {}", in_quotes(node.attribute)));
      auto& owner = slot(node.owner->place).as<Namespace>();
      owner.attributes.set(heap_, name_text(node.id, node.attribute), value);
      return;
    }
    default:
      break;
  }
  const auto& names = static_cast<const Sequence&>(target).items;
  if (!is_iterable(value)) fail(fmt::format("cannot unpack non-iterable {} object", type_name(value.kind())));
  std::vector<Value> items;
  Cursor cursor(heap_, value);
  for (Value item; cursor.next(item);) {
    if (items.size() == names.size()) fail(fmt::format("too many values to unpack (expected {})", names.size()));
    items.push_back(item);
  }
  if (items.size() < names.size()) {
    fail(fmt::format("not enough values to unpack (expected {}, got {})", names.size(), items.size()));
  }
  for (size_t i = 0; i < names.size(); ++i) assign(*names[i], items[i]);
}

}  // namespace shenbi::chat::jinja
