#include "tokenizers/word_family.h"

#include <array>

#include "base/unicode.h"
#include "base/utf8.h"

namespace shenbi::tokenizers {
namespace {

// The spellings in use. Where two differ only in what cannot change a match (possessive or not, '\s' or '\s+' at the
// end, which is reached only for a single character), both are listed.
#define SHENBI_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SHENBI_TAIL "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define SHENBI_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SHENBI_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define SHENBI_CASED(suffix)                                                                               \
  "[^\\r\\n\\p{L}\\p{N}]?" SHENBI_UPPER "*" SHENBI_LOWER "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" SHENBI_UPPER \
  "+" SHENBI_LOWER "*" suffix

struct Spelling {
  std::string_view pattern;
  WordFamily family;
};

constexpr WordFamily kGpt2Words{.gpt2 = true, .max_digits = UINT32_MAX};
constexpr WordFamily kLlama3Words{.max_digits = 3};
constexpr WordFamily kQwen2Words{};
constexpr WordFamily kQwen35Words{.marks = true};
constexpr WordFamily kO200kWords{.by_case = true, .max_digits = 3, .slash_tail = true};
constexpr WordFamily kTekkenWords{.contractions = false, .by_case = true, .slash_tail = true};
constexpr WordFamily kCl100kWords{.max_digits = 3, .whole_tail = true};

constexpr Spelling kSpellings[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", kGpt2Words},
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)", kGpt2Words},
    {"'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", kGpt2Words},
    {SHENBI_CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SHENBI_TAIL,
     kLlama3Words},
    {SHENBI_CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SHENBI_TAIL,
     kQwen2Words},
    {SHENBI_CONTRACTIONS
     "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SHENBI_TAIL,
     kQwen35Words},
    {SHENBI_CASED(SHENBI_CONTRACTIONS "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SHENBI_TAIL, kO200kWords},
    {SHENBI_CASED("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SHENBI_TAIL, kTekkenWords},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| "
     "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]"
     "|\\s+(?!\\S)|\\s",
     kCl100kWords},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| "
     "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)"
     "|\\s+",
     kLlama3Words},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| "
     "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     kQwen2Words},
};

// Classes as the matchers need them.
enum : uint8_t { kL = 1, kN = 2, kSpace = 4, kLineEnd = 8, kM = 16, kUpperish = 32, kLowerish = 64 };

constexpr uint8_t ascii_bits(int c) {
  if (c >= 'a' && c <= 'z') return kL | kLowerish;
  if (c >= 'A' && c <= 'Z') return kL | kUpperish;
  if (c >= '0' && c <= '9') return kN;
  if (c == '\r' || c == '\n') return kSpace | kLineEnd;
  if (c == ' ' || (c >= 9 && c <= 13)) return kSpace;
  return 0;
}

constexpr auto kAscii = [] {
  std::array<uint8_t, 128> table{};
  for (int c = 0; c < 128; ++c) table[static_cast<size_t>(c)] = ascii_bits(c);
  return table;
}();

uint8_t bits_of(char32_t c) noexcept {
  const uint16_t classes = char_classes(c);
  uint8_t bits = 0;
  if (classes & kLetter) bits |= kL;
  if (classes & kNumber) bits |= kN;
  if (classes & kWhitespace) bits |= kSpace;
  if (classes & kMark) bits |= kM;
  if (classes & (kLetterUpper | kLetterTitle | kLetterModifier | kLetterOther | kMark)) bits |= kUpperish;
  if (classes & (kLetterLower | kLetterModifier | kLetterOther | kMark)) bits |= kLowerish;
  return bits;
}

struct Char {
  uint8_t bits = 0;
  uint8_t length = 0;  // 0 at the end of the text
};

class Text {
 public:
  explicit Text(std::string_view text) : text_(text) {}

  Char at(size_t i) const noexcept {
    if (i >= text_.size()) return {};
    const auto byte = static_cast<uint8_t>(text_[i]);
    if (byte < 0x80) return {kAscii[byte], 1};
    const Utf8Char c = decode_utf8(text_, i);
    return {bits_of(c.code_point), static_cast<uint8_t>(c.length)};
  }
  char byte(size_t i) const noexcept { return i < text_.size() ? text_[i] : '\0'; }
  size_t size() const noexcept { return text_.size(); }

  // End of the run from `i` of characters with any of `wanted`.
  size_t run(size_t i, uint8_t wanted) const noexcept {
    for (Char c = at(i); c.length != 0 && (c.bits & wanted); c = at(i)) i += c.length;
    return i;
  }
  // ... with none of `unwanted`.
  size_t run_without(size_t i, uint8_t unwanted) const noexcept {
    for (Char c = at(i); c.length != 0 && !(c.bits & unwanted); c = at(i)) i += c.length;
    return i;
  }

 private:
  std::string_view text_;
};

// Length of 's 't 're 've 'm 'll 'd at `i`, 0 if there is none. In `any_case` the long s (U+017F) is an s as well.
size_t contraction(const Text& text, size_t i, bool any_case) noexcept {
  if (text.byte(i) != '\'') return 0;
  const auto letter = [&](size_t at) {
    const char c = text.byte(at);
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char first = letter(i + 1), second = letter(i + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  if (any_case && text.byte(i + 1) == '\xC5' && text.byte(i + 2) == '\xBF') return 3;
  return 0;
}

// The white-space alternatives, tried last: line ends and what is before them; all but the last character; one.
size_t space_word(const Text& text, size_t begin, bool split_lines, bool whole_tail) noexcept {
  size_t end = begin, last = begin, after_line = 0, count = 0;
  for (Char c = text.at(end); c.bits & kSpace; c = text.at(end)) {
    last = end;
    end += c.length;
    ++count;
    if (c.bits & kLineEnd) after_line = end;
  }
  if (whole_tail && end == text.size()) return end;
  if (split_lines && after_line != 0) return after_line;
  return end == text.size() || count < 2 ? end : last;
}

size_t digits(const Text& text, size_t i, uint32_t max) noexcept {
  for (Char c = text.at(i); max > 0 && (c.bits & kN); c = text.at(i), --max) i += c.length;
  return i;
}

// One word by case from `start`: upper-case letters, then lower-case ones; letters without case are both. 0 if none.
size_t cased_word(const Text& text, size_t start, bool need_lower) noexcept {
  size_t end = start, after_caseless = 0;
  Char c = text.at(end);
  for (; c.bits & kUpperish; c = text.at(end)) {
    end += c.length;
    if (c.bits & kLowerish) after_caseless = end;
  }
  if (c.bits & kLowerish) return text.run(end, kLowerish);
  if (need_lower) return after_caseless;
  return end > start ? end : 0;
}

size_t by_case_word(const WordFamily& family, const Text& text, size_t begin, Char first) noexcept {
  const bool prefix = !(first.bits & (kL | kN | kLineEnd));
  size_t end = 0;
  for (const bool need_lower : {true, false}) {
    if (prefix) end = cased_word(text, begin + first.length, need_lower);
    if (end == 0) end = cased_word(text, begin, need_lower);
    if (end != 0) return end + (family.contractions ? contraction(text, end, true) : 0);
  }
  return 0;
}

size_t gpt2_word(const WordFamily& family, const Text& text, size_t begin) noexcept {
  if (const size_t length = contraction(text, begin, false)) return begin + length;
  const size_t start = begin + (text.byte(begin) == ' ' ? 1 : 0);
  const Char c = text.at(start);
  if (c.length != 0 && !(c.bits & kSpace)) {
    if (c.bits & kL) return text.run(start + c.length, kL);
    if (c.bits & kN) return text.run(start + c.length, kN);
    return text.run_without(start + c.length, kL | kN | kSpace);
  }
  return space_word(text, begin, false, family.whole_tail);
}

}  // namespace

std::optional<WordFamily> find_word_family(std::string_view pattern) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.pattern == pattern) return spelling.family;
  }
  return std::nullopt;
}

size_t next_word(const WordFamily& family, std::string_view whole, size_t begin) noexcept {
  const Text text(whole);
  if (family.gpt2) return gpt2_word(family, text, begin);
  const Char first = text.at(begin);
  const uint8_t letters = family.marks ? kL | kM : kL;
  if (family.by_case) {
    if (const size_t end = by_case_word(family, text, begin, first)) return end;
  } else {
    if (family.contractions) {
      if (const size_t length = contraction(text, begin, true)) return begin + length;
    }
    const size_t next = begin + first.length;
    if (first.bits & letters) return text.run(next, letters);
    if (!(first.bits & (kN | kLineEnd)) && (text.at(next).bits & letters)) return text.run(next, letters);
  }
  if (first.bits & kN) return digits(text, begin, family.max_digits);
  const uint8_t not_other = letters | kN | kSpace;
  const size_t start = begin + (text.byte(begin) == ' ' ? 1 : 0);
  const Char c = text.at(start);
  if (c.length != 0 && !(c.bits & not_other)) {
    size_t end = text.run_without(start + c.length, not_other);
    while (text.byte(end) == '\n' || text.byte(end) == '\r' || (family.slash_tail && text.byte(end) == '/')) ++end;
    return end;
  }
  return space_word(text, begin, true, family.whole_tail);
}

}  // namespace shenbi::tokenizers
