#include "cli/columns.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/unicode.h"
#include "base/utf8.h"

namespace shenbi::cli {
namespace {

constexpr std::string_view kGap = " | ";

// East Asian wide and fullwidth characters and emoji, by their blocks (Unicode 15, EastAsianWidth.txt).
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) || (c >= 0x3041 && c <= 0x33FF) ||
         (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0xA4CF) || (c >= 0xA960 && c <= 0xA97F) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) ||
         (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
         (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD);
}

size_t cells(char32_t c) {
  if (char_classes(c) & (kMark | kControl)) return 0;
  return is_wide(c) ? 2 : 1;
}

// One line without line ends, broken.
void wrap_line(std::string_view line, size_t width, std::vector<std::string>& out) {
  size_t start = 0, used = 0, break_at = 0, break_used = 0;
  for (size_t at = 0; at < line.size();) {
    const Utf8Char c = decode_utf8(line, at);
    const size_t wide = cells(c.code_point);
    if (c.code_point == ' ' && used + wide > width) {  // the line is full to the space, which becomes the break
      out.emplace_back(line.substr(start, at - start));
      start = at += c.length;
      used = break_at = break_used = 0;
      continue;
    }
    if (used + wide > width && at > start) {
      const bool soft = break_at > start;
      const size_t end = soft ? break_at : at;
      out.emplace_back(line.substr(start, end - start));
      used -= soft ? break_used : used;
      start = end;
      break_at = break_used = 0;
      while (!out.back().empty() && out.back().back() == ' ') out.back().pop_back();
    }
    at += c.length;
    used += wide;
    if (c.code_point == ' ' || wide == 2) break_at = at, break_used = used;
  }
  out.emplace_back(line.substr(start));
}

void pad(std::string& out, std::string_view text, size_t width) {
  out += text;
  out.append(width - std::min(width, cells_of(text)), ' ');
}

}  // namespace

size_t cells_of(std::string_view text) {
  size_t sum = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    sum += cells(c.code_point);
    at += c.length;
  }
  return sum;
}

std::string plain_text(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    if (c.code_point == '\t')
      out += "    ";
    else if (c.code_point == '\n' || c.code_point == 0x200D || (char_classes(c.code_point) & kControl) == 0)
      append_utf8(out, c.code_point);
  }
  return out;
}

std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  while (true) {
    const size_t end = text.find('\n');
    wrap_line(text.substr(0, end), std::max<size_t>(width, 2), lines);
    if (end == text.npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string beside(const std::vector<TextColumn>& columns, size_t width) {
  const size_t gaps = kGap.size() * (columns.size() - 1);
  const size_t each = std::max<size_t>((width > gaps ? width - gaps : 0) / columns.size(), 2);
  std::vector<std::vector<std::string>> blocks;
  size_t tallest = 0, tallest_head = 0;
  for (const TextColumn& column : columns) tallest_head = std::max(tallest_head, wrapped(column.head, each).size());
  for (const TextColumn& column : columns) {
    std::vector<std::string> lines = wrapped(column.head, each);
    lines.resize(tallest_head);
    lines.emplace_back(each, '-');
    for (std::string& line : wrapped(column.text, each)) lines.push_back(std::move(line));
    lines.emplace_back();
    for (std::string& line : wrapped(column.foot, each)) lines.push_back(std::move(line));
    tallest = std::max(tallest, lines.size());
    blocks.push_back(std::move(lines));
  }
  std::string out;
  for (size_t i = 0; i < tallest; ++i) {
    for (size_t c = 0; c < blocks.size(); ++c) {
      const std::string line = i < blocks[c].size() ? blocks[c][i] : "";
      if (c + 1 < blocks.size())
        pad(out, line, each), out += kGap;
      else
        out += line;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

size_t terminal_width() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace shenbi::cli
