#include "base/unicode.h"

#include <gtest/gtest.h>

namespace shenbi {

TEST(Unicode, knows_the_classes_that_pre_tokenizers_ask_for) {
  EXPECT_EQ(char_classes(U'A'), kLetterUpper);
  EXPECT_EQ(char_classes(U'中'), kLetterOther | kHan);
  EXPECT_EQ(char_classes(U'9'), kNumber | kDecimalDigit);
  EXPECT_EQ(char_classes(U'²'), kNumber);
  EXPECT_EQ(char_classes(U'。'), kPunctuation);
  EXPECT_EQ(char_classes(U'\u3000'), kWhitespace);
  EXPECT_EQ(char_classes(U'\u00A0'), kWhitespace);
  EXPECT_EQ(char_classes(U'\n'), kControl | kWhitespace);
  EXPECT_EQ(char_classes(U'😀'), kSymbol);
  EXPECT_EQ(char_classes(0x110000), 0);
}

TEST(Unicode, normalises_and_lowers) {
  EXPECT_EQ(normalize("e\u0301", NormalForm::kNfc), "\u00E9");
  EXPECT_EQ(normalize("ﬁＡ", NormalForm::kNfkc), "fiA");
  EXPECT_EQ(to_lower("ÀÉΣA"), "àéσa");
  EXPECT_EQ(to_lower("ΑΣ"), "ας");  // final sigma
}

}  // namespace shenbi
