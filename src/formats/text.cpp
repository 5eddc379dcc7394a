#include "formats/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/utf8.h"

namespace shenbi::formats {

namespace {

bool is_control(char32_t code_point) noexcept {
  // C0, DEL, C1, and the marks that reorder or break a line: U+2028..202E, U+2066..2069.
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
         (code_point >= 0x2028 && code_point <= 0x202E) || (code_point >= 0x2066 && code_point <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (out.size() >= max_bytes) return out + "...";
    const Utf8Char next = decode_utf8(text, at);
    if (next.valid && !is_control(next.code_point)) {
      out.append(text.substr(at, next.length));
    } else {
      for (const char byte : text.substr(at, next.length)) out += fmt::format("\\x{:02X}", static_cast<uint8_t>(byte));
    }
    at += next.length;
  }
  return out;
}

bool is_plain_text(std::string_view text) noexcept {
  for (size_t at = 0; at < text.size();) {
    const Utf8Char next = decode_utf8(text, at);
    if (!next.valid || is_control(next.code_point)) return false;
    at += next.length;
  }
  return true;
}

std::string shape_text(std::span<const uint64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::string bytes_text(uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace shenbi::formats
