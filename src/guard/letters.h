#pragma once
// Letters of ASCII, as numbers of documents are written; whatever the locale.

namespace shenbi::guard {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace shenbi::guard
