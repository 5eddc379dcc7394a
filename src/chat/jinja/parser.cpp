#include "chat/jinja/parser.h"

#include "base/utf8.h"
#include "chat/jinja/expression_parser.h"
#include "chat/jinja/scope.h"

namespace shenbi::chat::jinja {
namespace {

class Parser {
 public:
  Parser(std::string_view text, Syntax& syntax)
      : stream_(text, syntax.source), expressions_(stream_, syntax.constants) {}

  Body run() {
    Body body = statements({});
    return body;
  }

 private:
  using Ends = std::initializer_list<std::string_view>;

  /// Statements up to a block that starts with one of `ends`, whose name is left in the stream.
  Body statements(Ends ends) {
    const Nesting nesting(stream_);
    Body body;
    while (!stream_.is(TokenKind::kEnd)) {
      const Token token = stream_.take();
      if (token.kind == TokenKind::kData) {
        body.push_back(std::make_unique<Text>(token.line, token.text));
      } else if (token.kind == TokenKind::kPrintBegin) {
        body.push_back(std::make_unique<Print>(token.line, expressions_.tuple({})));
        stream_.expect(TokenKind::kPrintEnd, "end of print statement");
      } else {
        for (const std::string_view end : ends) {
          if (stream_.is_name(end)) return body;
        }
        statement(body);
        stream_.expect(TokenKind::kBlockEnd, "end of statement block");
      }
    }
    if (ends.size() > 0) stream_.fail(fmt::format("unexpected end of template, looking for '{}'", *ends.begin()));
    return body;
  }

  /// The body of a tag: from the end of its opening to one of `ends`.
  Body block(Ends ends) {
    stream_.skip_op(":");
    stream_.expect(TokenKind::kBlockEnd, "end of statement block");
    return statements(ends);
  }
  Body closed_block(std::string_view end) {
    Body body = block({end});
    stream_.take();
    return body;
  }

  void statement(Body& body) {
    const int line = stream_.line();
    if (!stream_.is(TokenKind::kName)) stream_.fail("tag name expected");
    const std::string tag = stream_.take().text;
    if (tag == "if")
      body.push_back(if_statement(line));
    else if (tag == "for")
      body.push_back(for_statement(line));
    else if (tag == "set")
      body.push_back(set_statement(line));
    else if (tag == "macro")
      body.push_back(macro(line));
    else if (tag == "call")
      body.push_back(call_block(line));
    else if (tag == "generation")
      body.push_back(generation(line));
    else if (tag == "filter")
      body.push_back(filter_block(line));
    else if (tag == "with")
      body.push_back(with(line));
    else if (tag == "print")
      print(line, body);
    else if (tag == "break")
      body.push_back(std::make_unique<Statement>(StatementKind::kBreak, line));
    else if (tag == "continue")
      body.push_back(std::make_unique<Statement>(StatementKind::kContinue, line));
    else
      unknown(tag, line);
  }

  [[noreturn]] void unknown(const std::string& tag, int line) {
    for (const std::string_view known : {"include", "import", "from", "extends", "block", "autoescape"}) {
      if (tag == known) stream_.fail_unsupported(line, tag);
    }
    stream_.fail_at(line, fmt::format("encountered unknown tag '{}'", tag));
  }

  StatementPtr if_statement(int line) {
    auto node = std::make_unique<If>(line);
    while (true) {
      ExpressionPtr test = expressions_.tuple({.with_condition = false});
      node->branches.emplace_back(std::move(test), block({"elif", "else", "endif"}));
      const std::string end = stream_.take().text;
      if (end == "elif") continue;
      if (end == "else") node->otherwise = closed_block("endif");
      return node;
    }
  }

  StatementPtr for_statement(int line) {
    auto node = std::make_unique<ForStatement>(line);
    node->target = expressions_.target("in", false);
    stream_.expect_name("in");
    node->iterable = expressions_.tuple({.with_condition = false, .end_name = "recursive"});
    if (stream_.skip_name("if")) {
      node->filter = expressions_.expression();
      node->filter_target = copy_target(*node->target);
    }
    node->is_recursive = stream_.skip_name("recursive");
    node->body = block({"endfor", "else"});
    if (stream_.take().text == "else") node->otherwise = closed_block("endfor");
    return node;
  }

  ExpressionPtr copy_target(const Expression& node) {
    if (node.kind == ExpressionKind::kName) {
      return expressions_.new_name(node.line, static_cast<const Name&>(node).name, Use::kStore);
    }
    auto copy = std::make_unique<Sequence>(ExpressionKind::kTuple, node.line);
    for (const auto& item : static_cast<const Sequence&>(node).items) copy->items.push_back(copy_target(*item));
    return copy;
  }

  StatementPtr set_statement(int line) {
    ExpressionPtr target = expressions_.target("", true);
    if (stream_.skip_op("=")) {
      auto node = std::make_unique<Set>(line);
      node->target = std::move(target);
      node->value = expressions_.tuple({});
      return node;
    }
    auto node = std::make_unique<SetBlock>(line);
    node->target = std::move(target);
    node->filter = expressions_.filters(nullptr);
    node->body = closed_block("endset");
    return node;
  }

  void signature(MacroStatement& node) {
    stream_.expect_op("(");
    while (!stream_.is_op(")")) {
      if (!node.parameters.empty()) stream_.expect_op(",");
      auto parameter = expressions_.name_target(Use::kParameter);
      for (const auto& other : node.parameters) {
        if (other->name == parameter->name) stream_.fail(fmt::format("duplicate parameter '{}'", other->name));
      }
      node.parameters.push_back(std::move(parameter));
      if (stream_.skip_op("="))
        node.defaults.push_back(expressions_.expression());
      else if (!node.defaults.empty())
        stream_.fail("non-default argument follows default argument");
    }
    stream_.expect_op(")");
  }

  StatementPtr macro(int line) {
    auto node = std::make_unique<MacroStatement>(StatementKind::kMacro, line);
    node->name = expressions_.name_target(Use::kStore);
    signature(*node);
    node->body = closed_block("endmacro");
    return node;
  }

  StatementPtr call_block(int line) {
    auto node = std::make_unique<MacroStatement>(StatementKind::kCallBlock, line);
    if (stream_.is_op("(")) signature(*node);
    node->call = expressions_.expression();
    if (node->call->kind != ExpressionKind::kCall) stream_.fail_at(line, "expected call");
    node->body = closed_block("endcall");
    return node;
  }

  /// The text of an assistant turn: rendered as it is, in a scope of its own (transformers makes it a call block).
  StatementPtr generation(int line) {
    auto node = std::make_unique<MacroStatement>(StatementKind::kCallBlock, line);
    node->body = closed_block("endgeneration");
    return node;
  }

  StatementPtr filter_block(int line) {
    auto node = std::make_unique<FilterBlock>(line);
    node->filter = expressions_.filters(nullptr, true);
    node->body = closed_block("endfilter");
    return node;
  }

  StatementPtr with(int line) {
    auto node = std::make_unique<With>(line);
    while (!stream_.is(TokenKind::kBlockEnd)) {
      if (!node->bindings.empty()) stream_.expect_op(",");
      ExpressionPtr target = expressions_.target("", false);
      stream_.expect_op("=");
      node->bindings.emplace_back(std::move(target), expressions_.expression());
    }
    node->body = closed_block("endwith");
    return node;
  }

  void print(int line, Body& body) {
    bool first = true;
    while (!stream_.is(TokenKind::kBlockEnd)) {
      if (!first) stream_.expect_op(",");
      first = false;
      body.push_back(std::make_unique<Print>(line, expressions_.expression()));
    }
  }

  TokenStream stream_;
  ExpressionParser expressions_;
};

}  // namespace

Syntax parse(std::string_view text, std::string_view source) {
  if (text.size() > limits::kMaxTemplateBytes) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: template of {} bytes, the limit is {}", source, text.size(),
                                                    limits::kMaxTemplateBytes));
  }
  Syntax syntax;
  syntax.source = std::string(source);
  syntax.body = is_valid_utf8(text) ? Parser(text, syntax).run() : Parser(sanitize_utf8(text), syntax).run();
  resolve_names(syntax);
  return syntax;
}

}  // namespace shenbi::chat::jinja
