#pragma once
// The houses' words for why they refuse, and what each means. One table; every entry names whose word it is.

#include <string_view>

#include "base/reason.h"

namespace shenbi::chat {

/// Of a code, a type or a status. Case, '_', '-' and '.' do not matter, nor what stands behind the first '.'.
Reason reason_of_house_word(std::string_view word);

/// Of a number in the field `key` of a house's error ("code", "status_code", "error_code"): each numbers its own way.
Reason reason_of_house_number(std::string_view key, std::string_view number);

/// Of the words themselves, where the house says it in no field.
Reason reason_of_house_message(int status, std::string_view message);

}  // namespace shenbi::chat
