#include "grammar/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::grammar {

Rules::Rules() {
  never_ = push({.kind = Expr::kNever});
  empty_ = push({.kind = Expr::kEmpty});
}

ExprId Rules::push(Expr expr) {
  if (exprs_.size() >= limits::kMaxGrammarNodes) {
    throw Error(Code::kInvalidArgument, fmt::format("grammar: more than {} parts", limits::kMaxGrammarNodes));
  }
  exprs_.push_back(std::move(expr));
  return static_cast<ExprId>(exprs_.size() - 1);
}

ExprId Rules::literal(std::string_view bytes) {
  if (bytes.empty()) return empty_;
  literal_bytes_ += bytes.size();
  if (literal_bytes_ > limits::kMaxGrammarBytes) {
    throw Error(Code::kInvalidArgument,
                fmt::format("grammar: more than {} bytes of literal text", limits::kMaxGrammarBytes));
  }
  literals_.emplace_back(bytes);
  return push({.kind = Expr::kLiteral, .value = static_cast<uint32_t>(literals_.size() - 1)});
}

ExprId Rules::set(const CodeSet& set) {
  if (set.empty()) return never_;
  const auto [at, fresh] = set_ids_.try_emplace(set, 0);
  if (fresh) {
    sets_.push_back(set);
    at->second = push({.kind = Expr::kSet, .value = static_cast<uint32_t>(sets_.size() - 1)});
  }
  return at->second;
}

ExprId Rules::sequence(std::vector<ExprId> parts) {
  std::erase(parts, empty_);
  if (std::find(parts.begin(), parts.end(), never_) != parts.end()) return never_;
  if (parts.empty()) return empty_;
  if (parts.size() == 1) return parts[0];
  return push({.kind = Expr::kSequence, .children = std::move(parts)});
}

ExprId Rules::choice(std::vector<ExprId> alternatives) {
  std::erase(alternatives, never_);
  if (alternatives.empty()) return never_;
  if (alternatives.size() == 1) return alternatives[0];
  return push({.kind = Expr::kChoice, .children = std::move(alternatives)});
}

ExprId Rules::repeat(ExprId what, uint32_t min, uint32_t max) {
  if (max == 0 || what == empty_) return empty_;
  if (what == never_) return min == 0 ? empty_ : never_;
  if (min == 1 && max == 1) return what;
  return push({.kind = Expr::kRepeat, .min = min, .max = max, .children = {what}});
}

ExprId Rules::call(RuleId rule) { return push({.kind = Expr::kCall, .value = rule}); }

RuleId Rules::declare(std::string name) {
  if (all.size() >= limits::kMaxGrammarNodes) {
    throw Error(Code::kInvalidArgument, fmt::format("grammar: more than {} rules", limits::kMaxGrammarNodes));
  }
  all.push_back({std::move(name), kNoExpr});
  return static_cast<RuleId>(all.size() - 1);
}

RuleId Rules::add(std::string name, ExprId body) {
  const RuleId rule = declare(std::move(name));
  define(rule, body);
  return rule;
}

namespace {

// The least fixpoint of "a leaf holds if `leaf_holds`, a sequence if all of its parts do, a choice if one does": every
// expression counts what it still waits for, and what comes true tells those it is part of. Linear in the grammar.
class Fixpoint {
 public:
  Fixpoint(const Rules& rules, bool leaf_holds) : waits_(rules.size()), parents_(rules.size()), holds_(rules.size()) {
    std::vector<std::vector<ExprId>> calls(rules.all.size());
    for (ExprId id = 0; id < rules.size(); ++id) {
      const Expr& e = rules.at(id);
      for (const ExprId child : e.children) parents_[child].push_back(id);
      if (e.kind == Expr::kCall) calls[e.value].push_back(id);
      waits_[id] = e.kind == Expr::kSequence ? e.children.size() : 1;
      const bool leaf = e.kind == Expr::kLiteral || e.kind == Expr::kSet;
      if (e.kind == Expr::kEmpty || (leaf && leaf_holds) || (e.kind == Expr::kRepeat && e.min == 0)) turn(id);
    }
    for (RuleId rule = 0; rule < rules.all.size(); ++rule) {
      for (const ExprId call : calls[rule]) {
        if (rules.all[rule].body != kNoExpr) parents_[rules.all[rule].body].push_back(call);
      }
    }
    run();
  }
  bool holds(ExprId id) const { return holds_[id]; }

 private:
  void turn(ExprId id) {
    if (holds_[id]) return;
    holds_[id] = true;
    turned_.push_back(id);
  }
  void run() {
    while (!turned_.empty()) {
      const ExprId id = turned_.back();
      turned_.pop_back();
      for (const ExprId parent : parents_[id]) {
        if (waits_[parent] > 0 && --waits_[parent] == 0) turn(parent);
      }
    }
  }

  std::vector<size_t> waits_;
  std::vector<std::vector<ExprId>> parents_;
  std::vector<bool> holds_;
  std::vector<ExprId> turned_;
};

std::vector<bool> exprs_that(const Rules& rules, bool leaf_holds) {
  const Fixpoint fixpoint(rules, leaf_holds);
  std::vector<bool> holds(rules.size());
  for (ExprId id = 0; id < rules.size(); ++id) holds[id] = fixpoint.holds(id);
  return holds;
}

}  // namespace

std::vector<bool> nullable_exprs(const Rules& rules) { return exprs_that(rules, false); }
std::vector<bool> productive_exprs(const Rules& rules) { return exprs_that(rules, true); }

}  // namespace shenbi::grammar
