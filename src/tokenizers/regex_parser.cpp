// Recursive descent over the pattern; sets of characters are ICU's UnicodeSet until the program is written.

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <charconv>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/regex_syntax.h"

namespace shenbi::tokenizers {
namespace {

constexpr size_t kMaxPatternBytes = 1 << 16;  // the longest known, DeepSeek's letter list, has about 1,000
constexpr int kMaxDepth = 64;                 // nesting of groups and classes; real patterns nest 4 deep
constexpr uint32_t kMaxRepeat = 1024;         // {512} is in use

std::string quoted(std::string_view pattern) {
  return fmt::format("'{}{}'", sanitize_utf8(pattern.substr(0, 200)), pattern.size() > 200 ? "..." : "");
}

icu::UnicodeSet category_set(uint32_t mask) {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeSet set;
  set.applyIntPropertyValue(UCHAR_GENERAL_CATEGORY_MASK, static_cast<int32_t>(mask), status);
  SHENBI_CHECK(U_SUCCESS(status));
  return set;
}

icu::UnicodeSet binary_set(UProperty property) {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeSet set;
  set.applyIntPropertyValue(property, 1, status);
  SHENBI_CHECK(U_SUCCESS(status));
  return set;
}

icu::UnicodeSet word_set() {  // letters, marks, digits, connectors: Unicode's definition of \w
  icu::UnicodeSet set = category_set(U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK);
  set.addAll(binary_set(UCHAR_ALPHABETIC));
  return set;
}

// Outside brackets Oniguruma takes Latin-1's superscript digits and fractions for word characters as well.
icu::UnicodeSet bare_word_set(Regex::Dialect dialect) {
  icu::UnicodeSet set = word_set();
  if (dialect == Regex::Dialect::kOniguruma) set.add(0xB2, 0xB3).add(0xB9).add(0xBC, 0xBE);
  return set;
}

class Parser {
 public:
  Parser(std::string_view pattern, Regex::Dialect dialect) : pattern_(pattern), dialect_(dialect) {}

  std::unique_ptr<RegexNode> parse() {
    if (pattern_.size() > kMaxPatternBytes) {
      throw Error(Code::kCorruptFile,
                  fmt::format("regex: {} bytes, the limit is {}", pattern_.size(), kMaxPatternBytes));
    }
    if (!is_valid_utf8(pattern_)) throw Error(Code::kCorruptFile, "regex: the pattern is not UTF-8");
    auto node = choice(0);
    if (!done()) broken("unmatched ')'");
    return node;
  }

 private:
  [[noreturn]] void broken(std::string_view why) const {
    throw Error(Code::kCorruptFile, fmt::format("regex: {} at byte {} of {}", why, position_, quoted(pattern_)));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw Error(Code::kUnsupported, fmt::format("regex: {} at byte {} of {}", what, position_, quoted(pattern_)));
  }

  bool done() const { return position_ >= pattern_.size(); }
  bool next_is(std::string_view text) const { return pattern_.substr(position_).starts_with(text); }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    position_ += text.size();
    return true;
  }
  char32_t take_character() {
    if (done()) broken("pattern ends too early");
    const Utf8Char c = decode_utf8(pattern_, position_);
    position_ += c.length;
    return c.code_point;
  }

  std::unique_ptr<RegexNode> make(RegexNode::Kind kind) const {
    auto node = std::make_unique<RegexNode>();
    node->kind = kind;
    return node;
  }
  std::unique_ptr<RegexNode> make_set(icu::UnicodeSet set) const {
    auto node = make(RegexNode::kSet);
    if (ignore_case_) {
      set.closeOver(USET_CASE_INSENSITIVE);
      set.removeAllStrings();
    }
    node->set = std::move(set);
    return node;
  }
  std::unique_ptr<RegexNode> make_anchor(RegexOp op) const {
    auto node = make(RegexNode::kAnchor);
    node->anchor = op;
    return node;
  }

  std::unique_ptr<RegexNode> choice(int depth) {
    if (depth > kMaxDepth) unsupported("groups nested too deep");
    auto first = sequence(depth);
    if (!next_is("|")) return first;
    auto node = make(RegexNode::kChoice);
    node->children.push_back(std::move(first));
    while (take("|")) node->children.push_back(sequence(depth));
    return node;
  }

  std::unique_ptr<RegexNode> sequence(int depth) {
    const bool outer_case = ignore_case_;
    auto node = make(RegexNode::kSequence);
    while (!done() && !next_is("|") && !next_is(")")) {
      if (take("(?i)")) {
        ignore_case_ = true;
        continue;
      }
      node->children.push_back(repeats(atom(depth)));
    }
    ignore_case_ = outer_case;
    if (node->children.size() == 1) return std::move(node->children[0]);
    return node;
  }

  std::unique_ptr<RegexNode> repeats(std::unique_ptr<RegexNode> node) {
    uint32_t min = 0, max = 0;
    const bool braces = next_is("{");
    if (!repeat_count(min, max)) return node;
    if (node->kind == RegexNode::kLook || node->kind == RegexNode::kBehind || node->kind == RegexNode::kAnchor) {
      unsupported("repeat of an assertion");
    }
    auto repeated = make(RegexNode::kRepeat);
    repeated->min = min;
    repeated->max = max;
    if (take("?"))
      repeated->repeat = Repeat::kLazy;
    else if (!(braces && dialect_ == Regex::Dialect::kOniguruma) && take("+"))
      repeated->repeat = Repeat::kPossessive;
    if (repeated->repeat == Repeat::kPossessive && node->kind != RegexNode::kSet) {
      unsupported("possessive repeat of a group");
    }
    if (max != 1 && may_be_empty(*node)) unsupported("repeat of a group that can match nothing");
    repeated->children.push_back(std::move(node));
    if (braces && take("+")) {  // Oniguruma: x{1,3}+ is (?:x{1,3})+
      if (may_be_empty(*repeated)) unsupported("repeat of a group that can match nothing");
      auto outer = make(RegexNode::kRepeat);
      outer->min = 1;
      outer->max = kUnlimited;
      outer->children.push_back(std::move(repeated));
      return outer;
    }
    uint32_t again_min, again_max;
    const size_t before = position_;
    if (repeat_count(again_min, again_max)) {
      position_ = before;
      unsupported("repeat of a repeat");
    }
    return repeated;
  }

  bool repeat_count(uint32_t& min, uint32_t& max) {
    if (take("*")) return min = 0, max = kUnlimited, true;
    if (take("+")) return min = 1, max = kUnlimited, true;
    if (take("?")) return min = 0, max = 1, true;
    const size_t before = position_;
    if (!take("{")) return false;
    const bool has_low = number(min);
    if (!has_low) min = 0;
    max = min;
    bool has_high = has_low;
    if (take(",")) {
      has_high = number(max);
      if (!has_high) max = kUnlimited;
    }
    if (!take("}") || (!has_low && !has_high)) {  // not a count: '{' means itself
      position_ = before;
      return false;
    }
    if (min > kMaxRepeat || (max != kUnlimited && max > kMaxRepeat)) unsupported("repeat count over 1024");
    if (min > max) broken("repeat {m,n} with m > n");
    return true;
  }

  bool number(uint32_t& value) {
    const char* first = pattern_.data() + position_;
    const auto [end, failed] = std::from_chars(first, pattern_.data() + pattern_.size(), value);
    if (failed == std::errc::result_out_of_range) unsupported("repeat count over 1024");
    if (failed != std::errc{}) return false;
    position_ += static_cast<size_t>(end - first);
    return true;
  }

  std::unique_ptr<RegexNode> atom(int depth) {
    if (next_is("(")) return group(depth);
    if (next_is("[")) return make_set(char_class(depth));
    if (take(".")) {
      auto any = make(RegexNode::kSet);
      any->set = icu::UnicodeSet(0, 0x10FFFF).remove('\n');
      return any;
    }
    const bool lines = dialect_ == Regex::Dialect::kOniguruma;
    if (take("^")) return make_anchor(lines ? RegexOp::kLineStart : RegexOp::kTextStart);
    if (take("$")) return make_anchor(lines ? RegexOp::kLineEnd : RegexOp::kTextEnd);
    if (take("\\A")) return make_anchor(RegexOp::kTextStart);
    if (take("\\z")) return make_anchor(RegexOp::kTextEnd);
    if (take("\\Z")) return make_anchor(RegexOp::kTextEndOrFinalNewline);
    if (next_is("\\b") || next_is("\\B")) {
      auto edge = make_anchor(RegexOp::kWordEdge);
      edge->negative = next_is("\\B");
      edge->set = bare_word_set(dialect_);
      position_ += 2;
      return edge;
    }
    if (next_is("*") || next_is("+") || next_is("?")) broken("nothing to repeat");
    if (next_is("\\w") || next_is("\\W")) {
      icu::UnicodeSet set = bare_word_set(dialect_);
      if (next_is("\\W")) set.complement();
      position_ += 2;
      return make_set(std::move(set));
    }
    if (next_is("\\")) return make_set(escape());
    const char32_t c = take_character();
    return make_set(icu::UnicodeSet(static_cast<UChar32>(c), static_cast<UChar32>(c)));
  }

  std::unique_ptr<RegexNode> group(int depth) {
    const bool outer_case = ignore_case_;
    take("(");
    std::unique_ptr<RegexNode> node;
    if (take("?=") || next_is("?!")) {
      node = make(RegexNode::kLook);
      node->negative = take("?!");
      node->children.push_back(choice(depth + 1));
    } else if (take("?<=") || next_is("?<!")) {
      node = make(RegexNode::kBehind);
      node->negative = take("?<!");
      const auto inner = choice(depth + 1);
      if (inner->kind != RegexNode::kSet) unsupported("lookbehind of more than one character");
      node->set = inner->set;
    } else {
      if (take("?i:"))
        ignore_case_ = true;
      else if (next_is("?") && !take("?:"))
        unsupported("this kind of group");
      node = choice(depth + 1);
    }
    ignore_case_ = outer_case;
    if (!take(")")) broken("missing ')'");
    return node;
  }

  // [...], with nesting (union) and && (intersection of everything left and right of it).
  icu::UnicodeSet char_class(int depth) {
    if (depth > kMaxDepth) unsupported("classes nested too deep");
    take("[");
    const bool negated = take("^");
    icu::UnicodeSet whole(0, 0x10FFFF), part;
    for (bool first = true; first || !take("]"); first = false) {
      if (take("&&")) {
        whole.retainAll(part);
        part.clear();
      } else if (take("[:")) {
        part.addAll(posix_class());
      } else if (next_is("[")) {
        part.addAll(char_class(depth + 1));
      } else {
        class_item(part, first);
      }
    }
    whole.retainAll(part);
    if (ignore_case_) {
      whole.closeOver(USET_CASE_INSENSITIVE);
      whole.removeAllStrings();
    }
    if (negated) whole.complement();
    return whole;
  }

  void class_item(icu::UnicodeSet& out, bool first) {
    const bool escaped = next_is("\\");
    icu::UnicodeSet low;
    if (escaped) {
      low = escape();
    } else {
      const char32_t c = take_character();
      if (c == ']' && !first) broken("stray ']'");
      low.add(static_cast<UChar32>(c));
    }
    const bool range = low.size() == 1 && next_is("-") && !next_is("-]") && !next_is("-[") && !next_is("-&&");
    if (!range) {
      out.addAll(low);
      return;
    }
    take("-");
    icu::UnicodeSet high;
    if (next_is("\\"))
      high = escape();
    else
      high.add(static_cast<UChar32>(take_character()));
    if (high.size() != 1) {  // [a-\d]: the hyphen means itself
      out.addAll(low).addAll(high).add('-');
      return;
    }
    if (low.charAt(0) > high.charAt(0)) broken("empty range in a class");
    out.add(low.charAt(0), high.charAt(0));
  }

  icu::UnicodeSet posix_class() {
    const bool negated = take("^");
    const size_t end = pattern_.find(":]", position_);
    if (end == std::string_view::npos) broken("missing ':]'");
    const std::string_view name = pattern_.substr(position_, end - position_);
    icu::UnicodeSet set;
    if (name == "punct")
      set = category_set(U_GC_P_MASK | U_GC_S_MASK);
    else if (name == "alpha")
      set = binary_set(UCHAR_ALPHABETIC);
    else if (name == "digit")
      set = category_set(U_GC_ND_MASK);
    else if (name == "space")
      set = binary_set(UCHAR_WHITE_SPACE);
    else if (name == "upper")
      set = binary_set(UCHAR_UPPERCASE);
    else if (name == "lower")
      set = binary_set(UCHAR_LOWERCASE);
    else if (name == "alnum")
      set = binary_set(UCHAR_ALPHABETIC).addAll(category_set(U_GC_ND_MASK));
    else
      unsupported("this [:class:]");
    position_ = end + 2;
    if (negated) set.complement();
    return set;
  }

  // After a backslash: one character, or a class.
  icu::UnicodeSet escape() {
    take("\\");
    const char32_t c = take_character();
    icu::UnicodeSet set;
    switch (c) {
      case 'p':
      case 'P':
        return property(c == 'P');
      case 's':
      case 'S':
        set = binary_set(UCHAR_WHITE_SPACE);
        break;
      case 'd':
      case 'D':
        set = category_set(U_GC_ND_MASK);
        break;
      case 'w':
      case 'W':
        set = word_set();
        break;
      case 'n':
        return set.add('\n');
      case 'r':
        return set.add('\r');
      case 't':
        return set.add('\t');
      case 'f':
        return set.add('\f');
      case 'v':
        return set.add('\v');
      case 'a':
        return set.add(7);
      case 'e':
        return set.add(0x1B);
      case 'x':
      case 'u':
        return set.add(static_cast<UChar32>(hexadecimal(c == 'x' ? 2 : 4)));
      default:
        if (c < 0x80 && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
          unsupported(fmt::format("escape '\\{}'", static_cast<char>(c)));
        }
        return set.add(static_cast<UChar32>(c));
    }
    if (c == 'S' || c == 'D' || c == 'W') set.complement();
    return set;
  }

  char32_t hexadecimal(size_t digits) {
    const bool braces = take("{");
    const size_t end = braces ? pattern_.find('}', position_) : position_ + digits;
    if (end == std::string_view::npos || end > pattern_.size()) broken("bad hexadecimal escape");
    uint32_t value = 0;
    const char* last = pattern_.data() + end;
    const auto [stop, failed] = std::from_chars(pattern_.data() + position_, last, value, 16);
    if (failed != std::errc{} || stop != last || value > 0x10FFFF) broken("bad hexadecimal escape");
    position_ = end + (braces ? 1 : 0);
    return value;
  }

  // \p{L}, \p{^L}, \pL, \p{Han}, \p{Alphabetic}: general category, then script, then binary property.
  icu::UnicodeSet property(bool negated) {
    std::string name;
    if (take("{")) {
      if (take("^")) negated = !negated;
      const size_t end = pattern_.find('}', position_);
      if (end == std::string_view::npos) broken("missing '}'");
      name = pattern_.substr(position_, end - position_);
      position_ = end + 1;
    } else {
      append_utf8(name, take_character());
    }
    icu::UnicodeSet set;
    UErrorCode status = U_ZERO_ERROR;
    const int32_t category = u_getPropertyValueEnum(UCHAR_GENERAL_CATEGORY_MASK, name.c_str());
    const int32_t script = u_getPropertyValueEnum(UCHAR_SCRIPT, name.c_str());
    const UProperty binary = u_getPropertyEnum(name.c_str());
    if (category != UCHAR_INVALID_CODE)
      set = category_set(static_cast<uint32_t>(category));
    else if (script != UCHAR_INVALID_CODE)
      set.applyIntPropertyValue(UCHAR_SCRIPT, script, status);
    else if (binary >= 0 && binary < UCHAR_BINARY_LIMIT)
      set = binary_set(binary);
    else
      unsupported(fmt::format("property '{}'", name));
    if (negated) set.complement();
    return set;
  }

  std::string_view pattern_;
  Regex::Dialect dialect_;
  size_t position_ = 0;
  bool ignore_case_ = false;
};

}  // namespace

std::unique_ptr<RegexNode> parse_regex(std::string_view pattern, Regex::Dialect dialect) {
  return Parser(pattern, dialect).parse();
}

bool may_be_empty(const RegexNode& node) {
  switch (node.kind) {
    case RegexNode::kSet:
      return false;
    case RegexNode::kSequence:
      for (const auto& child : node.children) {
        if (!may_be_empty(*child)) return false;
      }
      return true;
    case RegexNode::kChoice:
      for (const auto& child : node.children) {
        if (may_be_empty(*child)) return true;
      }
      return false;
    case RegexNode::kRepeat:
      return node.min == 0 || may_be_empty(*node.children[0]);
    default:
      return true;
  }
}

}  // namespace shenbi::tokenizers
