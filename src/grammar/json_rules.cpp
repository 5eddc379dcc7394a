#include "grammar/json_rules.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace shenbi::grammar {
namespace {

// How JSON writes a character that may not stand for itself; "" for the others.
std::string escape_of(char32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x20 ? fmt::format("\\u{:04x}", static_cast<uint32_t>(c)) : "";
  }
}

const CodeSet& escaped_characters() {
  static const CodeSet set({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
  return set;
}

}  // namespace

// Each rule is declared before its body is made, since bodies refer to each other.
RuleId JsonRules::once(std::optional<RuleId>& rule, const char* name, ExprId (JsonRules::*body)()) {
  if (!rule) {
    rule = rules_.declare(name);
    const RuleId id = *rule;
    rules_.define(id, (this->*body)());
  }
  return *rule;
}

ExprId JsonRules::space() { return rules_.call(once(space_, "space", &JsonRules::space_body)); }
ExprId JsonRules::integer() { return rules_.call(once(integer_, "integer", &JsonRules::integer_body)); }
ExprId JsonRules::number() { return rules_.call(once(number_, "number", &JsonRules::number_body)); }
ExprId JsonRules::value() { return rules_.call(once(value_, "value", &JsonRules::value_body)); }
ExprId JsonRules::object() { return rules_.call(once(object_, "object", &JsonRules::object_body)); }
ExprId JsonRules::array() { return rules_.call(once(array_, "array", &JsonRules::array_body)); }

ExprId JsonRules::space_body() {
  Rules& r = rules_;
  const ExprId indent = r.choice({r.repeat(r.literal(" "), 0, kMaxIndent), r.repeat(r.literal("\t"), 1, kMaxTabs)});
  return r.choice({r.empty(), r.literal(" "), r.sequence({r.literal("\n"), indent})});
}

ExprId JsonRules::escape_body() {
  Rules& r = rules_;
  const auto set = [&](std::vector<CodeSet::Range> ranges) { return r.set(CodeSet(std::move(ranges))); };
  const ExprId hex = set({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
  const ExprId d = r.set(CodeSet::of("Dd"));
  const ExprId plain = r.sequence({set({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}}), hex, hex, hex});
  const ExprId below_surrogates = r.sequence({d, set({{'0', '7'}}), hex, hex});
  const ExprId pair = r.sequence(
      {d, r.set(CodeSet::of("89ABab")), hex, hex, r.literal("\\u"), d, r.set(CodeSet::of("CDEFcdef")), hex, hex});
  const ExprId unicode = r.sequence({r.literal("u"), r.choice({plain, below_surrogates, pair})});
  return r.sequence({r.literal("\\"), r.choice({r.set(CodeSet::of("\"\\/bfnrt")), unicode})});
}

ExprId JsonRules::character() {
  return rules_.choice(
      {rules_.set(~escaped_characters()), rules_.call(once(escape_, "escape", &JsonRules::escape_body))});
}

ExprId JsonRules::encoded(const CodeSet& set) {
  const auto [at, fresh] = encoded_.try_emplace(set, kNoExpr);
  if (!fresh) return at->second;
  std::vector<ExprId> all = {rules_.set(set - escaped_characters())};
  const CodeSet escaped = set & escaped_characters();
  for (const auto& [low, high] : escaped.ranges()) {
    for (char32_t c = low; c <= high; ++c) all.push_back(rules_.literal(escape_of(c)));
  }
  ExprId expr = rules_.choice(std::move(all));
  if (rules_.at(expr).kind == Expr::kChoice) expr = rules_.call(rules_.add("character", expr));
  return encoded_[set] = expr;
}

ExprId JsonRules::quoted(ExprId content) {
  return rules_.sequence({rules_.literal("\""), content, rules_.literal("\"")});
}

ExprId JsonRules::integer_body() {
  Rules& r = rules_;
  const ExprId positive =
      r.sequence({r.set(CodeSet({{'1', '9'}})), r.repeat(r.set(CodeSet({{'0', '9'}})), 0, kIntegerDigits - 1)});
  return r.choice({r.literal("0"), r.sequence({r.optional(r.literal("-")), positive})});
}

ExprId JsonRules::number_body() {
  Rules& r = rules_;
  const ExprId digit = r.set(CodeSet({{'0', '9'}}));
  const ExprId whole =
      r.choice({r.literal("0"), r.sequence({r.set(CodeSet({{'1', '9'}})), r.repeat(digit, 0, kIntegerDigits - 1)})});
  const ExprId fraction = r.sequence({r.literal("."), r.repeat(digit, 1, kIntegerDigits)});
  const ExprId exponent =
      r.sequence({r.set(CodeSet::of("eE")), r.optional(r.set(CodeSet::of("+-"))), r.repeat(digit, 1, 2)});
  return r.sequence({r.optional(r.literal("-")), whole, r.optional(fraction), r.optional(exponent)});
}

ExprId JsonRules::value_body() {
  Rules& r = rules_;
  const ExprId text = r.call(once(string_, "string", &JsonRules::string_body));
  return r.choice({object(), array(), text, number(), r.literal("true"), r.literal("false"), r.literal("null")});
}

ExprId JsonRules::string_body() { return string(); }

ExprId JsonRules::object_body() {
  Rules& r = rules_;
  const ExprId member = r.sequence({r.call(once(string_, "string", &JsonRules::string_body)), colon(), value()});
  const ExprId more = r.repeat(r.sequence({comma(), member}), 0, kUnbounded);
  return r.sequence({r.literal("{"), space(), r.optional(r.sequence({member, more, space()})), r.literal("}")});
}

ExprId JsonRules::array_body() {
  Rules& r = rules_;
  const ExprId more = r.repeat(r.sequence({comma(), value()}), 0, kUnbounded);
  return r.sequence({r.literal("["), space(), r.optional(r.sequence({value(), more, space()})), r.literal("]")});
}

std::string JsonRules::text_of(std::string_view string) {
  if (!is_valid_utf8(string)) throw Error(Code::kInvalidArgument, "schema: a string that is not UTF-8");
  std::string text = "\"";
  for (const char c : string) {
    const std::string escape = static_cast<uint8_t>(c) < 0x80 ? escape_of(static_cast<char32_t>(c)) : "";
    text += escape.empty() ? std::string(1, c) : escape;
  }
  return text + "\"";
}

ExprId JsonRules::constant(const nlohmann::ordered_json& value) {
  Rules& r = rules_;
  if (value.is_string()) return r.literal(text_of(value.get_ref<const std::string&>()));
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    throw Error(Code::kInvalidArgument, "schema: a number that is not finite");
  }
  if (!value.is_structured()) return r.literal(value.dump());
  const bool is_object = value.is_object();
  std::vector<ExprId> parts = {r.literal(is_object ? "{" : "["), space()};
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (item != value.begin()) parts.push_back(comma());
    if (is_object) parts.insert(parts.end(), {r.literal(text_of(item.key())), colon()});
    parts.push_back(constant(*item));
  }
  if (!value.empty()) parts.push_back(space());
  parts.push_back(r.literal(is_object ? "}" : "]"));
  return r.sequence(std::move(parts));
}

}  // namespace shenbi::grammar
