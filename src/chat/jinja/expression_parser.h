#pragma once
// Expressions, from the weakest binding to the strongest:
//   if-else, or, and, not, comparisons (chained, in, not in), + -, ~, * / // %, ** (leftwards), unary - +,
//   then . [] (), then | filters and `is` tests.

#include "chat/jinja/syntax.h"
#include "chat/jinja/token_stream.h"

namespace shenbi::chat::jinja {

class ExpressionParser {
 public:
  ExpressionParser(TokenStream& stream, size_t& constants) : stream_(stream), constants_(constants) {}

  ExpressionPtr expression(bool with_condition = true);

  struct TupleRules {
    bool only_primaries = false;  ///< assignment targets
    bool with_condition = true;
    bool with_namespace = false;  ///< ns.attribute may be a target
    bool in_parentheses = false;
    std::string_view end_name;  ///< a name that ends the tuple ("in", "recursive")
  };
  /// One expression, or a tuple when there is a comma.
  ExpressionPtr tuple(const TupleRules& rules);

  /// Names, tuples of names, and ns.attribute where allowed; marked as stores.
  ExpressionPtr target(std::string_view end_name, bool with_namespace);
  std::unique_ptr<Name> name_target(Use use);

  /// A chain of filters `| a | b(c)` on `input`; `inline_first` reads the first without its bar.
  ExpressionPtr filters(ExpressionPtr input, bool inline_first = false);

  std::unique_ptr<Name> new_name(int line, const std::string& name, Use use);

 private:
  template <class Node>
  ExpressionPtr done(std::unique_ptr<Node> node);

  ExpressionPtr condition();
  ExpressionPtr disjunction();
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters = true);
  ExpressionPtr primary(bool with_namespace = false);
  ExpressionPtr named(bool with_namespace);
  ExpressionPtr number();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr node);
  ExpressionPtr filters_and_tests(ExpressionPtr node);
  ExpressionPtr subscript(ExpressionPtr node);
  ExpressionPtr subscript_index();
  ExpressionPtr test(ExpressionPtr node);
  ExpressionPtr call(ExpressionPtr node);
  Arguments arguments();
  std::string dotted_name();
  void mark_stored(Expression& node);

  template <class Value>
  ExpressionPtr constant(int line, Value value) {
    return std::make_unique<Constant>(line, std::move(value), constants_++);
  }

  TokenStream& stream_;
  size_t& constants_;
};

}  // namespace shenbi::chat::jinja
