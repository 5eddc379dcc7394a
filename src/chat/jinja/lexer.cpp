#include "chat/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/utf8.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {

void fail_syntax(std::string_view source, int line, const std::string& message) {
  throw Error(Code::kInvalidArgument, fmt::format("{}:{}: {}", source, line, message));
}

namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

std::string normalize_newlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return out;
}

/// The escapes of a Python string literal; unknown ones keep their backslash.
class Unescape {
 public:
  Unescape(std::string_view text, std::string_view source, int line) : text_(text), source_(source), line_(line) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] != '\\') {
        out_ += text_[at_++];
        continue;
      }
      ++at_;
      if (at_ == text_.size()) fail_syntax(source_, line_, "\\ at end of string");
      escape(text_[at_++]);
    }
    return std::move(out_);
  }

 private:
  void escape(char c) {
    constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
    if (c == '\n') return;
    if (const size_t simple = kFrom.find(c); simple != std::string_view::npos) {
      out_ += kTo[simple];
    } else if (c == 'x') {
      append(hex(2));
    } else if (c == 'u') {
      append(hex(4));
    } else if (c == 'U') {
      append(hex(8));
    } else if (c >= '0' && c <= '7') {
      octal(c);
    } else if (c == 'N') {
      throw Error(Code::kUnsupported, fmt::format("{}:{}: character names (\\N) in strings", source_, line_));
    } else {
      out_ += '\\';
      out_ += c;
    }
  }

  char32_t hex(size_t digits) {
    uint32_t code = 0;
    const std::string_view part = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), code, 16);
    if (part.size() < digits || error != std::errc{} || end != part.data() + digits || code > 0x10FFFF) {
      fail_syntax(source_, line_, "bad \\x, \\u or \\U escape in a string");
    }
    at_ += digits;
    return code;
  }

  void octal(char first) {
    uint32_t code = static_cast<uint32_t>(first - '0');
    for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
      code = code * 8 + static_cast<uint32_t>(text_[at_++] - '0');
    }
    append(code);
  }

  // A pair of surrogate escapes is written as the one character it means; a lone one cannot be (U+FFFD).
  void append(char32_t code) {
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const size_t back = at_;
      at_ += 2;
      const char32_t low = hex(4);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    append_utf8(out_, code);
  }

  std::string_view text_, source_;
  int line_;
  size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  Lexer(std::string text, std::string_view source) : text_(std::move(text)), source_(source) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) data();
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest(size_t from) const { return std::string_view(text_).substr(from); }
  bool starts(size_t from, std::string_view what) const { return rest(from).substr(0, what.size()) == what; }
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  void advance(size_t to) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    if (to > at_) line_starting_ = text_[to - 1] == '\n';
    at_ = to;
  }

  size_t skip_spaces(size_t from) const {
    while (from < text_.size()) {
      const Utf8Char c = decode_utf8(text_, from);
      if (!is_python_space(c.code_point)) break;
      from += c.length;
    }
    return from;
  }

  /// Text up to the next tag, and the tag's opening.
  void data() {
    size_t open = at_;
    while ((open = text_.find('{', open)) != std::string::npos) {
      const char next = open + 1 < text_.size() ? text_[open + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') break;
      ++open;
    }
    if (open == std::string::npos) {
      emit(rest(at_));
      advance(text_.size());
      return;
    }
    const char type = text_[open + 1];
    const char sign = open + 2 < text_.size() ? text_[open + 2] : '\0';
    emit(before_tag(rest(at_).substr(0, open - at_), sign, type == '{'));
    if (type == '%' && raw(open)) return;
    advance(open + (sign == '-' || sign == '+' ? 3 : 2));
    if (type == '#') return comment();
    add(type == '{' ? TokenKind::kPrintBegin : TokenKind::kBlockBegin, "");
    inside(type == '{');
  }

  void emit(std::string_view data) {
    if (!data.empty()) add(TokenKind::kData, std::string(data));
  }

  /// What remains of the text before a tag: "-" takes all white space, lstrip_blocks takes the indentation.
  std::string_view before_tag(std::string_view data, char sign, bool is_print) const {
    if (sign == '-') return strip(data, Side::kRight);
    if (sign == '+' || is_print) return data;
    const size_t newline = data.rfind('\n');
    const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_begin == 0 && !line_starting_) return data;
    return strip(data.substr(line_begin), Side::kLeft).empty() ? data.substr(0, line_begin) : data;
  }

  /// End of a block or comment tag at `from` ("%}" or "#}" with its sign): where the text goes on, or npos.
  size_t tag_end(size_t from, std::string_view close) const {
    if (starts(from, close)) {
      const size_t after = from + close.size();
      return starts(after, "\n") ? after + 1 : after;  // trim_blocks
    }
    if (starts(from, "+") && starts(from + 1, close)) return from + 1 + close.size();
    if (starts(from, "-") && starts(from + 1, close)) return skip_spaces(from + 1 + close.size());
    return std::string::npos;
  }

  void comment() {
    for (size_t i = at_; i < text_.size(); ++i) {
      if (text_[i] != '#' && text_[i] != '-' && text_[i] != '+') continue;
      if (const size_t after = tag_end(i, "#}"); after != std::string::npos) return advance(after);
    }
    fail_syntax(source_, line_, "missing end of comment tag");
  }

  /// "{% name %}" at `open` for raw and endraw: where "name" ends, or npos.
  size_t tag_name(size_t open, std::string_view name) const {
    size_t at = open + 2;
    if (starts(at, "-") || starts(at, "+")) ++at;
    at = skip_spaces(at);
    return starts(at, name) ? skip_spaces(at + name.size()) : std::string::npos;
  }

  bool raw(size_t open) {
    const size_t end = tag_name(open, "raw");
    if (end == std::string::npos) return false;
    size_t begin;
    if (starts(end, "-%}"))
      begin = skip_spaces(end + 3);
    else if (starts(end, "%}"))
      begin = end + 2;  // trim_blocks does not apply here
    else
      return false;
    advance(begin);
    for (size_t at = text_.find("{%", begin); at != std::string::npos; at = text_.find("{%", at + 1)) {
      const size_t name_end = tag_name(at, "endraw");
      if (name_end == std::string::npos) continue;
      const size_t after = tag_end(name_end, "%}");
      if (after == std::string::npos) continue;
      emit(before_tag(rest(begin).substr(0, at - begin), text_[at + 2], false));
      advance(after);
      return true;
    }
    fail_syntax(source_, line_, "missing end of raw directive");
  }

  /// Tokens of a tag up to its end.
  void inside(bool is_print) {
    std::string brackets;  // the closing ones that are owed
    while (true) {
      if (at_ >= text_.size()) {
        // The parser says what is missing; an end token keeps it from reading on.
        return;
      }
      if (brackets.empty()) {
        if (const size_t after = is_print ? print_end() : tag_end(at_, "%}"); after != std::string::npos) {
          add(is_print ? TokenKind::kPrintEnd : TokenKind::kBlockEnd, "");
          return advance(after);
        }
      }
      const size_t token_begin = skip_spaces(at_);
      if (token_begin != at_)
        advance(token_begin);
      else
        token(brackets);
    }
  }

  size_t print_end() const {
    if (starts(at_, "}}")) return at_ + 2;
    return starts(at_, "-}}") ? skip_spaces(at_ + 3) : std::string::npos;
  }

  void token(std::string& brackets) {
    const char c = text_[at_];
    if (is_digit_char(c)) return number();
    if (c == '"' || c == '\'') return string(c);
    const Utf8Char first = decode_utf8(text_, at_);
    if (first.code_point == '_' || is_alnum(first.code_point)) return name();
    op(brackets);
  }

  size_t digits_end(size_t from) const {
    while (from < text_.size() && (is_digit_char(text_[from]) ||
                                   (text_[from] == '_' && from + 1 < text_.size() && is_digit_char(text_[from + 1])))) {
      ++from;
    }
    return from;
  }

  void number() {
    const bool after_dot = at_ > 0 && text_[at_ - 1] == '.';
    size_t end = digits_end(at_);
    if (!after_dot) {
      size_t tail = end;
      bool is_float = false;
      if (starts(tail, ".") && tail + 1 < text_.size() && is_digit_char(text_[tail + 1])) {
        tail = digits_end(tail + 1);
        is_float = true;
      }
      if (tail < text_.size() && (text_[tail] | 0x20) == 'e') {
        size_t exponent = tail + 1;
        if (starts(exponent, "+") || starts(exponent, "-")) ++exponent;
        if (exponent < text_.size() && is_digit_char(text_[exponent])) {
          tail = digits_end(exponent);
          is_float = true;
        }
      }
      if (is_float) return add_number(TokenKind::kFloat, tail);
    }
    if (text_[at_] == '0') {
      end = prefixed_end();
    }
    add_number(TokenKind::kInteger, end);
  }

  /// 0x.., 0o.., 0b.., or a run of zeros.
  size_t prefixed_end() const {
    constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    const char letter = at_ + 1 < text_.size() ? static_cast<char>(text_[at_ + 1] | 0x20) : '\0';
    const std::string_view allowed = letter == 'x'   ? kHex
                                     : letter == 'o' ? kHex.substr(0, 8)
                                     : letter == 'b' ? kHex.substr(0, 2)
                                                     : std::string_view();
    const auto run = [&](size_t from, std::string_view set) {
      const auto fits = [&](size_t i) { return i < text_.size() && set.find(text_[i]) != std::string_view::npos; };
      while (fits(from) || (from < text_.size() && text_[from] == '_' && fits(from + 1))) ++from;
      return from;
    };
    if (!allowed.empty()) {
      if (const size_t end = run(at_ + 2, allowed); end > at_ + 2) return end;
    }
    return run(at_ + 1, "0");
  }

  void add_number(TokenKind kind, size_t end) {
    std::string digits(rest(at_).substr(0, end - at_));
    std::erase(digits, '_');
    add(kind, std::move(digits));
    advance(end);
  }

  void string(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) fail_syntax(source_, line_, fmt::format("unexpected char {}", quoted_char(at_)));
    add(TokenKind::kString, Unescape(rest(at_ + 1).substr(0, end - at_ - 1), source_, line_).run());
    advance(end + 1);
  }

  void name() {
    size_t end = at_;
    while (end < text_.size()) {
      const Utf8Char c = decode_utf8(text_, end);
      if (c.code_point != '_' && !is_identifier("a" + text_.substr(end, c.length))) break;
      end += c.length;
    }
    if (end == at_) fail_syntax(source_, line_, fmt::format("unexpected char {}", quoted_char(at_)));
    std::string text(rest(at_).substr(0, end - at_));
    if (!is_identifier(text)) fail_syntax(source_, line_, "invalid character in identifier");
    add(TokenKind::kName, std::move(text));
    advance(end);
  }

  void op(std::string& brackets) {
    constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
    size_t size = 0;
    for (const std::string_view two : kTwo) {
      if (starts(at_, two)) size = 2;
    }
    if (size == 0 && kOne.find(text_[at_]) != std::string_view::npos) size = 1;
    if (size == 0) fail_syntax(source_, line_, fmt::format("unexpected char {}", quoted_char(at_)));
    const char c = text_[at_];
    if (c == '(') brackets += ')';
    if (c == '[') brackets += ']';
    if (c == '{') brackets += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty()) fail_syntax(source_, line_, fmt::format("unexpected '{}'", c));
      if (brackets.back() != c)
        fail_syntax(source_, line_, fmt::format("unexpected '{}', expected '{}'", c, brackets.back()));
      brackets.pop_back();
    }
    add(TokenKind::kOperator, std::string(rest(at_).substr(0, size)));
    advance(at_ + size);
  }

  std::string quoted_char(size_t at) const {
    return fmt::format("'{}'", rest(at).substr(0, decode_utf8(text_, at).length));
  }

  const std::string text_;
  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, std::string_view source) {
  std::string clean = normalize_newlines(text);
  if (!clean.empty() && clean.back() == '\n') clean.pop_back();
  return Lexer(std::move(clean), source).run();
}

}  // namespace shenbi::chat::jinja
