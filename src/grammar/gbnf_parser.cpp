// GBNF as llama.cpp writes it:
//
//   root ::= item ("," ws item){0,7}   # a comment
//   item ::= [a-zA-Z_] [^"\\\n]* | "\u20AC" | .
//
// A rule ends where its line ends, except within parentheses and behind "::=" and '|'. Beyond llama.cpp, a line may
// also begin with '|'. Escapes name code points, so "\xE4" is the two bytes of a-umlaut.

#include "grammar/gbnf_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace shenbi::grammar {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Rules parse() {
    if (text_.size() > limits::kMaxGrammarBytes) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("gbnf: {} bytes, at most {}", text_.size(), limits::kMaxGrammarBytes));
    }
    space(true);
    while (!done()) definition();
    for (const auto& [name, place] : names_) {
      if (rules_.all[place.rule].body != kNoExpr) continue;
      at_ = place.first_use;
      fail(fmt::format("rule '{}' is used but not defined", name));
    }
    const auto root = names_.find("root");
    if (root == names_.end()) throw Error(Code::kInvalidArgument, "gbnf: no rule 'root'");
    rules_.start = root->second.rule;
    return std::move(rules_);
  }

 private:
  struct Name {
    RuleId rule;
    size_t first_use;
  };

  [[noreturn]] void fail(std::string_view why, Code code = Code::kInvalidArgument) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n');
    throw Error(code, fmt::format("gbnf: line {}: {}", line, why));
  }

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void space(bool newlines) {
    while (!done()) {
      const char c = peek();
      if (c == '#') {
        while (!done() && peek() != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\r' || c == '\n'))) {
        ++at_;
      } else {
        break;
      }
    }
  }

  std::string_view name() {
    const size_t begin = at_;
    while (!done() && is_name_char(peek())) ++at_;
    if (at_ == begin)
      fail(done() ? "the text ends where a name should be" : fmt::format("expected a name, got {}", here()));
    return text_.substr(begin, at_ - begin);
  }
  std::string here() const {
    const Utf8Char c = decode_utf8(text_, at_);
    std::string shown = "'";
    append_utf8(shown, c.code_point);
    return shown + "'";
  }
  RuleId rule_of(std::string_view name) {
    const auto [at, fresh] = names_.try_emplace(std::string(name), Name{0, at_});
    if (fresh) at->second.rule = rules_.declare(std::string(name));
    return at->second.rule;
  }

  void definition() {
    const std::string_view rule_name = name();
    const RuleId rule = rule_of(rule_name);
    if (rules_.all[rule].body != kNoExpr) fail(fmt::format("rule '{}' is defined twice", rule_name));
    space(false);
    if (!take("::=")) fail(fmt::format("expected ::= behind '{}'", rule_name));
    space(true);
    rules_.define(rule, alternatives(0));
    if (!done() && peek() != '\n' && peek() != '\r') fail(fmt::format("unexpected {}", here()));
    space(true);
  }

  // Behind the last alternative of a rule stands a line end, which only a '|' on a following line continues.
  bool more_alternatives(size_t depth) {
    if (take("|")) return true;
    if (depth > 0) return false;
    const size_t before = at_;
    space(true);
    if (take("|")) return true;
    at_ = before;
    return false;
  }

  ExprId alternatives(size_t depth) {
    if (depth > limits::kMaxGrammarNesting) fail("groups are nested too deep");
    std::vector<ExprId> all = {sequence(depth)};
    while (more_alternatives(depth)) {
      space(true);
      all.push_back(sequence(depth));
    }
    return rules_.choice(std::move(all));
  }

  ExprId sequence(size_t depth) {
    std::vector<ExprId> parts;
    while (const auto part = item(depth)) {
      space(depth > 0);
      parts.push_back(repeats(*part, depth));
    }
    return rules_.sequence(std::move(parts));
  }

  std::optional<ExprId> item(size_t depth) {
    if (take("\"")) return text();
    if (take("[")) return character_class();
    if (take(".")) return rules_.set(CodeSet::any());
    if (take("(")) {
      space(true);
      const ExprId group = alternatives(depth + 1);
      if (!take(")")) fail("missing ')'");
      return group;
    }
    if (peek() == '<' || text_.substr(at_).starts_with("!<")) fail("token terminals <...>", Code::kUnsupported);
    if (!done() && is_name_char(peek())) return rules_.call(rule_of(name()));
    return std::nullopt;
  }

  ExprId repeats(ExprId part, size_t depth) {
    size_t times = 0;
    for (uint32_t min, max; count(min, max); space(depth > 0)) {
      if (++times > limits::kMaxGrammarNesting) fail("too many repeats of one part");
      part = rules_.repeat(part, min, max);
    }
    return part;
  }
  bool count(uint32_t& min, uint32_t& max) {
    if (take("*")) return min = 0, max = kUnbounded, true;
    if (take("+")) return min = 1, max = kUnbounded, true;
    if (take("?")) return min = 0, max = 1, true;
    if (!take("{")) return false;
    space(false);
    const auto low = number();
    space(false);
    max = low.value_or(0);
    if (take(",")) {
      space(false);
      max = number().value_or(kUnbounded);
      space(false);
    } else if (!low) {
      fail("expected a number behind '{'");
    }
    if (!take("}")) fail("expected '}' behind a repeat count");
    min = low.value_or(0);
    if (min > max) fail(fmt::format("repeat {{{},{}}} counts down", min, max));
    return true;
  }
  std::optional<uint32_t> number() {
    uint64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, failed] = std::from_chars(first, text_.data() + text_.size(), value);
    if (failed == std::errc::invalid_argument) return std::nullopt;
    if (failed != std::errc{} || value > limits::kMaxGrammarRepeat) {
      fail(fmt::format("repeat count over {}", limits::kMaxGrammarRepeat));
    }
    at_ += static_cast<size_t>(end - first);
    return static_cast<uint32_t>(value);
  }

  // Behind the opening quote.
  ExprId text() {
    std::string bytes;
    while (!take("\"")) append_utf8(bytes, character("a text"));
    return rules_.literal(bytes);
  }

  // Behind the opening bracket.
  ExprId character_class() {
    const bool negated = take("^");
    std::vector<CodeSet::Range> ranges;
    while (!take("]")) {
      const char32_t low = character("a character class");
      char32_t high = low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        high = character("a character class");
        if (low > high) fail("a range of a character class runs backwards");
      }
      ranges.emplace_back(low, high);
    }
    const CodeSet set(std::move(ranges));
    return rules_.set(negated ? ~set : set);
  }

  char32_t character(std::string_view inside) {
    if (done()) fail(fmt::format("the text ends inside {}", inside));
    if (!take("\\")) {
      const Utf8Char c = decode_utf8(text_, at_);
      if (!c.valid) fail("not UTF-8");
      at_ += c.length;
      return c.code_point;
    }
    if (done()) fail(fmt::format("the text ends inside {}", inside));
    const char c = text_[at_++];
    switch (c) {
      case 'x':
        return hexadecimal(2);
      case 'u':
        return hexadecimal(4);
      case 'U':
        return hexadecimal(8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<char32_t>(c);
      default:
        fail(fmt::format("unknown escape '\\{}'", c >= ' ' && c < 0x7F ? std::string(1, c) : "?"));
    }
  }
  char32_t hexadecimal(size_t digits) {
    uint32_t value = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto [end, failed] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != digits || failed != std::errc{} || end != hex.data() + digits || value > 0x10FFFF ||
        (value >= 0xD800 && value <= 0xDFFF)) {
      fail(fmt::format("escape needs {} hexadecimal digits of a character", digits));
    }
    at_ += digits;
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  Rules rules_;
  std::map<std::string, Name, std::less<>> names_;
};

}  // namespace

Rules parse_gbnf(std::string_view text) { return Parser(text).parse(); }

}  // namespace shenbi::grammar
