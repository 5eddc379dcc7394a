#pragma once
// Which of a few special names (loop, caller, kwargs, varargs) a body reads before it assigns them, at any depth: a
// loop or a macro provides only those that its body mentions.

#include <initializer_list>
#include <set>
#include <string>

#include "chat/jinja/syntax.h"

namespace shenbi::chat::jinja {

class FreeNames {
 public:
  explicit FreeNames(std::initializer_list<std::string> names) : names_(names) {}

  bool has(const std::string& name) const { return found_.contains(name); }
  bool stores_loop() const { return stores_loop_; }

  void body(const Body& statements) {
    for (const auto& statement : statements) visit(*statement);
  }
  void expression(const ExpressionPtr& node) {
    if (!node) return;
    if (node->kind == ExpressionKind::kName) return name(static_cast<const Name&>(*node));
    if (node->kind == ExpressionKind::kNamespaceTarget) return;
    for_each_operand(*node, [&](const ExpressionPtr& child) { expression(child); });
  }

 private:
  void name(const Name& node) {
    if (node.use == Use::kStore && node.name == "loop") stores_loop_ = true;
    if (!names_.contains(node.name)) return;
    if (node.use == Use::kLoad)
      found_.insert(node.name);
    else
      names_.erase(node.name);
  }

  void visit(const Statement& node) {
    switch (node.kind) {
      case StatementKind::kText:
      case StatementKind::kBreak:
      case StatementKind::kContinue:
        break;
      case StatementKind::kPrint:
        expression(static_cast<const Print&>(node).value);
        break;
      case StatementKind::kIf: {
        const auto& choice = static_cast<const If&>(node);
        for (const auto& [test, branch] : choice.branches) {
          expression(test);
          body(branch);
        }
        body(choice.otherwise);
        break;
      }
      case StatementKind::kFor: {
        const auto& loop = static_cast<const ForStatement&>(node);
        expression(loop.target);
        expression(loop.iterable);
        body(loop.body);
        body(loop.otherwise);
        expression(loop.filter);
        break;
      }
      case StatementKind::kSet:
        expression(static_cast<const Set&>(node).target);
        expression(static_cast<const Set&>(node).value);
        break;
      case StatementKind::kSetBlock:
        expression(static_cast<const SetBlock&>(node).target);
        expression(static_cast<const SetBlock&>(node).filter);
        body(static_cast<const SetBlock&>(node).body);
        break;
      case StatementKind::kMacro:
      case StatementKind::kCallBlock: {
        const auto& macro = static_cast<const MacroStatement&>(node);
        expression(macro.call);
        for (const auto& parameter : macro.parameters) name(*parameter);
        for (const auto& value : macro.defaults) expression(value);
        body(macro.body);
        break;
      }
      case StatementKind::kFilterBlock:
        body(static_cast<const FilterBlock&>(node).body);
        expression(static_cast<const FilterBlock&>(node).filter);
        break;
      case StatementKind::kWith:
        for (const auto& [target, value] : static_cast<const With&>(node).bindings) expression(value);
        body(static_cast<const With&>(node).body);
        break;
    }
  }

  std::set<std::string> names_, found_;
  bool stores_loop_ = false;
};

}  // namespace shenbi::chat::jinja
