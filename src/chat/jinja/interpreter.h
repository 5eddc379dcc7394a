#pragma once
// Walks a template's tree and writes its text. One object renders once, on one thread.

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/arguments.h"
#include "chat/jinja/loop.h"
#include "chat/jinja/syntax.h"
#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

/// The variables of one run of a body.
struct Activation : Object {
  Activation(uint32_t count, Activation* around)
      : Object(Kind::kMissing), slots(count, Value::missing()), outer(around) {}
  std::vector<Value> slots;
  Activation* outer;
};

/// A macro or the body of a call block, with the variables around it.
struct Macro : Object {
  Macro(const MacroStatement& what, Activation* around) : Object(Kind::kMacro), statement(what), scope(around) {}
  const MacroStatement& statement;
  Activation* scope;
};
std::string macro_label(const Macro& macro);

class Interpreter {
 public:
  Interpreter(const Syntax& syntax, std::chrono::system_clock::time_point now) : syntax_(syntax), now_(now) {}

  /// Throws Error as ChatTemplate::render documents.
  std::string run(const nlohmann::ordered_json& variables);

  // What filters, tests and methods need.
  Heap& heap() noexcept { return heap_; }
  std::chrono::system_clock::time_point now() const noexcept { return now_; }
  Value string(std::string text, bool is_markup = false) { return Value::string(heap_, std::move(text), is_markup); }
  Value call(const Value& callee, Args& args);
  Value filter(std::string_view name, const Value& input, Args& args);
  bool test(std::string_view name, const Value& input, Args& args);
  /// object.name: methods and properties first, then items. Fails on double underscores.
  Value attribute(const Value& object, const Value& name);
  /// object[index]: items first, then methods and properties.
  Value item(const Value& object, const Value& index);

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };
  class Capture;

  Error as_error(const Failure& failure) const;
  Value look_up(const std::string& name);

  // Statements.
  Flow run_body(const Body& body);
  Flow run_statement(const Statement& statement);
  Flow run_if(const If& node);
  Flow run_set_block(const SetBlock& node);
  Flow run_filter_block(const FilterBlock& node);
  Flow run_with(const With& node);
  Flow run_for(const ForStatement& node);
  Flow loop_over(const ForStatement& node, const Value& iterable, int64_t outer_depth, Activation* filter_scope);
  Flow loop_plain(const ForStatement& node, const Value& iterable, bool& completed);
  Flow loop_with_context(const ForStatement& node, Loop& loop, bool& completed);
  Value filtered(const ForStatement& node, const Value& iterable, Activation* scope);
  void run_call_block(const MacroStatement& node);
  void enter(const Loads& loads);
  void leave(const Loads& loads);
  void assign(const Expression& target, const Value& value);
  void check_namespaces(const Expression& target);
  void write(const Value& value);
  void write(std::string_view text);

  // Expressions.
  Value evaluate(const Expression& node);
  const Value& constant(const Constant& node);
  const Value& name_text(size_t id, const std::string& name);
  Value& slot(Place place);
  Value evaluate_name(const Name& node);
  Value evaluate_nested(const Expression& node);
  Value evaluate_sequence(const Sequence& node);
  Value evaluate_dict(const DictLiteral& node);
  Value evaluate_item(const Item& node);
  Value evaluate_call(const Call& node);
  Value evaluate_filter(const Filter& node);
  Value evaluate_test(const Test& node);
  Value evaluate_chain(const Chain& node);
  Value evaluate_concat(const Sequence& node);
  Value evaluate_logic(const Sequence& node);
  Value evaluate_compare(const Compare& node);
  Value evaluate_condition(const Condition& node);
  Args evaluate_arguments(const Arguments& arguments);

  // Calls.
  Value call_macro(const Macro& macro, Args& args);
  Value run_macro(const Macro& macro, Activation& activation);
  Value call_loop(Loop& loop, Args& args);

  const Syntax& syntax_;
  const std::chrono::system_clock::time_point now_;
  Heap heap_;
  // Everything below holds values of the heap and dies before it.
  std::vector<Value> constants_;
  Dict* variables_ = nullptr;
  Activation* activation_ = nullptr;
  Value block_text_;  ///< what a filter without an input filters
  std::string* out_ = nullptr;
  int line_ = 1;
  int captures_ = 0;
  uint64_t call_depth_ = 0;
};

}  // namespace shenbi::chat::jinja
