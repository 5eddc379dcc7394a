#pragma once
// Template text -> tokens, with white-space control applied: trim_blocks, lstrip_blocks, the `-` and `+` signs, raw
// blocks, comments dropped, one trailing newline of the source dropped, \r\n and \r read as \n.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::chat::jinja {

enum class TokenKind : uint8_t {
  kData,
  kPrintBegin,
  kPrintEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind;
  int line;
  std::string text;  ///< decoded strings, names, operators, digits without underscores
};

/// Throws Error{kInvalidArgument} "source:line: ...".
std::vector<Token> tokenize(std::string_view text, std::string_view source);

[[noreturn]] void fail_syntax(std::string_view source, int line, const std::string& message);

}  // namespace shenbi::chat::jinja
