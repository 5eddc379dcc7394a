#include <fmt/format.h>
#include <unicode/uniset.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/pattern.h"

namespace shenbi::grammar {
namespace {

/// What a class holds in every dialect, and what it holds in some. A complement swaps the two.
struct Bounds {
  CodeSet sure, maybe;
  Bounds operator~() const { return {~maybe, ~sure}; }
};

CodeSet unicode_set(const char* description) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeSet set(icu::UnicodeString::fromUTF8(description), status);
  std::vector<CodeSet::Range> ranges;
  if (U_SUCCESS(status)) {
    for (int32_t i = 0; i < set.getRangeCount(); ++i) {
      ranges.emplace_back(static_cast<char32_t>(set.getRangeStart(i)), static_cast<char32_t>(set.getRangeEnd(i)));
    }
  }
  return CodeSet(std::move(ranges));
}

Bounds exactly(const CodeSet& set) { return {set, set}; }

const Bounds& digits() {
  static const Bounds bounds{CodeSet({{'0', '9'}}), unicode_set("[[:Nd:]]")};
  return bounds;
}
const Bounds& word_characters() {
  static const Bounds bounds{CodeSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}),
                             unicode_set("[[:L:][:N:][:M:][:Pc:][:Alphabetic:][:Join_Control:]]")};
  return bounds;
}
const Bounds& spaces() {
  static const Bounds bounds{
      CodeSet::of(" \t\n\r\f\v"),
      unicode_set("[[:White_Space:]]") | CodeSet({{0x1C, 0x1F}, {0x180E, 0x180E}, {0x200B, 0x200D}, {0xFEFF, 0xFEFF}})};
  return bounds;
}
const CodeSet& dot() {
  static const CodeSet set = ~CodeSet({{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}});
  return set;
}

class PatternParser {
 public:
  PatternParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Pattern parse() {
    if (text_.size() > limits::kMaxPatternBytes) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("{}: a pattern of {} bytes, at most {}", where_, text_.size(), limits::kMaxPatternBytes));
    }
    if (!is_valid_utf8(text_)) throw Error(Code::kInvalidArgument, fmt::format("{}: the pattern is not UTF-8", where_));
    pattern_.root = choice(0);
    if (!done()) broken("a ')' without its '('");
    return std::move(pattern_);
  }

 private:
  using Node = Pattern::Node;

  std::string place() const {
    std::string shown(text_.substr(0, 200));
    shown.resize(shown.size() - incomplete_utf8_tail(shown));
    return fmt::format("{}: pattern '{}{}'", where_, shown, text_.size() > 200 ? "..." : "");
  }
  [[noreturn]] void broken(std::string_view why) const {
    throw Error(Code::kInvalidArgument, fmt::format("{}: {} at byte {}", place(), why, at_));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw Error(Code::kUnsupported, fmt::format("{}: {} at byte {} are not supported", place(), what, at_));
  }

  bool done() const { return at_ >= text_.size(); }
  bool next_is(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool take(std::string_view what) {
    if (!next_is(what)) return false;
    at_ += what.size();
    return true;
  }
  char32_t take_character() {
    if (done()) broken("the pattern ends too early");
    const Utf8Char c = decode_utf8(text_, at_);
    at_ += c.length;
    return c.code_point;
  }
  uint32_t set_node(CodeSet set) { return pattern_.add({.kind = Node::kSet, .set = std::move(set)}); }

  uint32_t choice(size_t depth) {
    if (depth > limits::kMaxGrammarNesting) broken("groups nested too deep");
    std::vector<uint32_t> all = {sequence(depth)};
    while (take("|")) all.push_back(sequence(depth));
    if (all.size() == 1) return all[0];
    return pattern_.add({.kind = Node::kChoice, .children = std::move(all)});
  }

  uint32_t sequence(size_t depth) {
    std::vector<uint32_t> parts;
    while (!done() && !next_is("|") && !next_is(")")) parts.push_back(repeats(atom(depth)));
    if (parts.size() == 1) return parts[0];
    return pattern_.add({.kind = Node::kSequence, .children = std::move(parts)});
  }

  uint32_t repeats(uint32_t part) {
    uint32_t min = 0, max = 0;
    if (!count(min, max)) return part;
    const auto kind = pattern_.nodes[part].kind;
    if (kind == Node::kBegin || kind == Node::kEnd) unsupported("repeated anchors");
    if (!take("?") && next_is("+")) unsupported("possessive repeats");  // a lazy repeat matches the same texts
    uint32_t again_min, again_max;
    if (count(again_min, again_max)) broken("a repeat of a repeat");
    return pattern_.add({.kind = Node::kRepeat, .min = min, .max = max, .children = {part}});
  }
  bool count(uint32_t& min, uint32_t& max) {
    if (take("*")) return min = 0, max = kUnbounded, true;
    if (take("+")) return min = 1, max = kUnbounded, true;
    if (take("?")) return min = 0, max = 1, true;
    const size_t before = at_;
    if (!take("{")) return false;
    const auto low = number();
    if (!low && next_is(",")) {
      ++at_;
      if (number() && next_is("}")) unsupported("repeats without a lower count (write {0,n})");
    }
    max = low.value_or(0);
    if (low && take(",")) max = number().value_or(kUnbounded);
    if (!low || !take("}")) return at_ = before, false;  // a brace that means itself
    min = *low;
    if (min > max) broken("a repeat that counts down");
    return true;
  }
  std::optional<uint32_t> number() {
    uint64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, failed] = std::from_chars(first, text_.data() + text_.size(), value);
    if (failed == std::errc::invalid_argument) return std::nullopt;
    if (failed != std::errc{} || value > limits::kMaxGrammarRepeat) {
      broken(fmt::format("a repeat count over {}", limits::kMaxGrammarRepeat));
    }
    at_ += static_cast<size_t>(end - first);
    return static_cast<uint32_t>(value);
  }

  uint32_t atom(size_t depth) {
    if (next_is("(")) return group(depth);
    if (take("[")) return set_node(character_class().sure);
    if (take(".")) return set_node(dot());
    if (take("^") || take("\\A")) return pattern_.add({.kind = Node::kBegin});
    if (take("$") || take("\\Z") || take("\\z")) return pattern_.add({.kind = Node::kEnd});
    if (next_is("*") || next_is("+") || next_is("?")) broken("nothing to repeat");
    if (next_is("\\b") || next_is("\\B")) unsupported("word boundaries");
    if (take("\\")) return set_node(escape().sure);
    return set_node(CodeSet::one(take_character()));
  }

  uint32_t group(size_t depth) {
    if (next_is("(?=") || next_is("(?!") || next_is("(?<=") || next_is("(?<!")) unsupported("look-around assertions");
    if (next_is("(?P=") || next_is("(?P>")) unsupported("back references");
    take("(");
    if (take("?P<") || take("?<")) {
      while (!done() && !next_is(">")) ++at_;
      if (!take(">")) broken("a group name without its end");
    } else if (!take("?:") && next_is("?")) {
      unsupported("flags and other special groups");
    }
    const uint32_t inside = choice(depth + 1);
    if (!take(")")) broken("a '(' without its ')'");
    return inside;
  }

  // Behind the opening bracket.
  Bounds character_class() {
    const bool negated = take("^");
    if (next_is("]")) unsupported("empty classes, or classes that begin with an unescaped ']',");
    std::vector<CodeSet::Range> sure, maybe;  // joined once at the end: a class may list thousands
    const auto add = [&](const Bounds& part) {
      sure.insert(sure.end(), part.sure.ranges().begin(), part.sure.ranges().end());
      maybe.insert(maybe.end(), part.maybe.ranges().begin(), part.maybe.ranges().end());
    };
    while (!take("]")) {
      const Bounds low = class_item();
      const bool range = next_is("-") && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (!range) {
        add(low);
        continue;
      }
      take("-");
      const Bounds high = class_item();
      const auto one = [](const Bounds& b) {
        return b.maybe.ranges().size() == 1 && b.maybe.ranges()[0].first == b.maybe.ranges()[0].second;
      };
      if (!one(low) || !one(high)) unsupported("ranges between classes");
      const char32_t first = low.maybe.ranges()[0].first, last = high.maybe.ranges()[0].first;
      if (first > last) broken("a range that runs backwards");
      add(exactly(CodeSet({{first, last}})));
    }
    const Bounds all{CodeSet(std::move(sure)), CodeSet(std::move(maybe))};
    return negated ? ~all : all;
  }
  Bounds class_item() {
    if (take("\\b")) return exactly(CodeSet::one('\b'));
    if (take("\\")) return escape();
    return exactly(CodeSet::one(take_character()));
  }

  // Behind a backslash.
  Bounds escape() {
    const char32_t c = take_character();
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return ~digits();
      case 'w':
        return word_characters();
      case 'W':
        return ~word_characters();
      case 's':
        return spaces();
      case 'S':
        return ~spaces();
      case 'n':
        return exactly(CodeSet::one('\n'));
      case 'r':
        return exactly(CodeSet::one('\r'));
      case 't':
        return exactly(CodeSet::one('\t'));
      case 'f':
        return exactly(CodeSet::one('\f'));
      case 'v':
        return exactly(CodeSet::one('\v'));
      case 'x':
        return exactly(CodeSet::one(hexadecimal(2)));
      case 'u':
        return exactly(CodeSet::one(next_is("{") ? braced() : utf16()));
      case 'U':
        return exactly(CodeSet::one(hexadecimal(8)));
      case 'p':
      case 'P':
        return exactly(property(c == 'P'));
      default:
        break;
    }
    if (c == '0' && !(at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')) return exactly(CodeSet::one(0));
    if (c >= '0' && c <= '9') unsupported("back references and octal escapes");
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      unsupported(fmt::format("escapes like '\\{}'", static_cast<char>(c)));
    }
    return exactly(CodeSet::one(c));
  }

  char32_t hexadecimal(size_t length) {
    uint32_t value = 0;
    const std::string_view hex = text_.substr(at_, length);
    const auto [end, failed] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != length || failed != std::errc{} || end != hex.data() + length || value > 0x10FFFF) {
      broken(fmt::format("an escape that needs {} hexadecimal digits", length));
    }
    at_ += length;
    return value;
  }
  char32_t braced() {
    take("{");
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || end - at_ > 8) broken("an escape without its '}'");
    const char32_t value = hexadecimal(end - at_);
    take("}");
    return value;
  }
  char32_t utf16() {
    const char32_t high = hexadecimal(4);
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || !take("\\u")) unsupported("single surrogates");
    const char32_t low = hexadecimal(4);
    if (low < 0xDC00 || low > 0xDFFF) unsupported("single surrogates");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  // \p{L}, \p{Letter}, \p{Script=Han}: what ICU knows by that name.
  CodeSet property(bool negated) {
    std::string name(1, 'L');
    if (take("{")) {
      const size_t end = text_.find('}', at_);
      if (end == std::string_view::npos) broken("a property without its '}'");
      name = text_.substr(at_, end - at_);
      at_ = end + 1;
    } else {
      const char32_t c = take_character();
      if (c > 0x7F) broken("a property without its name");
      name = static_cast<char>(c);
    }
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '=';
    });
    const CodeSet set = plain ? unicode_set(fmt::format("[\\p{{{}}}]", name).c_str()) : CodeSet();
    if (set.empty()) unsupported(fmt::format("properties like '{}'", plain ? name : "?"));
    return negated ? ~set : set;
  }

  std::string_view text_, where_;
  size_t at_ = 0;
  Pattern pattern_;
};

}  // namespace

Pattern parse_pattern(std::string_view text, std::string_view where) { return PatternParser(text, where).parse(); }

Pattern Pattern::length(uint32_t min, uint32_t max) {
  Pattern pattern;
  const uint32_t any = pattern.add({.kind = Node::kSet, .set = CodeSet::any()});
  pattern.root = pattern.add({.kind = Node::kRepeat, .min = min, .max = max, .children = {any}});
  return pattern;
}

Pattern Pattern::texts(const std::vector<std::string>& texts) {
  Pattern pattern;
  Node choice{.kind = Node::kChoice};
  for (const std::string& text : texts) {
    Node sequence{.kind = Node::kSequence};
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text, i);
      sequence.children.push_back(pattern.add({.kind = Node::kSet, .set = CodeSet::one(c.code_point)}));
      i += c.length;
    }
    choice.children.push_back(pattern.add(std::move(sequence)));
  }
  pattern.root = pattern.add(std::move(choice));
  return pattern;
}

}  // namespace shenbi::grammar
