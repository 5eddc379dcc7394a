#include "chat/jinja/expression_parser.h"

#include <algorithm>
#include <charconv>

#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {

template <class Node>
ExpressionPtr ExpressionParser::done(std::unique_ptr<Node> node) {
  int below = 0;
  for_each_operand(*node, [&](const ExpressionPtr& child) { below = std::max(below, child->height); });
  node->height = below + 1;
  if (node->height > static_cast<int>(limits::kMaxTemplateDepth)) {
    stream_.fail_at(node->line, fmt::format("expression nested deeper than {} levels", limits::kMaxTemplateDepth));
  }
  return node;
}

ExpressionPtr ExpressionParser::expression(bool with_condition) {
  const Nesting nesting(stream_);
  return with_condition ? condition() : disjunction();
}

ExpressionPtr ExpressionParser::condition() {
  const Nesting nesting(stream_);
  const int line = stream_.line();
  ExpressionPtr node = disjunction();
  while (stream_.skip_name("if")) {
    ExpressionPtr test = disjunction();
    ExpressionPtr otherwise = stream_.skip_name("else") ? condition() : nullptr;
    node = done(std::make_unique<Condition>(line, std::move(node), std::move(test), std::move(otherwise)));
  }
  return node;
}

ExpressionPtr ExpressionParser::disjunction() {
  ExpressionPtr first = conjunction();
  if (!stream_.is_name("or")) return first;
  auto node = std::make_unique<Sequence>(ExpressionKind::kOr, first->line);
  node->items.push_back(std::move(first));
  while (stream_.skip_name("or")) node->items.push_back(conjunction());
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::conjunction() {
  ExpressionPtr first = negation();
  if (!stream_.is_name("and")) return first;
  auto node = std::make_unique<Sequence>(ExpressionKind::kAnd, first->line);
  node->items.push_back(std::move(first));
  while (stream_.skip_name("and")) node->items.push_back(negation());
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::negation() {
  const int line = stream_.line();
  if (!stream_.skip_name("not")) return comparison();
  const Nesting nesting(stream_);
  return done(std::make_unique<Unary>(ExpressionKind::kNot, line, negation()));
}

ExpressionPtr ExpressionParser::comparison() {
  constexpr std::pair<std::string_view, Comparison> kOperators[] = {
      {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterEqual}};
  const auto next_operator = [&]() -> std::optional<Comparison> {
    for (const auto& [symbol, op] : kOperators) {
      if (stream_.skip_op(symbol)) return op;
    }
    if (stream_.skip_name("in")) return Comparison::kIn;
    if (stream_.is_name("not") && stream_.ahead().kind == TokenKind::kName && stream_.ahead().text == "in") {
      stream_.take();
      stream_.take();
      return Comparison::kNotIn;
    }
    return std::nullopt;
  };
  const int line = stream_.line();
  ExpressionPtr first = sum();
  auto op = next_operator();
  if (!op) return first;
  auto node = std::make_unique<Compare>(line, std::move(first));
  for (; op; op = next_operator()) node->rest.emplace_back(*op, sum());
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::sum() {
  const int line = stream_.line();
  ExpressionPtr first = concatenation();
  if (!stream_.is_op("+") && !stream_.is_op("-")) return first;
  auto node = std::make_unique<Chain>(line, std::move(first));
  while (stream_.is_op("+") || stream_.is_op("-")) {
    const Arithmetic op = stream_.take().text == "+" ? Arithmetic::kAdd : Arithmetic::kSubtract;
    node->rest.emplace_back(op, concatenation());
  }
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::concatenation() {
  const int line = stream_.line();
  ExpressionPtr first = product();
  if (!stream_.is_op("~")) return first;
  auto node = std::make_unique<Sequence>(ExpressionKind::kConcat, line);
  node->items.push_back(std::move(first));
  while (stream_.skip_op("~")) node->items.push_back(product());
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::product() {
  constexpr std::pair<std::string_view, Arithmetic> kOperators[] = {{"*", Arithmetic::kMultiply},
                                                                    {"/", Arithmetic::kDivide},
                                                                    {"//", Arithmetic::kFloorDivide},
                                                                    {"%", Arithmetic::kModulo}};
  const int line = stream_.line();
  ExpressionPtr node = power();
  std::unique_ptr<Chain> chain;
  while (true) {
    const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                     [&](const auto& entry) { return stream_.is_op(entry.first); });
    if (found == std::end(kOperators)) break;
    stream_.take();
    if (!chain) chain = std::make_unique<Chain>(line, std::move(node));
    chain->rest.emplace_back(found->second, power());
  }
  return chain ? done(std::move(chain)) : std::move(node);
}

ExpressionPtr ExpressionParser::power() {
  const int line = stream_.line();
  ExpressionPtr node = unary();
  if (!stream_.is_op("**")) return node;
  auto chain = std::make_unique<Chain>(line, std::move(node));
  while (stream_.skip_op("**")) chain->rest.emplace_back(Arithmetic::kPower, unary());
  return done(std::move(chain));
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Nesting nesting(stream_);
  const int line = stream_.line();
  ExpressionPtr node;
  if (stream_.skip_op("-"))
    node = done(std::make_unique<Unary>(ExpressionKind::kNegate, line, unary(false)));
  else if (stream_.skip_op("+"))
    node = done(std::make_unique<Unary>(ExpressionKind::kAffirm, line, unary(false)));
  else
    node = primary();
  node = postfix(std::move(node));
  return with_filters ? filters_and_tests(std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::primary(bool with_namespace) {
  const int line = stream_.line();
  switch (stream_.current().kind) {
    case TokenKind::kName:
      return named(with_namespace);
    case TokenKind::kString: {
      std::string text = stream_.take().text;
      while (stream_.is(TokenKind::kString)) text += stream_.take().text;
      return constant(line, std::move(text));
    }
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return number();
    default:
      break;
  }
  if (stream_.skip_op("(")) {
    ExpressionPtr node = tuple({.in_parentheses = true});
    stream_.expect_op(")");
    return node;
  }
  if (stream_.is_op("[")) return list();
  if (stream_.is_op("{")) return dict();
  stream_.fail(fmt::format("unexpected {}", stream_.describe()));
}

std::unique_ptr<Name> ExpressionParser::new_name(int line, const std::string& name, Use use) {
  auto node = std::make_unique<Name>(line, name, constants_++);
  node->use = use;
  return node;
}

ExpressionPtr ExpressionParser::named(bool with_namespace) {
  const Token token = stream_.take();
  if (token.text == "true" || token.text == "True") return constant(token.line, true);
  if (token.text == "false" || token.text == "False") return constant(token.line, false);
  if (token.text == "none" || token.text == "None") return constant(token.line, std::monostate{});
  if (with_namespace && stream_.skip_op(".")) {
    std::string attribute = stream_.expect(TokenKind::kName, "name").text;
    return std::make_unique<NamespaceTarget>(token.line, new_name(token.line, token.text, Use::kLoad),
                                             std::move(attribute), constants_++);
  }
  return new_name(token.line, token.text, Use::kLoad);
}

ExpressionPtr ExpressionParser::number() {
  const Token token = stream_.take();
  if (token.kind == TokenKind::kFloat) return constant(token.line, parse_float(token.text).value_or(0.0));
  const auto value = parse_int(token.text, 0);
  if (!value) stream_.fail_at(token.line, fmt::format("integer {} does not fit 64 bits", token.text));
  return constant(token.line, *value);
}

ExpressionPtr ExpressionParser::list() {
  auto node = std::make_unique<Sequence>(ExpressionKind::kList, stream_.take().line);
  while (!stream_.is_op("]")) {
    if (!node->items.empty()) stream_.expect_op(",");
    if (stream_.is_op("]")) break;
    node->items.push_back(expression());
  }
  stream_.expect_op("]");
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::dict() {
  auto node = std::make_unique<DictLiteral>(stream_.take().line);
  while (!stream_.is_op("}")) {
    if (!node->entries.empty()) stream_.expect_op(",");
    if (stream_.is_op("}")) break;
    ExpressionPtr key = expression();
    stream_.expect_op(":");
    node->entries.emplace_back(std::move(key), expression());
  }
  stream_.expect_op("}");
  return done(std::move(node));
}

ExpressionPtr ExpressionParser::tuple(const TupleRules& rules) {
  const int line = stream_.line();
  const auto at_end = [&] {
    return stream_.is(TokenKind::kPrintEnd) || stream_.is(TokenKind::kBlockEnd) || stream_.is_op(")") ||
           (!rules.end_name.empty() && stream_.is_name(rules.end_name));
  };
  auto node = std::make_unique<Sequence>(ExpressionKind::kTuple, line);
  bool is_tuple = false;
  while (true) {
    if (!node->items.empty()) stream_.expect_op(",");
    if (at_end()) break;
    node->items.push_back(rules.only_primaries ? primary(rules.with_namespace) : expression(rules.with_condition));
    if (!stream_.is_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !node->items.empty()) return std::move(node->items.front());
  if (!is_tuple && !rules.in_parentheses) {
    stream_.fail(fmt::format("expected an expression, got {}", stream_.describe()));
  }
  return done(std::move(node));
}

void ExpressionParser::mark_stored(Expression& node) {
  switch (node.kind) {
    case ExpressionKind::kName:
      static_cast<Name&>(node).use = Use::kStore;
      return;
    case ExpressionKind::kNamespaceTarget:
      return;
    case ExpressionKind::kTuple:
      for (auto& item : static_cast<Sequence&>(node).items) mark_stored(*item);
      return;
    default:
      stream_.fail_at(node.line, "can't assign to this expression");
  }
}

ExpressionPtr ExpressionParser::target(std::string_view end_name, bool with_namespace) {
  ExpressionPtr node = tuple({.only_primaries = true, .with_namespace = with_namespace, .end_name = end_name});
  mark_stored(*node);
  return node;
}

std::unique_ptr<Name> ExpressionParser::name_target(Use use) {
  const Token token = stream_.expect(TokenKind::kName, "name");
  for (const std::string_view reserved : {"true", "True", "false", "False", "none", "None"}) {
    if (token.text == reserved) stream_.fail_at(token.line, fmt::format("can't assign to '{}'", token.text));
  }
  return new_name(token.line, token.text, use);
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr node) {
  while (true) {
    if (stream_.is_op(".") || stream_.is_op("["))
      node = subscript(std::move(node));
    else if (stream_.is_op("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (stream_.is_op("|"))
      node = filters(std::move(node));
    else if (stream_.is_name("is"))
      node = test(std::move(node));
    else if (stream_.is_op("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExpressionPtr ExpressionParser::call(ExpressionPtr node) {
  const int line = stream_.line();
  Arguments given = arguments();
  return done(std::make_unique<Call>(line, std::move(node), std::move(given)));
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr node) {
  const Token opening = stream_.take();
  if (opening.text == ".") {
    if (stream_.is(TokenKind::kName)) {
      return done(std::make_unique<Attribute>(opening.line, std::move(node), stream_.take().text, constants_++));
    }
    if (!stream_.is(TokenKind::kInteger)) stream_.fail("expected name or number");
    ExpressionPtr index = number();
    return done(std::make_unique<Item>(opening.line, std::move(node), std::move(index)));
  }
  auto indices = std::make_unique<Sequence>(ExpressionKind::kTuple, opening.line);
  while (!stream_.is_op("]")) {
    if (!indices->items.empty()) stream_.expect_op(",");
    indices->items.push_back(subscript_index());
  }
  stream_.expect_op("]");
  ExpressionPtr index;
  if (indices->items.size() == 1) {
    index = std::move(indices->items.front());
  } else {
    for (const auto& item : indices->items) {
      if (item->kind == ExpressionKind::kSlice) stream_.fail_unsupported(opening.line, "a slice inside a tuple index");
    }
    index = done(std::move(indices));
  }
  return done(std::make_unique<Item>(opening.line, std::move(node), std::move(index)));
}

ExpressionPtr ExpressionParser::subscript_index() {
  auto node = std::make_unique<Slice>(stream_.line());
  if (!stream_.is_op(":")) {
    ExpressionPtr first = expression();
    if (!stream_.is_op(":")) return first;
    node->start = std::move(first);
  }
  stream_.take();
  const auto at_end = [&] { return stream_.is_op("]") || stream_.is_op(","); };
  if (!stream_.is_op(":") && !at_end()) node->stop = expression();
  if (stream_.skip_op(":") && !at_end()) node->step = expression();
  return done(std::move(node));
}

Arguments ExpressionParser::arguments() {
  const int line = stream_.line();
  stream_.expect_op("(");
  Arguments given;
  bool any = false;
  const auto ensure = [&](bool fits) {
    if (!fits) stream_.fail_at(line, "invalid syntax for function call expression");
  };
  while (!stream_.is_op(")")) {
    if (any) {
      stream_.expect_op(",");
      if (stream_.is_op(")")) break;
    }
    if (stream_.skip_op("*")) {
      ensure(!given.spread && !given.spread_named);
      given.spread = expression();
    } else if (stream_.skip_op("**")) {
      ensure(!given.spread_named);
      given.spread_named = expression();
    } else if (stream_.is(TokenKind::kName) && stream_.ahead().kind == TokenKind::kOperator &&
               stream_.ahead().text == "=") {
      ensure(!given.spread_named);
      std::string name = stream_.take().text;
      stream_.take();
      for (const auto& [other, value] : given.named) {
        if (other == name) stream_.fail_at(line, fmt::format("keyword argument repeated: {}", name));
      }
      given.named.emplace_back(std::move(name), expression());
    } else {
      ensure(!given.spread && !given.spread_named && given.named.empty());
      given.positional.push_back(expression());
    }
    any = true;
  }
  stream_.expect_op(")");
  return given;
}

std::string ExpressionParser::dotted_name() {
  std::string name = stream_.expect(TokenKind::kName, "name").text;
  while (stream_.skip_op(".")) name += "." + stream_.expect(TokenKind::kName, "name").text;
  return name;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr input, bool inline_first) {
  while (inline_first || stream_.skip_op("|")) {
    inline_first = false;
    const int line = stream_.line();
    std::string name = dotted_name();
    Arguments given = stream_.is_op("(") ? arguments() : Arguments{};
    input = done(std::make_unique<Filter>(line, std::move(input), std::move(name), std::move(given)));
  }
  return input;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr node) {
  const int line = stream_.take().line;
  const bool negated = stream_.skip_name("not");
  std::string name = dotted_name();
  Arguments given;
  const bool ends = stream_.is_name("else") || stream_.is_name("or") || stream_.is_name("and");
  const bool starts_operand = stream_.is(TokenKind::kName) || stream_.is(TokenKind::kString) ||
                              stream_.is(TokenKind::kInteger) || stream_.is(TokenKind::kFloat) || stream_.is_op("[") ||
                              stream_.is_op("{");
  if (stream_.is_op("(")) {
    given = arguments();
  } else if (starts_operand && !ends) {
    if (stream_.is_name("is")) stream_.fail("you cannot chain multiple tests with is");
    given.positional.push_back(postfix(primary()));
  }
  ExpressionPtr result = done(std::make_unique<Test>(line, std::move(node), std::move(name), std::move(given)));
  return negated ? done(std::make_unique<Unary>(ExpressionKind::kNot, line, std::move(result))) : std::move(result);
}

}  // namespace shenbi::chat::jinja
