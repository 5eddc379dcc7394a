#include "chat/readers/call_grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace shenbi::chat {
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
  rules += "calls";
  if (!end.empty()) rules += " " + gbnf_literal(end);
  rules += "\ncalls ::= call";
  if (parallel) rules += separator.empty() ? " call*" : fmt::format(" ({} call)*", gbnf_literal(separator));
  rules += "\ncall ::= ";
  for (size_t i = 0; i < tools.size(); ++i) {
    const Around text = around(tools[i]);
    rules += fmt::format("{}{}{} {}-{}", i == 0 ? "" : " | ", gbnf_literal(text.before),
                         text.rule.empty() ? "" : " " + text.rule, inside, i);
    if (!text.after.empty()) rules += " " + gbnf_literal(text.after);
  }
  return rules + "\n";
}

// Keywords that bind a text; a family that writes texts bare has no grammar for them.
void refuse_bounds(const Tool& tool, const std::string& name, const OrderedJson& property) {
  for (const char* keyword : {"pattern", "format", "minLength", "maxLength"}) {
    if (!tool.strict || !property.contains(keyword)) continue;
    throw Error(Code::kUnsupported,
                fmt::format("tools: '{}' of {}: {} cannot be kept to in the form in which this model "
                            "writes texts",
                            name, tool.name, keyword));
  }
}

// The texts that a property may be, if the schema lists them.
std::vector<std::string> listed_texts(const OrderedJson& property) {
  std::vector<std::string> texts;
  if (const auto one = property.find("const"); one != property.end() && one->is_string())
    return {one->get<std::string>()};
  const auto choices = property.find("enum");
  if (choices == property.end() || !choices->is_array()) return {};
  for (const auto& choice : *choices) {
    if (!choice.is_string()) return {};
    texts.push_back(choice.get<std::string>());
  }
  return texts;
}

// The value of a property, with what stands around it. `described` is the caller's rule for its schema as JSON.
std::string value_of(const Tool& tool, const std::string& name, const OrderedJson& property,
                     const std::string& described, const PairStyle& style) {
  const auto other = [&](std::string_view rule) {
    return fmt::format("{} {} {}", gbnf_literal(style.other_before), rule, gbnf_literal(style.other_after));
  };
  if (!property.is_object()) return other(style.other_rule);
  if (const auto texts = listed_texts(property); !texts.empty()) {
    std::string any;
    for (const auto& one : texts) {
      any += (any.empty() ? "" : " | ") + gbnf_literal(style.text_before + one + style.text_after);
    }
    return "(" + any + ")";
  }
  const auto type = property.find("type");
  const std::string kind = type != property.end() && type->is_string() ? type->get<std::string>() : "";
  if (kind == "string") {
    refuse_bounds(tool, name, property);
    return gbnf_literal(style.text_before) + " " + style.text_rule;
  }
  if (style.json_values || kind == "integer" || kind == "number" || kind == "boolean") return other(described);
  if (tool.strict && !property.empty()) {
    throw Error(Code::kUnsupported,
                fmt::format("tools: '{}' of {}: only texts, numbers and booleans can be kept to in the "
                            "form in which this model writes calls",
                            name, tool.name));
  }
  return other(style.other_rule);
}

bool is_required(const OrderedJson& parameters, const std::string& name) {
  const auto required = parameters.find("required");
  return required != parameters.end() && required->is_array() &&
         std::find(required->begin(), required->end(), OrderedJson(name)) != required->end();
}

// Rules pairs-N (nothing written yet), pairs-N-1-first, pairs-N-1-rest, ...: what may follow property i, with and
// without a separator in front of it.
std::string pair_rules(size_t number, const Tool& tool, const PairStyle& style) {
  const std::string rule = fmt::format("pairs-{}", number);
  static const OrderedJson kNone = OrderedJson::object();
  const bool described = tool.parameters.is_object() && tool.parameters.contains("properties") &&
                         tool.parameters["properties"].is_object();
  const OrderedJson& properties = described ? tool.parameters["properties"] : kNone;
  std::string rules = fmt::format("{0} ::= {0}-0-first\n", rule);
  size_t i = 0;
  for (const auto& [name, property] : properties.items()) {
    const std::string pair = gbnf_literal(style.key_before + name + style.key_after) + " " +
                             value_of(tool, name, property, fmt::format("value-{}-{}", number, i), style);
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
  for (size_t i = 0; i < tools.size(); ++i) rules += pair_rules(i, tools[i], style);
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

}  // namespace shenbi::chat
