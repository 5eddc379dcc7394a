// zh    at least three of ten letters are Han
// en    at least nine of ten letters are of the Latin alphabet of ASCII
// code  a fence, or a word of kCode
// math  a formula in TeX, a word of kMath, or two figures with an operator between them
// long  more than 1,500 characters
//
// Letters of the question count, its code in fences not. Words of ASCII count whole, others anywhere.

#include "arena/category.h"

#include <algorithm>
#include <cstdint>

#include "base/unicode.h"
#include "base/utf8.h"

namespace shenbi::arena {
namespace {

constexpr size_t kLongCharacters = 1500;

constexpr std::string_view kCode[] = {
    "code",  "function", "bug",  "compile", "compiler", "python", "javascript", "typescript", "java",       "rust",
    "c++",   "sql",      "html", "css",     "regex",    "api",    "algorithm",  "script",     "stacktrace", "git",
    "debug", "代码",     "函数", "编程",    "程序",     "报错",   "算法",       "脚本",       "编译",       "正则"};
constexpr std::string_view kMath[] = {"prove",     "equation", "integral", "derivative", "theorem", "probability",
                                      "calculate", "solve",    "matrix",   "证明",       "方程",    "积分",
                                      "导数",      "概率",     "求解",     "计算",       "矩阵",    "定理"};
constexpr std::string_view kTex[] = {"\\frac", "\\int", "\\sum", "\\sqrt", "\\begin{", "$$"};

struct Letters {
  size_t all = 0, han = 0, latin = 0;
};

Letters letters_of(std::string_view text) {
  Letters letters;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    const uint16_t classes = char_classes(c.code_point);
    if ((classes & kLetter) == 0) continue;
    ++letters.all;
    letters.han += (classes & kHan) != 0 ? 1 : 0;
    letters.latin += c.code_point < 0x80 ? 1 : 0;
  }
  return letters;
}

bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+'; }

bool has_word(std::string_view text, std::string_view word) {
  const bool ascii = static_cast<unsigned char>(word[0]) < 0x80;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool alone = (at == 0 || !is_word_byte(text[at - 1])) &&
                       (at + word.size() == text.size() || !is_word_byte(text[at + word.size()]));
    if (!ascii || alone) return true;
  }
  return false;
}

template <size_t N>
bool has_any(std::string_view text, const std::string_view (&words)[N]) {
  return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) { return has_word(text, word); });
}

bool has_tex(std::string_view text) {
  return std::any_of(std::begin(kTex), std::end(kTex),
                     [&](std::string_view mark) { return text.find(mark) != text.npos; });
}

// "12 * 7", "3+4": a figure, an operator, a figure. A dash is a date or a range too often.
bool has_sum(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '+' && text[i] != '*' && text[i] != '^') continue;
    size_t left = i, right = i + 1;
    while (left > 0 && text[left - 1] == ' ') --left;
    while (right < text.size() && text[right] == ' ') ++right;
    if (left > 0 && right < text.size() && digit(text[left - 1]) && digit(text[right])) return true;
  }
  return false;
}

// The question without its code, and whether it had some.
std::pair<std::string, bool> without_fences(std::string_view question) {
  std::string rest;
  bool any = false;
  size_t at = 0;
  while (true) {
    const size_t fence = question.find("```", at);
    rest += question.substr(at, fence - at);
    if (fence == question.npos) return {rest, any};
    any = true;
    const size_t end = question.find("```", fence + 3);
    if (end == question.npos) return {rest, any};
    at = end + 3;
  }
}

size_t characters_in(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

const std::vector<std::string_view>& categories() {
  static const std::vector<std::string_view> all = {"zh", "en", "code", "math", "long"};
  return all;
}

std::vector<std::string> categories_of(std::string_view question) {
  const auto [text, fenced] = without_fences(question);
  const Letters letters = letters_of(text);
  const std::string lower = to_lower(text);
  std::vector<std::string> found;
  if (letters.han > 0 && letters.han * 10 >= letters.all * 3) found.emplace_back("zh");
  if (letters.all > 0 && letters.latin * 10 >= letters.all * 9) found.emplace_back("en");
  if (fenced || has_any(lower, kCode)) found.emplace_back("code");
  if (has_tex(text) || has_sum(lower) || has_any(lower, kMath)) found.emplace_back("math");
  if (characters_in(question) > kLongCharacters) found.emplace_back("long");
  return found;
}

}  // namespace shenbi::arena
