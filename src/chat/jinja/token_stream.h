#pragma once
// The parser's view of the tokens: one ahead, and questions about it.

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "chat/jinja/lexer.h"

namespace shenbi::chat::jinja {

class TokenStream {
 public:
  TokenStream(std::string_view text, std::string_view source) : source_(source), tokens_(tokenize(text, source)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return current().line; }

  Token take() {
    Token token = current();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }

  bool is(TokenKind kind) const { return current().kind == kind; }
  bool is_name(std::string_view name) const { return is(TokenKind::kName) && current().text == name; }
  bool is_op(std::string_view op) const { return is(TokenKind::kOperator) && current().text == op; }

  bool skip_name(std::string_view name) { return is_name(name) && (take(), true); }
  bool skip_op(std::string_view op) { return is_op(op) && (take(), true); }

  void expect_op(std::string_view op) {
    if (!skip_op(op)) fail(fmt::format("expected '{}', got {}", op, describe()));
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) fail(fmt::format("expected '{}', got {}", name, describe()));
  }
  Token expect(TokenKind kind, std::string_view what) {
    if (!is(kind)) fail(fmt::format("expected {}, got {}", what, describe()));
    return take();
  }

  std::string describe() const {
    switch (current().kind) {
      case TokenKind::kEnd:
        return "end of template";
      case TokenKind::kPrintEnd:
        return "end of print statement";
      case TokenKind::kBlockEnd:
        return "end of statement block";
      case TokenKind::kPrintBegin:
        return "begin of print statement";
      case TokenKind::kBlockBegin:
        return "begin of statement block";
      case TokenKind::kData:
        return "template data";
      default:
        return fmt::format("'{}'", current().text);
    }
  }

  [[noreturn]] void fail(const std::string& message) const { fail_at(line(), message); }
  [[noreturn]] void fail_at(int line, const std::string& message) const { fail_syntax(source_, line, message); }
  [[noreturn]] void fail_unsupported(int line, const std::string& construct) const {
    throw Error(Code::kUnsupported,
                fmt::format("{}:{}: '{}' is not supported in chat templates", source_, line, construct));
  }

  void enter() {
    if (++depth_ > static_cast<int>(limits::kMaxTemplateDepth)) {
      fail(fmt::format("nested deeper than {} levels", limits::kMaxTemplateDepth));
    }
  }
  void leave() { --depth_; }

 private:
  std::string_view source_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

/// One level of nesting in the source.
class Nesting {
 public:
  explicit Nesting(TokenStream& stream) : stream_(stream) { stream_.enter(); }
  ~Nesting() { stream_.leave(); }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  TokenStream& stream_;
};

}  // namespace shenbi::chat::jinja
