// Calling: functions, macros, recursive loops.

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/jinja/capture.h"
#include "chat/jinja/globals.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/repr.h"

namespace shenbi::chat::jinja {

std::string macro_label(const Macro& macro) {
  return macro.statement.name ? in_quotes(macro.statement.name->name) : std::string("anonymous");
}

Value Interpreter::call(const Value& callee, Args& args) {
  heap_.step(4);
  switch (callee.kind()) {
    case Kind::kFunction: {
      const auto& function = callee.as<Function>();
      return function.body(*this, function.self, args);
    }
    case Kind::kMacro:
      return call_macro(callee.as<Macro>(), args);
    case Kind::kLoop:
      return call_loop(callee.as<Loop>(), args);
    case Kind::kJoiner: {
      bind_none(args, "joiner");
      auto& joiner = callee.as<Joiner>();
      return std::exchange(joiner.used, true) ? joiner.separator : string("");
    }
    case Kind::kUndefined:
      fail(callee.undefined_message());
    default:
      fail(fmt::format("'{}' object is not callable", type_name(callee.kind())));
  }
}

Value Interpreter::call_macro(const Macro& macro, Args& args) {
  const MacroStatement& node = macro.statement;
  const size_t count = node.parameters.size();
  auto* activation = heap_.make<Activation>(node.function.slots, macro.scope);
  heap_.grow(node.function.slots * sizeof(Value));
  for (size_t i = 0; i < count; ++i) {
    Value& place = activation->slots[node.parameters[i]->place.slot];
    place = i < args.positional.size() ? args.positional[i] : args.take(node.parameters[i]->name);
  }
  if (node.takes_caller && !node.caller_is_parameter) {
    Value caller = args.take("caller");
    activation->slots[node.caller_slot] =
        caller.is_missing() || caller.is_none() ? Value::undefined(heap_, "No caller defined") : std::move(caller);
  }
  if (node.takes_named) {
    auto* named = heap_.make<Dict>();
    for (auto& [name, value] : args.named) named->set(heap_, string(name), value);
    activation->slots[node.named_slot] = named;
  } else if (!args.named.empty()) {
    fail(fmt::format("macro {} takes no keyword argument {}", macro_label(macro), in_quotes(args.named.front().first)));
  }
  if (node.takes_rest) {
    auto* rest = heap_.make<List>(Kind::kTuple);
    for (size_t i = count; i < args.positional.size(); ++i) rest->push(heap_, args.positional[i]);
    activation->slots[node.rest_slot] = rest;
  } else if (args.positional.size() > count) {
    fail(fmt::format("macro {} takes not more than {} argument(s)", macro_label(macro), count));
  }
  return run_macro(macro, *activation);
}

Value Interpreter::run_macro(const Macro& macro, Activation& activation) {
  if (call_depth_ >= limits::kMaxTemplateDepth) {
    throw Failure{Code::kInvalidArgument,
                  fmt::format("depth limit of {} nested calls exceeded", limits::kMaxTemplateDepth), true};
  }
  ++call_depth_;
  const DepthGuard guard(heap_);
  const MacroStatement& node = macro.statement;
  Activation* const caller = std::exchange(activation_, &activation);
  Capture capture(*this);
  enter(node.loads);
  const size_t required = node.parameters.size() - node.defaults.size();
  for (size_t i = 0; i < node.parameters.size(); ++i) {
    Value& place = activation.slots[node.parameters[i]->place.slot];
    if (!place.is_missing()) continue;
    place = i >= required ? evaluate(*node.defaults[i - required])
                          : Value::undefined(
                                heap_, fmt::format("parameter {} was not provided", in_quotes(node.parameters[i]->name)));
  }
  run_body(node.body);
  activation_ = caller;
  --call_depth_;
  return string(capture.end());
}

Value Interpreter::call_loop(Loop& loop, Args& args) {
  auto [iterable] = bind<1>(args, "loop", {"iterable"}, 1);
  if (loop.statement == nullptr) {
    fail("The loop must have the 'recursive' marker to be called recursively.");
  }
  if (call_depth_ >= limits::kMaxTemplateDepth) {
    throw Failure{Code::kInvalidArgument,
                  fmt::format("depth limit of {} nested calls exceeded", limits::kMaxTemplateDepth), true};
  }
  ++call_depth_;
  const DepthGuard guard(heap_);
  auto* activation = heap_.make<Activation>(loop.statement->recursive_function.slots, loop.scope);
  heap_.grow(loop.statement->recursive_function.slots * sizeof(Value));
  Activation* const caller = std::exchange(activation_, activation);
  Capture capture(*this);
  loop_over(*loop.statement, iterable, loop.depth0 + 1, loop.scope);
  activation_ = caller;
  --call_depth_;
  return string(capture.end());
}

}  // namespace shenbi::chat::jinja
