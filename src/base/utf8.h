#pragma once
// UTF-8 one code point at a time. Invalid input never throws: it decodes as U+FFFD, one for each maximal bad
// subsequence (Unicode 15, section 3.9, the practice that Python and browsers follow).

#include <cstdint>
#include <string>
#include <string_view>

namespace shenbi {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  char32_t code_point;  ///< U+FFFD when `valid` is false
  uint32_t length;      ///< bytes consumed, 1..4 (0 only at the end of the text)
  bool valid;
};

/// Decodes the character that starts at text[offset].
Utf8Char decode_utf8(std::string_view text, size_t offset) noexcept;

/// Appends `code_point`; a surrogate or a value beyond U+10FFFF is written as U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

bool is_valid_utf8(std::string_view text) noexcept;

/// How many bytes at the end of `text` are the beginning of a character that is not complete yet (0..3). What a
/// streaming decoder must hold back.
size_t incomplete_utf8_tail(std::string_view text) noexcept;

/// A copy in which every invalid sequence is replaced by U+FFFD.
std::string sanitize_utf8(std::string_view text);

}  // namespace shenbi
