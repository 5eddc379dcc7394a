#pragma once
// GBNF for answers that must be tool calls, piece by piece. The rules "args-N" (the
// arguments of tools[N]) and "value-N-K" (the K-th property of its schema), as JSON, are the caller's.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_rules.h"
#include "chat/types.h"

namespace shenbi::chat {

/// What stands in front of a call's arguments and behind them.
struct Around {
  std::string before, after;
  std::string rule;  ///< between `before` and the arguments; may be empty
};

/// begin calls end; calls are call (separator call)*, each call being one of the tools with its args-N.
std::string calls_grammar(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                          std::string_view separator, std::string_view end,
                          const std::function<Around(const Tool&)>& around);

/// {"name": "x", "arguments": args-N}, with the family's keys.
Around json_call(const Tool& tool, std::string_view name_key = "name", std::string_view arguments_key = "arguments");

/// How a family writes arguments that are not one JSON object.
struct PairStyle {
  std::string key_before, key_after, separator;
  std::string text_before, text_after;    ///< around a text value
  std::string other_before, other_after;  ///< around any other value
  std::string text_rule;                  ///< a text with its text_after
  std::string other_rule;                 ///< a value that the schema does not describe further
  bool json_values = true;                ///< all values but texts are JSON: value-N-K
  std::string rules;                      ///< that define the two
};
/// The same as calls_grammar for such families: the arguments are the properties of the tool's schema in their order,
/// the optional ones left out or not.
std::string pairs_grammar(const std::vector<Tool>& tools, bool parallel, std::string_view begin,
                          std::string_view separator, std::string_view end,
                          const std::function<Around(const Tool&)>& around, const PairStyle& style);
/// Rules that define "json-value".
std::string json_value_rules();

}  // namespace shenbi::chat
