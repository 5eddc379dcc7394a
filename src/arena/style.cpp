#include "arena/style.h"

#include <algorithm>

#include "base/unicode.h"
#include "base/utf8.h"

namespace shenbi::arena {
namespace {

double words_in(std::string_view line) {
  double words = 0;
  bool inside = false;
  for (size_t at = 0; at < line.size();) {
    const Utf8Char c = decode_utf8(line, at);
    at += c.length;
    const uint16_t classes = char_classes(c.code_point);
    const bool letter = (classes & (kLetter | kNumber | kMark)) != 0;
    if (classes & kHan) {
      ++words;
      inside = false;
    } else {
      if (letter && !inside) ++words;
      inside = letter;
    }
  }
  return words;
}

std::string_view without_indent(std::string_view line) {
  const size_t start = line.find_first_not_of(" \t");
  return start == line.npos ? std::string_view() : line.substr(start);
}

bool is_heading(std::string_view line) {
  const size_t marks = line.find_first_not_of('#');
  return marks != line.npos && marks >= 1 && marks <= 6 && line[marks] == ' ';
}

bool is_list_item(std::string_view line) {
  if (line.size() >= 2 && (line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ') return true;
  const size_t digits = line.find_first_not_of("0123456789");
  return digits != line.npos && digits >= 1 && digits <= 9 && (line[digits] == '.' || line[digits] == ')') &&
         digits + 1 < line.size() && line[digits + 1] == ' ';
}

// Pairs of "**" or "__" in a line.
double bold_in(std::string_view line) {
  size_t marks = 0;
  for (const std::string_view mark : {"**", "__"}) {
    size_t found = 0;
    for (size_t at = line.find(mark); at != line.npos; at = line.find(mark, at + 2)) ++found;
    marks += found / 2;
  }
  return static_cast<double>(marks);
}

}  // namespace

Style style_of(std::string_view markdown) {
  Style style{};
  bool fenced = false;
  while (!markdown.empty()) {
    const size_t end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = without_indent(markdown.substr(0, end));
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    if (line.starts_with("```") || line.starts_with("~~~")) {
      fenced = !fenced;
      continue;
    }
    style[0] += words_in(line);
    if (fenced) continue;
    style[1] += is_heading(line) ? 1 : 0;
    style[2] += is_list_item(line) ? 1 : 0;
    style[3] += bold_in(line);
  }
  return style;
}

std::string_view style_name(size_t figure) noexcept {
  constexpr std::string_view kNames[kStyleFigures] = {"length", "headings", "lists", "bold"};
  return figure < kStyleFigures ? kNames[figure] : "";
}

StyleDifference difference(const Style& first, const Style& second) noexcept {
  StyleDifference result{};
  for (size_t i = 0; i < kStyleFigures; ++i) result[i] = (first[i] - second[i]) / (first[i] + second[i] + 1);
  return result;
}

}  // namespace shenbi::arena
