#pragma once
// Character properties for tokenizers: general category classes and normal forms, from ICU.

#include <cstdint>
#include <string>
#include <string_view>

namespace shenbi {

/// Bit set of classes; one table look-up a character.
enum CharClass : uint16_t {
  kLetterUpper = 1 << 0,   // Lu
  kLetterLower = 1 << 1,   // Ll
  kLetterTitle = 1 << 2,   // Lt
  kLetterModifier = 1 << 3,  // Lm
  kLetterOther = 1 << 4,   // Lo
  kMark = 1 << 5,          // M
  kNumber = 1 << 6,        // N
  kPunctuation = 1 << 7,   // P
  kSymbol = 1 << 8,        // S
  kWhitespace = 1 << 9,    // White_Space property
  kHan = 1 << 10,          // Script=Han
  kDecimalDigit = 1 << 11,  // Nd
  kControl = 1 << 12,      // Cc, Cf, Cs, Co, Cn
  kLetter = kLetterUpper | kLetterLower | kLetterTitle | kLetterModifier | kLetterOther,
};

/// Classes of a code point; 0 above U+10FFFF. The table (1.1 million entries in two stages) is built at first use. Thread-safe.
uint16_t char_classes(char32_t code_point) noexcept;

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
/// Invalid UTF-8 becomes U+FFFD.
std::string normalize(std::string_view text, NormalForm form);

/// Full Unicode lower-casing, root locale.
std::string to_lower(std::string_view text);

}  // namespace shenbi
