#include "chat/readers/call_grammar.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/utf8.h"

namespace shenbi::chat {
namespace {

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> all;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char one = decode_utf8(text, at);
    all.push_back(one.code_point);
    at += one.length;
  }
  return all;
}

std::string encoded(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

// The longest beginning of `marker` that ends marker[0, matched) + c.
size_t next_state(const std::vector<char32_t>& marker, size_t matched, char32_t c) {
  for (size_t n = matched + 1; n > 0; --n) {
    if (marker[n - 1] != c) continue;
    if (std::equal(marker.begin(), marker.begin() + static_cast<ptrdiff_t>(n - 1),
                   marker.begin() + static_cast<ptrdiff_t>(matched + 1 - n))) {
      return n;
    }
  }
  return 0;
}

}  // namespace

std::string gbnf_literal(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string calls_grammar(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                          std::string_view separator, std::string_view end,
                          const std::function<Around(const Tool&)>& around) {
  std::string rules = "root ::= ";
  if (!begin.empty()) rules += gbnf_literal(begin) + " ";
  rules += "call";
  if (parallel) rules += separator.empty() ? " call*" : fmt::format(" ({} call)*", gbnf_literal(separator));
  if (!end.empty()) rules += " " + gbnf_literal(end);
  rules += "\ncall ::= ";
  for (size_t i = 0; i < tools.size(); ++i) {
    const Around text = around(tools[i]);
    rules += fmt::format("{}{} args-{}", i == 0 ? "" : " | ", gbnf_literal(text.before), i);
    if (!text.after.empty()) rules += " " + gbnf_literal(text.after);
  }
  return rules + "\n";
}

Around json_call(const Tool& tool, std::string_view name_key, std::string_view arguments_key) {
  const std::string name = nlohmann::json(tool.name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return {fmt::format("{{\"{}\": {}, \"{}\": ", name_key, name, arguments_key), "}"};
}

std::string text_until(std::string_view rule, std::string_view marker) {
  const std::vector<char32_t> points = code_points(marker);
  const std::set<char32_t> alphabet(points.begin(), points.end());
  std::string others;
  for (const char32_t c : alphabet) {
    if (c == ']' || c == '\\' || c == '^' || c == '-') others += '\\';
    others += c == '\n' ? "\\n" : encoded(c);
  }
  const auto name = [&](size_t state) { return state == 0 ? std::string(rule) : fmt::format("{}-{}", rule, state); };
  std::string rules;
  for (size_t state = 0; state < points.size(); ++state) {
    rules += fmt::format("{} ::= [^{}] {}", name(state), others, name(0));
    for (const char32_t c : alphabet) {
      const size_t next = next_state(points, state, c);
      rules += fmt::format(" | {}", gbnf_literal(encoded(c)));
      if (next < points.size()) rules += " " + name(next);
    }
    rules += "\n";
  }
  return rules;
}

}  // namespace shenbi::chat
