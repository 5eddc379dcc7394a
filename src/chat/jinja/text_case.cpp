// Letter case and character classes, from ICU: full mappings (ß -> SS, final sigma), as CPython has them.

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "base/utf8.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

icu::UnicodeString from_utf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
}

std::string to_utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

std::string map_ascii(std::string_view text, int (*map)(int)) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(map(static_cast<uint8_t>(c)));
  return out;
}

int ascii_upper(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }
int ascii_lower(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

bool is_cased(char32_t c) noexcept { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED); }
bool is_upper(char32_t c) noexcept { return u_isUUppercase(static_cast<UChar32>(c)); }
bool is_lower(char32_t c) noexcept { return u_isULowercase(static_cast<UChar32>(c)); }
bool is_title(char32_t c) noexcept { return u_charType(static_cast<UChar32>(c)) == U_TITLECASE_LETTER; }

enum class Case { kUpper, kLower, kTitle };

void append_in_case(std::string& out, std::string_view character, Case to) {
  if (character.size() == 1) {
    out += static_cast<char>(to == Case::kLower ? ascii_lower(character[0]) : ascii_upper(character[0]));
    return;
  }
  icu::UnicodeString one = from_utf8(character);
  if (to == Case::kUpper)
    one.toUpper(icu::Locale::getRoot());
  else if (to == Case::kLower)
    one.toLower(icu::Locale::getRoot());
  else
    one.toTitle(nullptr, icu::Locale::getRoot());
  one.toUTF8String(out);
}

int numeric_type(char32_t c) noexcept { return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE); }

}  // namespace

std::string upper(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, ascii_upper);
  return to_utf8(from_utf8(text).toUpper(icu::Locale::getRoot()));
}

std::string lower(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, ascii_lower);
  return to_utf8(from_utf8(text).toLower(icu::Locale::getRoot()));
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const size_t first = decode_utf8(text, 0).length;
  std::string out;
  append_in_case(out, text.substr(0, first), Case::kTitle);
  // Lower-cased as a whole: a final sigma depends on what stands before it.
  const std::string all = lower(text);
  std::string head;
  append_in_case(head, text.substr(0, first), Case::kLower);
  return out += std::string_view(all).substr(std::min(head.size(), all.size()));
}

std::string title(std::string_view text) {
  std::string out;
  bool inside_word = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    append_in_case(out, text.substr(i, c.length), inside_word ? Case::kLower : Case::kTitle);
    inside_word = is_cased(c.code_point);
    i += c.length;
  }
  return out;
}

std::string swap_case(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const std::string_view one = text.substr(i, c.length);
    if (is_upper(c.code_point))
      append_in_case(out, one, Case::kLower);
    else if (is_lower(c.code_point))
      append_in_case(out, one, Case::kUpper);
    else
      out += one;
    i += c.length;
  }
  return out;
}

std::string case_fold(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, ascii_lower);
  return to_utf8(from_utf8(text).foldCase());
}

bool is_alpha(char32_t c) noexcept { return u_isalpha(static_cast<UChar32>(c)); }
bool is_decimal(char32_t c) noexcept { return numeric_type(c) == U_NT_DECIMAL; }
bool is_digit(char32_t c) noexcept { return numeric_type(c) == U_NT_DECIMAL || numeric_type(c) == U_NT_DIGIT; }
bool is_numeric(char32_t c) noexcept { return numeric_type(c) != U_NT_NONE; }
bool is_alnum(char32_t c) noexcept { return is_alpha(c) || is_numeric(c); }

bool is_printable(char32_t c) noexcept {
  if (c == ' ') return true;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
    case U_SPACE_SEPARATOR:
      return false;
    default:
      return true;
  }
}

bool is_upper_text(std::string_view text) noexcept {
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (is_lower(c.code_point) || is_title(c.code_point)) return false;
    any = any || is_upper(c.code_point);
    i += c.length;
  }
  return any;
}

bool is_lower_text(std::string_view text) noexcept {
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (is_upper(c.code_point) || is_title(c.code_point)) return false;
    any = any || is_lower(c.code_point);
    i += c.length;
  }
  return any;
}

bool is_title_text(std::string_view text) noexcept {
  bool any = false, inside_word = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (is_upper(c.code_point) || is_title(c.code_point)) {
      if (inside_word) return false;
      any = inside_word = true;
    } else if (is_lower(c.code_point)) {
      if (!inside_word) return false;
      any = true;
    } else {
      inside_word = false;
    }
    i += c.length;
  }
  return any;
}

}  // namespace shenbi::chat::jinja
