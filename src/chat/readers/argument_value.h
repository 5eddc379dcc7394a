#pragma once
// Arguments that are not written as JSON, made JSON.

#include <optional>
#include <string>
#include <string_view>

#include "chat/types.h"

namespace shenbi::chat {

/// What the schema of a tool says of an argument. kUnknown: nothing, or several things.
enum class ArgumentType { kText, kOther, kUnknown };
ArgumentType argument_type(const Tool* tool, std::string_view name);

/// A value as JSON: as it stands if it is JSON, from Python's form if it is that, else as a string.
std::string json_of_value(std::string_view text, ArgumentType type);

/// Text as it stands inside a JSON string. Bytes beyond ASCII pass unchanged, whole characters or not.
std::string json_escaped(std::string_view text);
std::string json_string(std::string_view text);

/// Whether the text is one JSON value, within the depth that arguments may have.
bool is_json(std::string_view text);

/// A literal of Python (strings, numbers, True, False, None, lists, tuples, dicts) as JSON; nullopt if it is none.
std::optional<std::string> json_of_python(std::string_view text);
/// The arguments of a call, "city='Paris', days=3", as a JSON object.
std::optional<std::string> json_of_python_arguments(std::string_view text);
/// Gemma 4's literals: keys without quotes, strings between <|"|>.
std::optional<std::string> json_of_gemma(std::string_view text);

}  // namespace shenbi::chat
