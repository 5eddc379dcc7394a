#include "grammar/pattern.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "grammar/grammar.h"

namespace shenbi::grammar {
namespace {

bool regex_matches(std::string_view pattern, std::string_view text) {
  return Grammar::from_regex(pattern)->matches(text);
}

std::string regex_error(std::string_view pattern) {
  try {
    Grammar::from_regex(pattern);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Regex, the_whole_text_must_match) {
  EXPECT_TRUE(regex_matches("[a-c]+|x{2}", "abc"));
  EXPECT_TRUE(regex_matches("[a-c]+|x{2}", "xx"));
  EXPECT_FALSE(regex_matches("[a-c]+|x{2}", "xxa"));
  EXPECT_TRUE(regex_matches("^(?:a|b)*?$", "abba"));
  EXPECT_TRUE(regex_matches("(?P<year>\\d{4})-(?<month>\\d\\d)", "2024-02"));
}

TEST(Regex, anchors_within_alternatives_hold_only_at_the_ends_of_the_text) {
  EXPECT_TRUE(regex_matches("(^a|b)c", "ac"));
  EXPECT_TRUE(regex_matches("x?(^a|b)c", "bc"));
  EXPECT_FALSE(regex_matches("x?(^a|b)c", "xac"));
  EXPECT_TRUE(regex_matches("x?(^a|b)c", "xbc"));
  EXPECT_FALSE(regex_matches("(a$|b)c", "ac"));
  EXPECT_TRUE(regex_matches("$^", ""));
}

TEST(Regex, classes_mean_what_every_dialect_accepts) {
  EXPECT_TRUE(regex_matches("\\d\\w\\s", "1_ "));
  EXPECT_FALSE(regex_matches("\\d", "\xD9\xA1"));  // ARABIC-INDIC DIGIT ONE: a digit for Python only,
  EXPECT_FALSE(regex_matches("\\D", "\xD9\xA1"));  // no digit for JavaScript only
  EXPECT_FALSE(regex_matches("[^\\w]", "é"));
  EXPECT_TRUE(regex_matches("[^\\w]", "€"));
  EXPECT_FALSE(regex_matches(".", "\n"));
  EXPECT_TRUE(regex_matches("[\\]\\-a-c^]+", "]-b^"));
  EXPECT_TRUE(regex_matches("\\p{Lu}\\P{Lu}\\p{Script=Han}", "Éé神"));
  EXPECT_TRUE(regex_matches("\\x41\\u00e9\\u{1F600}\\uD83D\\uDE00", "Aé😀😀"));
}

TEST(Regex, braces_that_are_no_count_mean_themselves) {
  EXPECT_TRUE(regex_matches("{a}{1", "{a}{1"));
  EXPECT_TRUE(regex_matches("a{2}", "aa"));
}

TEST(Regex, nested_repeats_take_linear_time) {
  EXPECT_FALSE(regex_matches("(a+)+$", std::string(20'000, 'a') + "!"));
  EXPECT_FALSE(regex_matches("(a|a)*(a|a)*(a*)*b", std::string(20'000, 'a')));
  EXPECT_TRUE(regex_matches("((a{0,10}){0,10}){0,10}", std::string(1000, 'a')));
  EXPECT_THROW(regex_matches("((a{0,90}){0,90}){0,90}", std::string(1000, 'a')), Error);  // 729,000 readings
}

TEST(Regex, what_is_not_supported_is_named) {
  EXPECT_EQ(regex_error("a(?=b)"), "regex: pattern 'a(?=b)': look-around assertions at byte 1 are not supported");
  EXPECT_EQ(regex_error("(a)\\1"),
            "regex: pattern '(a)\\1': back references and octal escapes at byte 5 are not supported");
  EXPECT_EQ(regex_error("\\bx"), "regex: pattern '\\bx': word boundaries at byte 0 are not supported");
  EXPECT_EQ(regex_error("(?i)x"), "regex: pattern '(?i)x': flags and other special groups at byte 1 are not supported");
  EXPECT_EQ(regex_error("a*+"), "regex: pattern 'a*+': possessive repeats at byte 2 are not supported");
  EXPECT_EQ(regex_error("a{,3}"),
            "regex: pattern 'a{,3}': repeats without a lower count (write {0,n}) at byte 4 are not supported");
  EXPECT_EQ(regex_error("(a"), "regex: pattern '(a': a '(' without its ')' at byte 2");
  EXPECT_EQ(regex_error("a)"), "regex: pattern 'a)': a ')' without its '(' at byte 1");
  EXPECT_EQ(regex_error("[b-a]"), "regex: pattern '[b-a]': a range that runs backwards at byte 4");
  EXPECT_EQ(regex_error("a{1,1000000}"), "regex: pattern 'a{1,1000000}': a repeat count over 100000 at byte 4");
  EXPECT_EQ(regex_error("a^"), "regex: matches no text at all, or only text nested deeper than 256");
  EXPECT_NE(regex_error(std::string(100'000, '(')), "no error");
  EXPECT_NE(regex_error("(((((a{999}){999}){999}){999})$|b)"), "no error");
}

TEST(Regex, hostile_patterns_end_quickly) {
  std::string many = "[";
  for (char32_t c = 0x4E00; c < 0x9000; c += 2) append_utf8(many, c);
  EXPECT_TRUE(regex_matches(many + "]+", "\xE4\xB8\x80"));
  EXPECT_NE(regex_error("(^|x)" + std::string("((){99999}){99999}")), "");  // copies of nothing
  EXPECT_NE(regex_error("(^|x)((a?){9999}){9999}"), "no error");
}

TEST(TextAutomaton, intersections_and_exclusions_are_exact) {
  const auto automaton = TextAutomaton::of(parse_pattern("a+b", "t"), true, "t") &
                         TextAutomaton::of(Pattern::length(2, 4), false, "t") & TextAutomaton::except({"aab", "ab"});
  for (const char* good : {"xab", "abx", "aaab", "éabé"}) EXPECT_TRUE(automaton.matches(good)) << good;
  for (const char* bad : {"ab", "aab", "b", "xaabx", "aa"}) EXPECT_FALSE(automaton.matches(bad)) << bad;
  EXPECT_FALSE(automaton.empty());
  EXPECT_TRUE((automaton & TextAutomaton::of(Pattern::length(0, 1), false, "t")).empty());
}

TEST(Choices, share_their_beginnings_and_may_be_many) {
  std::vector<std::string> many;
  for (int i = 0; i < 20'000; ++i) many.push_back("choice number " + std::to_string(i));
  const auto grammar = Grammar::from_choices(many);
  EXPECT_TRUE(grammar->matches("choice number 19999"));
  EXPECT_TRUE(grammar->matches("choice number 1"));
  EXPECT_FALSE(grammar->matches("choice number 20000"));
  EXPECT_FALSE(grammar->matches("choice"));
  EXPECT_TRUE(Grammar::from_choices({"", "a"})->matches(""));
  EXPECT_THROW(Grammar::from_choices({}), Error);
}

}  // namespace
}  // namespace shenbi::grammar
