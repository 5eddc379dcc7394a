#include "cli/columns.h"

#include <gtest/gtest.h>

namespace shenbi::cli {
namespace {

using Lines = std::vector<std::string>;

TEST(Columns, a_chinese_character_takes_two_cells_and_a_combining_mark_none) {
  EXPECT_EQ(cells_of("abc"), 3);
  EXPECT_EQ(cells_of("神笔"), 4);
  EXPECT_EQ(cells_of("e\u0301"), 1);
}

TEST(Columns, lines_break_at_spaces_between_han_characters_and_inside_words_that_are_too_long) {
  EXPECT_EQ(wrapped("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("神笔马良画", 5), (Lines{"神笔", "马良", "画"}));
  EXPECT_EQ(wrapped("abcdefgh", 3), (Lines{"abc", "def", "gh"}));
  EXPECT_EQ(wrapped("a\n\nb", 9), (Lines{"a", "", "b"}));
  EXPECT_EQ(wrapped("", 9), (Lines{""}));
}

TEST(Columns, no_line_is_wider_than_its_column) {
  const std::string text = "The 神笔 draws whatever is real, 画什么就变成真的, andaverylongwordthatfitsnowhere.";
  for (size_t width = 2; width < 30; ++width) {
    for (const std::string& line : wrapped(text, width)) EXPECT_LE(cells_of(line), width) << line;
  }
}

TEST(Columns, stand_side_by_side_with_their_heads_and_feet) {
  EXPECT_EQ(beside({{"a", "one two", "1 s"}, {"b", "神", "2 s"}}, 13),
            "a     | b\n"
            "----- | -----\n"
            "one   | 神\n"
            "two   |\n"
            "      | 2 s\n"
            "1 s   |\n");
}

TEST(Columns, an_answer_cannot_speak_to_the_terminal) {
  EXPECT_EQ(plain_text("a\x1b[31mb\x07\tc\nd\u009b"), "a[31mb    c\nd");
}

}  // namespace
}  // namespace shenbi::cli
