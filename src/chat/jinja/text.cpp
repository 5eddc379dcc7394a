#include "chat/jinja/text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/utf8.h"

namespace shenbi::chat::jinja {
namespace {

bool is_continuation(char byte) noexcept { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

/// Start of the code point that ends before `end`.
size_t previous(std::string_view text, size_t end) noexcept {
  size_t start = end - 1;
  while (start > 0 && is_continuation(text[start])) --start;
  return start;
}

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

size_t count_characters(std::string_view text) noexcept {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

size_t byte_offset(std::string_view text, size_t index) noexcept {
  // Counts the first bytes of characters; the text is valid UTF-8.
  for (size_t offset = 0; offset < text.size(); ++offset) {
    if (!is_continuation(text[offset]) && index-- == 0) return offset;
  }
  return text.size();
}

size_t character_index(std::string_view text, size_t offset) noexcept {
  return count_characters(text.substr(0, offset));
}

bool is_python_space(char32_t c) noexcept {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool is_line_end(char32_t c) noexcept {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_identifier(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const auto code = static_cast<UChar32>(c.code_point);
    const bool fits = c.code_point == '_' || (i == 0 ? u_hasBinaryProperty(code, UCHAR_XID_START)
                                                     : u_hasBinaryProperty(code, UCHAR_XID_CONTINUE));
    if (!c.valid || !fits) return false;
    i += c.length;
  }
  return !text.empty();
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters) {
  std::u32string set;
  if (characters) {
    for (size_t i = 0; i < characters->size();) {
      const Utf8Char c = decode_utf8(*characters, i);
      set += c.code_point;
      i += c.length;
    }
    std::sort(set.begin(), set.end());
  }
  const auto goes = [&](char32_t c) {
    return characters ? std::binary_search(set.begin(), set.end(), c) : is_python_space(c);
  };
  size_t begin = 0, end = text.size();
  while (side != Side::kRight && begin < end) {
    const Utf8Char c = decode_utf8(text, begin);
    if (!goes(c.code_point)) break;
    begin += c.length;
  }
  while (side != Side::kLeft && begin < end) {
    const size_t start = previous(text, end);
    if (!goes(decode_utf8(text, start).code_point)) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

namespace {

std::vector<std::string_view> split_spaces(std::string_view text, int64_t max_split) {
  std::vector<std::string_view> parts;
  for (text = strip(text, Side::kLeft); !text.empty(); text = strip(text, Side::kLeft)) {
    if (max_split >= 0 && static_cast<int64_t>(parts.size()) == max_split) {
      parts.push_back(strip(text, Side::kRight));
      break;
    }
    size_t end = 0;
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text, end);
      if (is_python_space(c.code_point)) break;
      end += c.length;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::vector<std::string_view> split_spaces_right(std::string_view text, int64_t max_split) {
  std::vector<std::string_view> parts;
  for (text = strip(text, Side::kRight); !text.empty(); text = strip(text, Side::kRight)) {
    if (max_split >= 0 && static_cast<int64_t>(parts.size()) == max_split) {
      parts.push_back(strip(text, Side::kLeft));
      break;
    }
    size_t begin = text.size();
    while (begin > 0) {
      const size_t start = previous(text, begin);
      if (is_python_space(decode_utf8(text, start).code_point)) break;
      begin = start;
    }
    parts.push_back(text.substr(begin));
    text = text.substr(0, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, std::optional<std::string_view> separator,
                                    int64_t max_split) {
  if (!separator) return split_spaces(text, max_split);
  std::vector<std::string_view> parts;
  while (max_split < 0 || static_cast<int64_t>(parts.size()) < max_split) {
    const size_t at = text.find(*separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator->size());
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> split_right(std::string_view text, std::optional<std::string_view> separator,
                                          int64_t max_split) {
  if (!separator) return split_spaces_right(text, max_split);
  std::vector<std::string_view> parts;
  while (max_split < 0 || static_cast<int64_t>(parts.size()) < max_split) {
    const size_t at = text.rfind(*separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(at + separator->size()));
    text = text.substr(0, at);
  }
  parts.push_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    size_t after = i + c.length;
    if (is_line_end(c.code_point)) {
      if (c.code_point == '\r' && after < text.size() && text[after] == '\n') ++after;
      lines.push_back(text.substr(begin, (keep_ends ? after : i) - begin));
      begin = after;
    }
    i = after;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

size_t count_occurrences(std::string_view text, std::string_view needle) {
  if (needle.empty()) return count_characters(text) + 1;
  size_t count = 0;
  for (size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + needle.size())) ++count;
  return count;
}

size_t replaced_size(std::string_view text, std::string_view from, std::string_view to, int64_t max_count) {
  size_t count = count_occurrences(text, from);
  if (max_count >= 0) count = std::min(count, static_cast<size_t>(max_count));
  // Both factors are at most the text limit (2^26), so 64 bits hold the product.
  return text.size() + count * to.size() - std::min(text.size(), count * from.size());
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, int64_t max_count) {
  std::string out;
  size_t position = 0;
  int64_t done = 0;
  if (from.empty()) {
    for (; max_count < 0 || done < max_count; ++done) {
      out += to;
      if (position >= text.size()) return out;
      const size_t bytes = decode_utf8(text, position).length;
      out += text.substr(position, bytes);
      position += bytes;
    }
    return out += text.substr(position);
  }
  for (; max_count < 0 || done < max_count; ++done) {
    const size_t at = text.find(from, position);
    if (at == std::string_view::npos) break;
    out += text.substr(position, at - position);
    out += to;
    position = at + from.size();
  }
  return out += text.substr(position);
}

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

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

namespace {

/// Removes underscores between digits; nullopt when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto digit = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (i == 0 || i + 1 == text.size() || !digit(text[i - 1]) || !digit(text[i + 1])) return std::nullopt;
  }
  return out;
}

}  // namespace

std::optional<int64_t> parse_int(std::string_view text, int base) {
  text = strip(text, Side::kBoth);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const auto prefix_base = [&]() -> int {
    if (text.size() < 2 || text[0] != '0') return 10;
    switch (text[1] | 0x20) {
      case 'x':
        return 16;
      case 'o':
        return 8;
      case 'b':
        return 2;
      default:
        return 10;
    }
  };
  if (const int found = prefix_base(); found != 10 && (base == 0 || base == found)) {
    base = found;
    text.remove_prefix(2);
    if (!text.empty() && text[0] == '_') text.remove_prefix(1);
  } else if (base == 0) {
    base = 10;
    const bool only_zeros = text.find_first_not_of("0_") == std::string_view::npos;
    if (text.size() > 1 && text[0] == '0' && !only_zeros) return std::nullopt;
  }
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || (*digits)[0] == '-') return std::nullopt;
  uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), magnitude, base);
  if (error != std::errc{} || end != digits->data() + digits->size()) return std::nullopt;
  if (magnitude > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

std::optional<double> parse_float(std::string_view text) {
  const auto clean = without_underscores(strip(text, Side::kBoth));
  if (!clean || clean->empty()) return std::nullopt;
  std::string body = map_ascii(*clean, ascii_lower);
  double sign = 1;
  if (body[0] == '+' || body[0] == '-') {
    sign = body[0] == '-' ? -1 : 1;
    body.erase(0, 1);
  }
  if (body == "inf" || body == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (body == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (body.empty() || !(body[0] == '.' || (body[0] >= '0' && body[0] <= '9'))) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (end != body.data() + body.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Overflow or underflow: the sign of the exponent tells which.
    const size_t e = body.find('e');
    const bool tiny =
        e != std::string::npos ? e + 1 < body.size() && body[e + 1] == '-' : body[0] == '0' || body[0] == '.';
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return sign * value;
}

}  // namespace shenbi::chat::jinja
