#include "base/utf8.h"

#include <gtest/gtest.h>

namespace shenbi {

TEST(Utf8, replaces_each_maximal_bad_subsequence_once_as_python_does) {
  EXPECT_EQ(sanitize_utf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(sanitize_utf8("\xE4\xB8z"), "\uFFFDz");                    // truncated 3-byte character
  EXPECT_EQ(sanitize_utf8("\xC0\x80"), "\uFFFD\uFFFD");                // overlong NUL
  EXPECT_EQ(sanitize_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");      // surrogate
  EXPECT_EQ(sanitize_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
  EXPECT_EQ(sanitize_utf8("\xF0\x9F\x98"), "\uFFFD");
}

TEST(Utf8, holds_back_only_a_tail_that_can_still_become_a_character) {
  EXPECT_EQ(incomplete_utf8_tail("abc"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("\xE4"), 1u);
  EXPECT_EQ(incomplete_utf8_tail("\xE4\xB8"), 2u);
  EXPECT_EQ(incomplete_utf8_tail("\xE4\xB8\xAD"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("x\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_tail("\xE0\x80"), 0u);  // already invalid
  EXPECT_EQ(incomplete_utf8_tail("\x80\x80\x80\x80"), 0u);
}

TEST(Utf8, every_scalar_value_survives_the_round_trip) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const Utf8Char back = decode_utf8(text, 0);
    ASSERT_TRUE(back.valid);
    ASSERT_EQ(back.code_point, c);
    ASSERT_EQ(back.length, text.size());
  }
}

}  // namespace shenbi
