#include "arena/style.h"

#include <gtest/gtest.h>

#include "arena/category.h"

namespace shenbi::arena {
namespace {

TEST(Style, counts_words_headings_lists_and_bold) {
  EXPECT_EQ(style_of("# A title\n\nSome **bold** and __more__ words.\n- one\n2. two\n"), (Style{10, 1, 2, 2}));
  EXPECT_EQ(style_of("神笔 draws"), (Style{3, 0, 0, 0}));
  EXPECT_EQ(style_of(""), (Style{0, 0, 0, 0}));
}

TEST(Style, what_stands_in_a_fence_counts_as_words_alone) {
  EXPECT_EQ(style_of("```sh\n# no heading\n- no item **b**\n```\n- item"), (Style{6, 0, 1, 0}));
}

TEST(Style, a_difference_changes_its_sign_with_the_places) {
  const StyleDifference d = difference({9, 0, 4, 1}, {0, 0, 2, 3});
  EXPECT_EQ(d, (StyleDifference{0.9, 0, 2.0 / 7, -0.4}));
  const StyleDifference turned = difference({0, 0, 2, 3}, {9, 0, 4, 1});
  for (size_t i = 0; i < kStyleFigures; ++i) EXPECT_EQ(turned[i], -d[i]);
}

using Names = std::vector<std::string>;

TEST(Category, follows_the_letters_and_the_words_of_the_question) {
  EXPECT_EQ(categories_of("Who was Ma Liang?"), Names{"en"});
  EXPECT_EQ(categories_of("神笔马良是谁？"), Names{"zh"});
  EXPECT_EQ(categories_of("用 Python 写一个函数"), (Names{"zh", "code"}));
  EXPECT_EQ(categories_of("What is 12 * 7?"), (Names{"en", "math"}));
  EXPECT_EQ(categories_of("Solve $$x^2 = 4$$"), (Names{"en", "math"}));
  EXPECT_EQ(categories_of("Fix this:\n```\nint mian() {}\n```"), (Names{"en", "code"}));
  EXPECT_EQ(categories_of("ありがとう"), Names{});
  EXPECT_EQ(categories_of("42?"), Names{});
}

TEST(Category, a_word_counts_only_whole) {
  EXPECT_EQ(categories_of("Where is the capital of Algeria, and who decodes it?"), Names{"en"});
  EXPECT_EQ(categories_of("A class in C++?"), (Names{"en", "code"}));
}

TEST(Category, long_questions_are_counted_by_characters_and_not_by_bytes) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += "神";
  EXPECT_EQ(categories_of(text), Names{"zh"});
  EXPECT_EQ(categories_of(text + "笔"), (Names{"zh", "long"}));
}

}  // namespace
}  // namespace shenbi::arena
