#include "base/unicode.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <map>
#include <vector>

#include "base/error.h"

namespace shenbi {
namespace {

uint16_t classes_from_icu(char32_t c) {
  uint16_t bits = 0;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_UPPERCASE_LETTER: bits = kLetterUpper; break;
    case U_LOWERCASE_LETTER: bits = kLetterLower; break;
    case U_TITLECASE_LETTER: bits = kLetterTitle; break;
    case U_MODIFIER_LETTER: bits = kLetterModifier; break;
    case U_OTHER_LETTER: bits = kLetterOther; break;
    case U_NON_SPACING_MARK: case U_ENCLOSING_MARK: case U_COMBINING_SPACING_MARK: bits = kMark; break;
    case U_DECIMAL_DIGIT_NUMBER: bits = kNumber | kDecimalDigit; break;
    case U_LETTER_NUMBER: case U_OTHER_NUMBER: bits = kNumber; break;
    case U_DASH_PUNCTUATION: case U_START_PUNCTUATION: case U_END_PUNCTUATION: case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION: case U_INITIAL_PUNCTUATION: case U_FINAL_PUNCTUATION: bits = kPunctuation; break;
    case U_MATH_SYMBOL: case U_CURRENCY_SYMBOL: case U_MODIFIER_SYMBOL: case U_OTHER_SYMBOL: bits = kSymbol; break;
    case U_CONTROL_CHAR: case U_FORMAT_CHAR: case U_SURROGATE: case U_PRIVATE_USE_CHAR: case U_UNASSIGNED:
      bits = kControl; break;
    default: break;  // separators: only White_Space below
  }
  if (u_isUWhiteSpace(static_cast<UChar32>(c))) bits |= kWhitespace;
  UErrorCode status = U_ZERO_ERROR;
  if (uscript_getScript(static_cast<UChar32>(c), &status) == USCRIPT_HAN) bits |= kHan;
  return bits;
}

// Two stages: block number of 256 characters -> index of a distinct block. About 250 distinct blocks: 130 KB.
struct ClassTable {
  std::vector<uint16_t> block_of = std::vector<uint16_t>(0x110000 / 256);
  std::vector<uint16_t> classes;

  ClassTable() {
    std::map<std::vector<uint16_t>, uint16_t> known;
    for (char32_t block = 0; block < block_of.size(); ++block) {
      std::vector<uint16_t> content(256);
      for (char32_t i = 0; i < 256; ++i) content[i] = classes_from_icu(block * 256 + i);
      const auto [row, added] = known.try_emplace(content, static_cast<uint16_t>(known.size()));
      if (added) classes.insert(classes.end(), content.begin(), content.end());
      block_of[block] = row->second;
    }
  }
};

const icu::Normalizer2& normalizer(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* found = nullptr;
  switch (form) {
    case NormalForm::kNfc: found = icu::Normalizer2::getNFCInstance(status); break;
    case NormalForm::kNfd: found = icu::Normalizer2::getNFDInstance(status); break;
    case NormalForm::kNfkc: found = icu::Normalizer2::getNFKCInstance(status); break;
    case NormalForm::kNfkd: found = icu::Normalizer2::getNFKDInstance(status); break;
  }
  SHENBI_CHECK(U_SUCCESS(status));
  return *found;
}

icu::StringPiece piece(std::string_view text) { return {text.data(), static_cast<int32_t>(text.size())}; }

}  // namespace

uint16_t char_classes(char32_t code_point) noexcept {
  static const ClassTable table;
  if (code_point > 0x10FFFF) return 0;
  return table.classes[static_cast<size_t>(table.block_of[code_point >> 8]) * 256 + (code_point & 0xFF)];
}

std::string normalize(std::string_view text, NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString in = icu::UnicodeString::fromUTF8(piece(text));
  std::string out;
  normalizer(form).normalize(in, status).toUTF8String(out);
  SHENBI_CHECK(U_SUCCESS(status));
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF8(piece(text)).toLower(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}

}  // namespace shenbi
