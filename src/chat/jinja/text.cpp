#include "chat/jinja/text.h"

#include <unicode/uchar.h>

#include <algorithm>

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

std::string repeated(std::string_view text, int64_t count) {
  std::string out;
  for (int64_t i = 0; i < count; ++i) out += text;
  return out;
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

}  // namespace shenbi::chat::jinja
