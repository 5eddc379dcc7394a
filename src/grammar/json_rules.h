#pragma once
// JSON as rules: what schemas are made of.
//
// White space is bounded, so that no model can fill an answer with it: one space or nothing behind ':'; behind '{',
// '[',
// ',' and before '}', ']' one space, or one line end with an indent of up to kMaxIndent spaces (or kMaxTabs tabs), or
// nothing. Numbers and their exponents have a bounded number of digits. Strings are any valid JSON string: UTF-8, every
// escape, surrogates only as pairs.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "grammar/rules.h"

namespace shenbi::grammar {

class JsonRules {
 public:
  static constexpr uint32_t kMaxIndent = 64, kMaxTabs = 16;
  static constexpr uint32_t kIntegerDigits = 18;  ///< every such number is an int64
  static constexpr uint32_t kDecimalDigits = 15;  ///< every such number is told apart by a double

  explicit JsonRules(Rules& rules) : rules_(rules) {}

  ExprId space();
  ExprId comma() { return rules_.sequence({rules_.literal(","), space()}); }
  ExprId colon() { return rules_.sequence({rules_.literal(":"), rules_.optional(rules_.literal(" "))}); }

  ExprId character();  ///< one character within a string, escaped or not
  /// One character of the set within a string, escaped only if it must be, and then in the shortest way.
  ExprId encoded(const CodeSet& set);
  ExprId quoted(ExprId content);
  ExprId string() { return quoted(rules_.repeat(character(), 0, kUnbounded)); }

  ExprId integer();
  ExprId number();
  ExprId value();
  ExprId object();
  ExprId array();

  /// Exactly this value, with white space between its parts. Throws Error{kInvalidArgument} for text that is not UTF-8.
  ExprId constant(const nlohmann::ordered_json& value);
  static std::string text_of(std::string_view string);  ///< with quotes

 private:
  RuleId once(std::optional<RuleId>& rule, const char* name, ExprId (JsonRules::*body)());
  ExprId space_body();
  ExprId escape_body();
  ExprId string_body();
  ExprId integer_body();
  ExprId number_body();
  ExprId value_body();
  ExprId object_body();
  ExprId array_body();

  Rules& rules_;
  std::optional<RuleId> space_, escape_, string_, integer_, number_, value_, object_, array_;
  std::map<CodeSet, ExprId> encoded_;
};

}  // namespace shenbi::grammar
