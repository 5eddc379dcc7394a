#pragma once
// The tree of a template. Built once by the parser, given its variables' places by the scope pass, then only read: many
// renderings may walk it at once.
//
// Chains of one precedence (a + b - c, x and y and z, a ~ b ~ c) are flat lists, so that depth in the tree is depth in
// the source, and the parser's bound on nesting bounds every later recursion.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/operators.h"

namespace shenbi::chat::jinja {

/// Where a variable lives: `hops` functions outwards, then a slot of that function's activation.
struct Place {
  uint32_t hops = 0;
  uint32_t slot = 0;
};

enum class ExpressionKind : uint8_t {
  kConstant,
  kName,
  kNamespaceTarget,
  kTuple,
  kList,
  kDict,
  kAttribute,
  kItem,
  kSlice,
  kCall,
  kFilter,
  kTest,
  kNegate,
  kAffirm,
  kNot,
  kChain,
  kConcat,
  kAnd,
  kOr,
  kCompare,
  kCondition,
};

struct Expression {
  Expression(ExpressionKind which, int at) : kind(which), line(at) {}
  virtual ~Expression() = default;
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  const ExpressionKind kind;
  const int line;
  int height = 1;  ///< of the tree below; bounded by the parser
};
using ExpressionPtr = std::unique_ptr<Expression>;

struct Constant : Expression {
  Constant(int at, std::variant<std::monostate, bool, int64_t, double, std::string> what, size_t number)
      : Expression(ExpressionKind::kConstant, at), value(std::move(what)), id(number) {}
  const std::variant<std::monostate, bool, int64_t, double, std::string> value;
  const size_t id;  ///< each rendering makes its own value of it, once
};

enum class Use : uint8_t { kLoad, kStore, kParameter };

struct Name : Expression {
  Name(int at, std::string text, size_t number)
      : Expression(ExpressionKind::kName, at), name(std::move(text)), id(number) {}
  const std::string name;
  const size_t id;  ///< constant id of the name's text
  Use use = Use::kLoad;
  Place place;
};

/// `ns.attribute` on the left of a set.
struct NamespaceTarget : Expression {
  NamespaceTarget(int at, std::unique_ptr<Name> of, std::string text, size_t number)
      : Expression(ExpressionKind::kNamespaceTarget, at),
        owner(std::move(of)),
        attribute(std::move(text)),
        id(number) {}
  const std::unique_ptr<Name> owner;
  const std::string attribute;
  const size_t id;
};

/// Tuple, list, concatenation, and, or: one list of operands.
struct Sequence : Expression {
  using Expression::Expression;
  std::vector<ExpressionPtr> items;
};

struct DictLiteral : Expression {
  explicit DictLiteral(int at) : Expression(ExpressionKind::kDict, at) {}
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Attribute : Expression {
  Attribute(int at, ExpressionPtr of, std::string text, size_t number)
      : Expression(ExpressionKind::kAttribute, at), object(std::move(of)), name(std::move(text)), id(number) {}
  const ExpressionPtr object;
  const std::string name;
  const size_t id;
};

struct Item : Expression {
  Item(int at, ExpressionPtr of, ExpressionPtr by)
      : Expression(ExpressionKind::kItem, at), object(std::move(of)), index(std::move(by)) {}
  const ExpressionPtr object, index;
};

/// start:stop:step inside brackets; each may be absent. Only ever the index of an Item.
struct Slice : Expression {
  explicit Slice(int at) : Expression(ExpressionKind::kSlice, at) {}
  ExpressionPtr start, stop, step;
};

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr spread;        ///< *args
  ExpressionPtr spread_named;  ///< **kwargs
};

struct Call : Expression {
  Call(int at, ExpressionPtr what, Arguments with)
      : Expression(ExpressionKind::kCall, at), callee(std::move(what)), arguments(std::move(with)) {}
  const ExpressionPtr callee;
  const Arguments arguments;
};

/// `input | name(...)`; without input inside a filter block or a block set, where the text of the block is the input.
struct Filter : Expression {
  Filter(int at, ExpressionPtr from, std::string text, Arguments with)
      : Expression(ExpressionKind::kFilter, at),
        input(std::move(from)),
        name(std::move(text)),
        arguments(std::move(with)) {}
  const ExpressionPtr input;
  const std::string name;
  const Arguments arguments;
};

struct Test : Expression {
  Test(int at, ExpressionPtr what, std::string text, Arguments with)
      : Expression(ExpressionKind::kTest, at),
        input(std::move(what)),
        name(std::move(text)),
        arguments(std::move(with)) {}
  const ExpressionPtr input;
  const std::string name;
  const Arguments arguments;
};

/// -x, +x, not x
struct Unary : Expression {
  Unary(ExpressionKind which, int at, ExpressionPtr of) : Expression(which, at), operand(std::move(of)) {}
  const ExpressionPtr operand;
};

/// first op x op y ..., left to right
struct Chain : Expression {
  Chain(int at, ExpressionPtr head) : Expression(ExpressionKind::kChain, at), first(std::move(head)) {}
  const ExpressionPtr first;
  std::vector<std::pair<Arithmetic, ExpressionPtr>> rest;
};

/// a < b <= c: true when every neighbouring pair is
struct Compare : Expression {
  Compare(int at, ExpressionPtr head) : Expression(ExpressionKind::kCompare, at), first(std::move(head)) {}
  const ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};

/// `yes if test else no`; `no` may be absent.
struct Condition : Expression {
  Condition(int at, ExpressionPtr if_true, ExpressionPtr what, ExpressionPtr if_false)
      : Expression(ExpressionKind::kCondition, at),
        yes(std::move(if_true)),
        test(std::move(what)),
        no(std::move(if_false)) {}
  const ExpressionPtr yes, test, no;
};

// --- statements ---

enum class StatementKind : uint8_t {
  kText,
  kPrint,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kBreak,
  kContinue,
};

struct Statement {
  Statement(StatementKind which, int at) : kind(which), line(at) {}
  virtual ~Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  const StatementKind kind;
  const int line;
};
using StatementPtr = std::unique_ptr<Statement>;
using Body = std::vector<StatementPtr>;

/// What must happen to a block's variables when it is entered.
struct Load {
  /// kGiven: the block fills it itself (loop targets, parameters).
  enum class How : uint8_t { kGiven, kReset, kCopy, kLookUp } how = How::kReset;
  uint32_t slot = 0;  ///< in the current activation
  Place from;         ///< kCopy
  std::string name;   ///< kLookUp: among the caller's variables and the globals
};
using Loads = std::vector<Load>;

struct Text : Statement {
  Text(int at, std::string what) : Statement(StatementKind::kText, at), text(std::move(what)) {}
  const std::string text;
};

struct Print : Statement {
  Print(int at, ExpressionPtr what) : Statement(StatementKind::kPrint, at), value(std::move(what)) {}
  const ExpressionPtr value;
};

struct If : Statement {
  explicit If(int at) : Statement(StatementKind::kIf, at) {}
  std::vector<std::pair<ExpressionPtr, Body>> branches;  ///< if, elif, elif ...
  Body otherwise;
};

/// A body with its own activation: a macro, a call block, a recursive loop, a loop's filter.
struct FunctionShape {
  uint32_t slots = 0;
};

struct ForStatement : Statement {
  explicit ForStatement(int at) : Statement(StatementKind::kFor, at) {}
  ExpressionPtr target, iterable, filter;
  bool is_recursive = false;
  Body body, otherwise;

  bool uses_loop = false;
  uint32_t loop_slot = 0;
  Loads body_loads, otherwise_loads, filter_loads;
  FunctionShape filter_function;     ///< when there is a filter
  FunctionShape recursive_function;  ///< when is_recursive
  ExpressionPtr filter_target;       ///< the target once more, bound inside the filter's function
};

struct Set : Statement {
  explicit Set(int at) : Statement(StatementKind::kSet, at) {}
  ExpressionPtr target, value;
};

struct SetBlock : Statement {
  explicit SetBlock(int at) : Statement(StatementKind::kSetBlock, at) {}
  ExpressionPtr target, filter;
  Body body;
  Loads loads;
};

struct MacroStatement : Statement {
  MacroStatement(StatementKind which, int at) : Statement(which, at) {}
  std::unique_ptr<Name> name;  ///< absent for call blocks
  std::vector<std::unique_ptr<Name>> parameters;
  std::vector<ExpressionPtr> defaults;  ///< of the last parameters
  ExpressionPtr call;  ///< call blocks: the call that is given this body as `caller`; absent for generation
  Body body;

  Loads loads;
  FunctionShape function;
  bool takes_caller = false, takes_named = false, takes_rest = false;
  bool caller_is_parameter = false;
  uint32_t caller_slot = 0, named_slot = 0, rest_slot = 0;
};

struct FilterBlock : Statement {
  explicit FilterBlock(int at) : Statement(StatementKind::kFilterBlock, at) {}
  ExpressionPtr filter;
  Body body;
  Loads loads;
};

struct With : Statement {
  explicit With(int at) : Statement(StatementKind::kWith, at) {}
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> bindings;
  Body body;
  Loads loads;
};

/// Calls `visit(const ExpressionPtr&)` on each direct operand that is there.
template <class Visit>
void for_each_operand(const Expression& node, const Visit& visit) {
  const auto one = [&](const ExpressionPtr& child) {
    if (child) visit(child);
  };
  const auto arguments = [&](const Arguments& given) {
    for (const auto& child : given.positional) one(child);
    for (const auto& [name, child] : given.named) one(child);
    one(given.spread);
    one(given.spread_named);
  };
  switch (node.kind) {
    case ExpressionKind::kConstant:
    case ExpressionKind::kName:
    case ExpressionKind::kNamespaceTarget:
      break;
    case ExpressionKind::kTuple:
    case ExpressionKind::kList:
    case ExpressionKind::kConcat:
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
      for (const auto& child : static_cast<const Sequence&>(node).items) one(child);
      break;
    case ExpressionKind::kDict:
      for (const auto& [key, value] : static_cast<const DictLiteral&>(node).entries) {
        one(key);
        one(value);
      }
      break;
    case ExpressionKind::kAttribute:
      one(static_cast<const Attribute&>(node).object);
      break;
    case ExpressionKind::kItem:
      one(static_cast<const Item&>(node).object);
      one(static_cast<const Item&>(node).index);
      break;
    case ExpressionKind::kSlice:
      one(static_cast<const Slice&>(node).start);
      one(static_cast<const Slice&>(node).stop);
      one(static_cast<const Slice&>(node).step);
      break;
    case ExpressionKind::kCall:
      one(static_cast<const Call&>(node).callee);
      arguments(static_cast<const Call&>(node).arguments);
      break;
    case ExpressionKind::kFilter:
      one(static_cast<const Filter&>(node).input);
      arguments(static_cast<const Filter&>(node).arguments);
      break;
    case ExpressionKind::kTest:
      one(static_cast<const Test&>(node).input);
      arguments(static_cast<const Test&>(node).arguments);
      break;
    case ExpressionKind::kNegate:
    case ExpressionKind::kAffirm:
    case ExpressionKind::kNot:
      one(static_cast<const Unary&>(node).operand);
      break;
    case ExpressionKind::kChain:
      one(static_cast<const Chain&>(node).first);
      for (const auto& [op, child] : static_cast<const Chain&>(node).rest) one(child);
      break;
    case ExpressionKind::kCompare:
      one(static_cast<const Compare&>(node).first);
      for (const auto& [op, child] : static_cast<const Compare&>(node).rest) one(child);
      break;
    case ExpressionKind::kCondition:
      one(static_cast<const Condition&>(node).test);
      one(static_cast<const Condition&>(node).yes);
      one(static_cast<const Condition&>(node).no);
      break;
  }
}

/// A parsed template.
struct Syntax {
  std::string source;  ///< its name, for messages
  Body body;
  Loads loads;
  FunctionShape function;
  size_t constants = 0;
};

}  // namespace shenbi::chat::jinja
