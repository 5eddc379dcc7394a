#include "chat/jinja/scope.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/free_names.h"
#include "chat/jinja/lexer.h"
#include "chat/jinja/tests.h"

namespace shenbi::chat::jinja {
namespace {

/// A body that runs with its own activation.
struct Function {
  Function* outer = nullptr;
  uint32_t slots = 0;
};

struct Variable {
  const Function* function = nullptr;
  uint32_t slot = 0;
};

/// The variables of one block.
class Scope {
 public:
  Scope(const Scope* parent, Function& function) : parent_(parent), function_(function) {}

  const Variable* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      if (const auto it = scope->variables_.find(name); it != scope->variables_.end()) return &it->second;
    }
    return nullptr;
  }

  Variable give(const std::string& name) {
    stored_.insert(name);
    return define(name, {Load::How::kGiven});
  }

  void load(const std::string& name) {
    if (find(name) == nullptr) define(name, {.how = Load::How::kLookUp, .name = name});
  }

  void store(const std::string& name, bool in_branch) {
    if (!stored_.insert(name).second || variables_.contains(name)) return;
    const Variable* outer = parent_ != nullptr ? parent_->find(name) : nullptr;
    if (outer != nullptr)
      define(name, {.how = Load::How::kCopy, .from = place_of(*outer)});
    else if (in_branch)
      define(name, {.how = Load::How::kLookUp, .name = name});
    else
      define(name, {Load::How::kReset});
  }

  Place place_of(const Variable& variable) const {
    Place place{0, variable.slot};
    for (const Function* f = &function_; f != variable.function; f = f->outer) ++place.hops;
    return place;
  }

  Loads loads() const { return loads_; }
  Function& function() const { return function_; }

 private:
  Variable define(const std::string& name, Load load) {
    // A name may be given after it was looked up (the special parameters of macros): it keeps its slot.
    const auto [it, is_new] = variables_.try_emplace(name, Variable{&function_, function_.slots});
    load.slot = it->second.slot;
    if (is_new) {
      ++function_.slots;
      loads_.push_back(std::move(load));
    } else {
      for (Load& old : loads_) {
        if (old.slot == load.slot) old = load;
      }
    }
    return it->second;
  }

  const Scope* parent_;
  Function& function_;
  std::unordered_map<std::string, Variable> variables_;
  std::set<std::string> stored_;
  Loads loads_;
};

/// Collects what a block reads and assigns; stops at the blocks inside it.
class Collector {
 public:
  explicit Collector(Scope& scope) : scope_(scope) {}

  void body(const Body& statements) {
    for (const auto& statement : statements) visit(*statement);
  }

  void expression(const ExpressionPtr& node) {
    if (!node) return;
    if (node->kind == ExpressionKind::kName) {
      const auto& name = static_cast<const Name&>(*node);
      if (name.use == Use::kLoad)
        scope_.load(name.name);
      else
        scope_.store(name.name, branches_ > 0);
      return;
    }
    if (node->kind == ExpressionKind::kNamespaceTarget) {
      scope_.load(static_cast<const NamespaceTarget&>(*node).owner->name);
      return;
    }
    for_each_operand(*node, [&](const ExpressionPtr& child) { expression(child); });
  }

  void given(const ExpressionPtr& target) {
    if (target->kind == ExpressionKind::kName)
      scope_.give(static_cast<const Name&>(*target).name);
    else
      for_each_operand(*target, [&](const ExpressionPtr& child) { given(child); });
  }

 private:
  void visit(const Statement& node) {
    switch (node.kind) {
      case StatementKind::kText:
      case StatementKind::kBreak:
      case StatementKind::kContinue:
        break;
      case StatementKind::kPrint:
        expression(static_cast<const Print&>(node).value);
        break;
      case StatementKind::kIf:
        branches(static_cast<const If&>(node));
        break;
      case StatementKind::kFor:
        expression(static_cast<const ForStatement&>(node).iterable);
        break;
      case StatementKind::kSet:
        expression(static_cast<const Set&>(node).value);
        expression(static_cast<const Set&>(node).target);
        break;
      case StatementKind::kSetBlock:
        expression(static_cast<const SetBlock&>(node).target);
        break;
      case StatementKind::kMacro:
        scope_.store(static_cast<const MacroStatement&>(node).name->name, branches_ > 0);
        break;
      case StatementKind::kCallBlock:
        expression(static_cast<const MacroStatement&>(node).call);
        break;
      case StatementKind::kFilterBlock:
        expression(static_cast<const FilterBlock&>(node).filter);
        break;
      case StatementKind::kWith:
        for (const auto& [target, value] : static_cast<const With&>(node).bindings) expression(value);
        break;
    }
  }

  void branches(const If& node) {
    expression(node.branches.front().first);
    ++branches_;
    body(node.branches.front().second);
    for (size_t i = 1; i < node.branches.size(); ++i) {
      expression(node.branches[i].first);
      body(node.branches[i].second);
    }
    body(node.otherwise);
    --branches_;
  }

  Scope& scope_;
  int branches_ = 0;
};

/// Gives every name its place, block by block.
class Resolver {
 public:
  explicit Resolver(Syntax& syntax) : syntax_(syntax) {}

  void run() {
    Function root;
    Scope scope(nullptr, root);
    Collector(scope).body(syntax_.body);
    body(syntax_.body, {&scope, false, false});
    syntax_.loads = scope.loads();
    syntax_.function.slots = root.slots;
  }

 private:
  /// Where a statement stands. In an `if` (soft) unknown filters are an error only when they are reached.
  struct Context {
    Scope* scope;
    bool in_loop;
    bool soft;
  };

  [[noreturn]] void fail_at(int line, const std::string& message) { fail_syntax(syntax_.source, line, message); }

  void place(Name& name, const Scope& scope) {
    const Variable* variable = scope.find(name.name);
    SHENBI_CHECK(variable != nullptr);
    name.place = scope.place_of(*variable);
  }

  void expression(const ExpressionPtr& node, const Context& context) {
    if (!node) return;
    Context inner = context;
    switch (node->kind) {
      case ExpressionKind::kName:
        return place(static_cast<Name&>(*node), *context.scope);
      case ExpressionKind::kNamespaceTarget:
        return place(*static_cast<NamespaceTarget&>(*node).owner, *context.scope);
      case ExpressionKind::kFilter: {
        const auto& filter = static_cast<const Filter&>(*node);
        check_filter(syntax_.source, node->line, filter.name, context.soft);
        break;
      }
      case ExpressionKind::kTest: {
        const auto& test = static_cast<const Test&>(*node);
        if (!context.soft && find_test(test.name) == nullptr) {
          fail_at(node->line, fmt::format("no test named '{}'", test.name));
        }
        break;
      }
      case ExpressionKind::kCondition:
        inner.soft = true;
        break;
      default:
        break;
    }
    for_each_operand(*node, [&](const ExpressionPtr& child) { expression(child, inner); });
  }

  void body(const Body& statements, const Context& context) {
    for (const auto& statement : statements) visit(*statement, context);
  }

  void visit(Statement& node, const Context& context) {
    switch (node.kind) {
      case StatementKind::kText:
        break;
      case StatementKind::kBreak:
      case StatementKind::kContinue:
        if (!context.in_loop) {
          fail_at(node.line, node.kind == StatementKind::kBreak ? "'break' outside loop" : "'continue' outside loop");
        }
        break;
      case StatementKind::kPrint:
        expression(static_cast<Print&>(node).value, context);
        break;
      case StatementKind::kIf:
        choice(static_cast<If&>(node), context);
        break;
      case StatementKind::kFor:
        loop(static_cast<ForStatement&>(node), context);
        break;
      case StatementKind::kSet:
        expression(static_cast<Set&>(node).value, context);
        expression(static_cast<Set&>(node).target, context);
        break;
      case StatementKind::kSetBlock:
        set_block(static_cast<SetBlock&>(node), context);
        break;
      case StatementKind::kMacro:
      case StatementKind::kCallBlock:
        macro(static_cast<MacroStatement&>(node), context);
        break;
      case StatementKind::kFilterBlock:
        filter_block(static_cast<FilterBlock&>(node), context);
        break;
      case StatementKind::kWith:
        with(static_cast<With&>(node), context);
        break;
    }
  }

  void choice(If& node, Context context) {
    context.soft = true;
    for (const auto& [test, branch] : node.branches) {
      expression(test, context);
      body(branch, context);
    }
    body(node.otherwise, context);
  }

  void loop(ForStatement& node, const Context& context) {
    FreeNames free({"loop"});
    free.body(node.body);
    node.uses_loop = node.is_recursive || free.has("loop");
    free.expression(node.target);
    free.body(node.otherwise);
    if (free.stores_loop()) fail_at(node.line, "can't assign to the special loop variable");

    expression(node.iterable, context);
    if (node.filter) loop_filter(node, context);

    Function own{&context.scope->function()};
    Function& function = node.is_recursive ? own : context.scope->function();
    Scope scope(context.scope, function);
    if (node.uses_loop) node.loop_slot = scope.give("loop").slot;
    Collector collector(scope);
    collector.given(node.target);
    collector.body(node.body);
    const Context inside{&scope, true, false};
    expression(node.target, inside);
    body(node.body, inside);
    node.body_loads = scope.loads();

    if (!node.otherwise.empty()) {
      Scope otherwise(context.scope, function);
      Collector(otherwise).body(node.otherwise);
      body(node.otherwise, {&otherwise, context.in_loop && !node.is_recursive, false});
      node.otherwise_loads = otherwise.loads();
    }
    node.recursive_function.slots = own.slots;
  }

  void loop_filter(ForStatement& node, const Context& context) {
    Function function{&context.scope->function()};
    Scope scope(context.scope, function);
    Collector collector(scope);
    collector.given(node.filter_target);
    collector.expression(node.filter);
    const Context inside{&scope, false, false};
    expression(node.filter_target, inside);
    expression(node.filter, inside);
    node.filter_loads = scope.loads();
    node.filter_function.slots = function.slots;
  }

  void set_block(SetBlock& node, const Context& context) {
    expression(node.target, context);
    Scope scope(context.scope, context.scope->function());
    Collector collector(scope);
    collector.body(node.body);
    collector.expression(node.filter);
    const Context inside{&scope, context.in_loop, false};
    body(node.body, inside);
    expression(node.filter, inside);
    node.loads = scope.loads();
  }

  void filter_block(FilterBlock& node, const Context& context) {
    Scope scope(context.scope, context.scope->function());
    Collector collector(scope);
    collector.body(node.body);
    collector.expression(node.filter);
    const Context inside{&scope, context.in_loop, false};
    body(node.body, inside);
    expression(node.filter, inside);
    node.loads = scope.loads();
  }

  void with(With& node, const Context& context) {
    Scope scope(context.scope, context.scope->function());
    Collector collector(scope);
    for (const auto& [target, value] : node.bindings) {
      expression(value, context);
      collector.given(target);
    }
    collector.body(node.body);
    const Context inside{&scope, context.in_loop, false};
    for (const auto& [target, value] : node.bindings) expression(target, inside);
    body(node.body, inside);
    node.loads = scope.loads();
  }

  void macro(MacroStatement& node, const Context& context) {
    if (node.name) place(*node.name, *context.scope);
    expression(node.call, context);
    Function function{&context.scope->function()};
    Scope scope(context.scope, function);
    special_parameters(node, scope);
    Collector collector(scope);
    for (const auto& parameter : node.parameters) scope.give(parameter->name);
    for (const auto& value : node.defaults) collector.expression(value);
    collector.body(node.body);
    const Context inside{&scope, false, false};
    for (const auto& parameter : node.parameters) place(*parameter, scope);
    for (const auto& value : node.defaults) expression(value, inside);
    body(node.body, inside);
    node.loads = scope.loads();
    node.function.slots = function.slots;
  }

  /// caller, kwargs and varargs exist in a macro that mentions them.
  void special_parameters(MacroStatement& node, Scope& scope) {
    std::set<std::string> declared;
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      declared.insert(node.parameters[i]->name);
      if (node.parameters[i]->name == "caller") node.caller_is_parameter = true;
    }
    FreeNames free({"caller", "kwargs", "varargs"});
    free.body(node.body);
    if (free.has("caller")) {
      node.takes_caller = true;
      if (!node.caller_is_parameter)
        node.caller_slot = scope.give("caller").slot;
      else
        check_caller_default(node);
    }
    if (free.has("kwargs") && !declared.contains("kwargs")) {
      node.takes_named = true;
      node.named_slot = scope.give("kwargs").slot;
    }
    if (free.has("varargs") && !declared.contains("varargs")) {
      node.takes_rest = true;
      node.rest_slot = scope.give("varargs").slot;
    }
  }

  void check_caller_default(const MacroStatement& node) {
    const size_t required = node.parameters.size() - node.defaults.size();
    for (size_t i = 0; i < required; ++i) {
      if (node.parameters[i]->name == "caller") {
        fail_at(node.line, "the special \"caller\" argument must be omitted or be given a default");
      }
    }
  }

  Syntax& syntax_;
};

}  // namespace

void resolve_names(Syntax& syntax) { Resolver(syntax).run(); }

}  // namespace shenbi::chat::jinja
