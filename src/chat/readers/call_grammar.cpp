#include "chat/readers/call_grammar.h"

#include <fmt/format.h>

#include <algorithm>
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

namespace {

std::string frame_rules(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                        std::string_view separator, std::string_view end,
                        const std::function<Around(const Tool&)>& around, std::string_view inside) {
  std::string rules = "root ::= ";
  if (!begin.empty()) rules += gbnf_literal(begin) + " ";
  rules += "call";
  if (parallel) rules += separator.empty() ? " call*" : fmt::format(" ({} call)*", gbnf_literal(separator));
  if (!end.empty()) rules += " " + gbnf_literal(end);
  rules += "\ncall ::= ";
  for (size_t i = 0; i < tools.size(); ++i) {
    const Around text = around(tools[i]);
    rules += fmt::format("{}{}{} {}-{}", i == 0 ? "" : " | ", gbnf_literal(text.before),
                         text.rule.empty() ? "" : " " + text.rule, inside, i);
    if (!text.after.empty()) rules += " " + gbnf_literal(text.after);
  }
  return rules + "\n";
}

// The value of a property, with what stands around it.
std::string value_of(const OrderedJson& property, const PairStyle& style) {
  const auto other = [&](std::string_view rule) {
    return fmt::format("{} {} {}", gbnf_literal(style.other_before), rule, gbnf_literal(style.other_after));
  };
  if (!property.is_object()) return other(style.other_rule);
  const auto choices = property.find("enum");
  if (choices != property.end() && choices->is_array() && !choices->empty() &&
      std::all_of(choices->begin(), choices->end(), [](const auto& one) { return one.is_string(); })) {
    std::string any;
    for (const auto& one : *choices) {
      any += (any.empty() ? "" : " | ") + gbnf_literal(style.text_before + one.get<std::string>() + style.text_after);
    }
    return "(" + any + ")";
  }
  const auto type = property.find("type");
  const std::string kind = type != property.end() && type->is_string() ? type->get<std::string>() : "";
  if (kind == "string") return gbnf_literal(style.text_before) + " " + style.text_rule;
  if (kind == "integer") return other("json-integer");
  if (kind == "number") return other("json-number");
  if (kind == "boolean") return other("json-boolean");
  return other(style.other_rule);
}

bool is_required(const OrderedJson& parameters, const std::string& name) {
  const auto required = parameters.find("required");
  return required != parameters.end() && required->is_array() &&
         std::find(required->begin(), required->end(), OrderedJson(name)) != required->end();
}

// Rules RULE (nothing written yet), RULE-1-first, RULE-1-rest, ...: what may follow property i, with and without a
// separator in front of it.
std::string pair_rules(const std::string& rule, const Tool& tool, const PairStyle& style) {
  static const OrderedJson kNone = OrderedJson::object();
  const bool described = tool.parameters.is_object() && tool.parameters.contains("properties") &&
                         tool.parameters["properties"].is_object();
  const OrderedJson& properties = described ? tool.parameters["properties"] : kNone;
  std::string rules = fmt::format("{0} ::= {0}-0-first\n", rule);
  size_t i = 0;
  for (const auto& [name, property] : properties.items()) {
    const std::string pair = gbnf_literal(style.key_before + name + style.key_after) + " " + value_of(property, style);
    const bool required = is_required(tool.parameters, name);
    rules += fmt::format("{0}-{1}-first ::= {2} {0}-{3}-rest", rule, i, pair, i + 1);
    rules += required ? "\n" : fmt::format(" | {}-{}-first\n", rule, i + 1);
    const std::string separator = style.separator.empty() ? "" : gbnf_literal(style.separator) + " ";
    rules += fmt::format("{0}-{1}-rest ::= {2}{3} {0}-{4}-rest", rule, i, separator, pair, i + 1);
    rules += required ? "\n" : fmt::format(" | {}-{}-rest\n", rule, i + 1);
    ++i;
  }
  return rules + fmt::format("{0}-{1}-first ::= \"\"\n{0}-{1}-rest ::= \"\"\n", rule, i);
}

}  // namespace

std::string calls_grammar(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                          std::string_view separator, std::string_view end,
                          const std::function<Around(const Tool&)>& around) {
  return frame_rules(tools, parallel, begin, separator, end, around, "args");
}

std::string pairs_grammar(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                          std::string_view separator, std::string_view end,
                          const std::function<Around(const Tool&)>& around, const PairStyle& style) {
  std::string rules = frame_rules(tools, parallel, begin, separator, end, around, "pairs");
  for (size_t i = 0; i < tools.size(); ++i) rules += pair_rules(fmt::format("pairs-{}", i), tools[i], style);
  return rules + json_value_rules() + style.rules;
}

std::string json_value_rules() {
  return R"GBNF(json-value ::= json-object | json-array | json-string | json-number | json-boolean | "null"
json-object ::= "{" json-space (json-pair ("," json-space json-pair)*)? "}"
json-pair ::= json-string ":" json-space json-value json-space
json-array ::= "[" json-space (json-value json-space ("," json-space json-value json-space)*)? "]"
json-string ::= "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
json-integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
json-number ::= json-integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
json-boolean ::= "true" | "false"
json-space ::= " "?
)GBNF";
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
