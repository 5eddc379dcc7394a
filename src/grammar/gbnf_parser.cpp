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
#include <bitset>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/vocabulary.h"

namespace shenbi::grammar {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Which control token's text begins at a place: one look-up for each length that there is.
class ControlTexts {
 public:
  explicit ControlTexts(std::span<const std::string> texts) : texts_(texts.begin(), texts.end()) {
    for (const std::string& text : texts) {
      lengths_.insert(text.size());
      first_.set(static_cast<unsigned char>(text.front()));
    }
  }
  /// The length of the longest; 0: none.
  size_t longest_at(std::string_view rest) const {
    if (rest.empty() || !first_[static_cast<unsigned char>(rest.front())]) return 0;
    for (const size_t length : lengths_) {
      if (length <= rest.size() && texts_.contains(rest.substr(0, length))) return length;
    }
    return 0;
  }

 private:
  std::unordered_set<std::string_view> texts_;
  std::set<size_t, std::greater<>> lengths_;
  std::bitset<256> first_;
};

class Parser {
 public:
  Parser(std::string_view text, const AnswerRules* answer)
      : text_(text), answer_(answer), control_texts_(answer ? answer->control_texts : std::span<const std::string>()) {
    if (answer_) rules_.define(rule_of("control-mark"), rules_.literal({&kControlMark, 1}));
  }

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
    const std::string_view start = answer_ ? answer_->start : "root";
    const auto root = names_.find(start);
    if (root == names_.end()) throw Error(Code::kInvalidArgument, fmt::format("gbnf: no rule '{}'", start));
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
    return answer_ ? marked(bytes) : rules_.literal(bytes);
  }

  // The mark may stand in front of each text of a control token: then the token itself comes.
  ExprId marked(std::string_view bytes) {
    std::vector<ExprId> parts;
    size_t begin = 0;
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = control_texts_.longest_at(bytes.substr(at));
      if (length > 0) {
        if (at > begin) parts.push_back(rules_.literal(bytes.substr(begin, at - begin)));
        parts.push_back(rules_.optional(rules_.literal({&kControlMark, 1})));
        begin = at;
      }
      at += std::max<size_t>(length, 1);
    }
    parts.push_back(rules_.literal(bytes.substr(begin)));
    return rules_.sequence(std::move(parts));
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
  const AnswerRules* answer_;
  ControlTexts control_texts_;
  size_t at_ = 0;
  Rules rules_;
  std::map<std::string, Name, std::less<>> names_;
};

}  // namespace

Rules parse_gbnf(std::string_view text, const AnswerRules* answer) { return Parser(text, answer).parse(); }

}  // namespace shenbi::grammar
