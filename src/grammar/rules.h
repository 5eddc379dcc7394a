#pragma once
// The form that GBNF, patterns and schemas are all brought to: named rules over literals and sets of characters.
//
//   Rules rules;
//   const RuleId word = rules.declare("word");
//   rules.define(word, rules.repeat(rules.set(CodeSet({{'a', 'z'}})), 1, kUnbounded));
//   rules.start = word;
//
// Expressions are small trees in one arena, named by index. Their depth is bounded by what reads them (nesting limits),
// so walking them may recurse; rules call each other through names only.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_set.h"

namespace shenbi::grammar {

using ExprId = uint32_t;
using RuleId = uint32_t;
inline constexpr uint32_t kUnbounded = UINT32_MAX;
inline constexpr ExprId kNoExpr = UINT32_MAX;

struct Expr {
  enum Kind : uint8_t { kNever, kEmpty, kLiteral, kSet, kSequence, kChoice, kRepeat, kCall } kind = kNever;
  uint32_t value = 0;            ///< index of the literal or set; the rule of a call
  uint32_t min = 0, max = 0;     ///< kRepeat
  std::vector<ExprId> children;  ///< kSequence, kChoice; one for kRepeat
};

struct Rule {
  std::string name;
  ExprId body = kNoExpr;
};

class Rules {
 public:
  ExprId never() { return never_; }  ///< matches nothing at all
  ExprId empty() { return empty_; }
  ExprId literal(std::string_view bytes);
  ExprId set(const CodeSet& set);
  ExprId sequence(std::vector<ExprId> parts);
  ExprId choice(std::vector<ExprId> alternatives);
  ExprId repeat(ExprId what, uint32_t min, uint32_t max);
  ExprId optional(ExprId what) { return repeat(what, 0, 1); }
  ExprId call(RuleId rule);

  /// A rule whose body comes later. Names need not differ; GBNF output numbers them.
  RuleId declare(std::string name);
  void define(RuleId rule, ExprId body) { all[rule].body = body; }
  RuleId add(std::string name, ExprId body);

  const Expr& at(ExprId id) const { return exprs_[id]; }
  const std::string& literal_of(const Expr& e) const { return literals_[e.value]; }
  const CodeSet& set_of(const Expr& e) const { return sets_[e.value]; }
  size_t size() const { return exprs_.size(); }

  std::vector<Rule> all;
  RuleId start = 0;

  Rules();

 private:
  ExprId push(Expr expr);

  std::vector<Expr> exprs_;
  std::vector<std::string> literals_;
  std::vector<CodeSet> sets_;
  std::map<CodeSet, ExprId> set_ids_;
  size_t literal_bytes_ = 0;
  ExprId never_ = 0, empty_ = 0;
};

/// For each expression whether it can match the empty text; whether it can match anything at all. Linear.
std::vector<bool> nullable_exprs(const Rules& rules);
std::vector<bool> productive_exprs(const Rules& rules);

}  // namespace shenbi::grammar
