#include <gtest/gtest.h>

#include "base/error.h"
#include "grammar/grammar.h"

namespace shenbi::grammar {
namespace {

bool gbnf_matches(std::string_view grammar, std::string_view text) {
  return Grammar::from_gbnf(grammar)->matches(text);
}

std::string gbnf_error(std::string_view grammar) {
  try {
    Grammar::from_gbnf(grammar);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Gbnf, literals_classes_groups_and_repeats_mean_what_llama_cpp_documents) {
  const std::string grammar = "root ::= (\"a\" | [0-9]+ # digits\n | other){2,3} \"!\"?\nother ::= [^a-z0-9!] .\n";
  for (const char* good : {"aa", "a12!", "12", "aaa!", "?xa", "é€a"}) EXPECT_TRUE(gbnf_matches(grammar, good)) << good;
  for (const char* bad : {"a", "", "a!", "aaaa", "xa", "a!!", "?a"}) EXPECT_FALSE(gbnf_matches(grammar, bad)) << bad;
}

TEST(Gbnf, escapes_name_characters) {
  EXPECT_TRUE(
      gbnf_matches(R"(root ::= "\x41\u00e4\U0001F600\n\t\"\\" [\]\-\^])", "A\xC3\xA4\xF0\x9F\x98\x80\n\t\"\\]"));
}

TEST(Gbnf, classes_beyond_ascii_take_whole_characters_only) {
  const std::string grammar = "root ::= [^\"]*";
  EXPECT_TRUE(gbnf_matches(grammar, "神笔 \xF0\x9F\x98\x80"));
  EXPECT_FALSE(gbnf_matches(grammar, "\x80"));
  EXPECT_FALSE(gbnf_matches(grammar, "\xC3"));
  EXPECT_FALSE(gbnf_matches(grammar, "\xED\xA0\x80"));  // a surrogate
  EXPECT_FALSE(gbnf_matches(grammar, "\xC0\x80"));      // overlong
}

TEST(Gbnf, a_rule_ends_at_its_line_unless_a_bar_continues_it) {
  EXPECT_TRUE(gbnf_matches("root ::=\n  \"a\" |\n \"b\"\n  | \"c\"\n", "c"));
  EXPECT_TRUE(gbnf_matches("root ::= (\n\"a\"\n\"b\"\n)\n", "ab"));
}

TEST(Gbnf, left_recursion_works_directly_and_through_other_rules) {
  const std::string sum =
      "root ::= root \"+\" term | term\nterm ::= term \"*\" factor | factor\n"
      "factor ::= [0-9]+ | \"(\" root \")\"\n";
  for (const char* good : {"1", "1+2", "1*2+3*(4+5)*6", "((1))"}) EXPECT_TRUE(gbnf_matches(sum, good)) << good;
  for (const char* bad : {"", "+", "1+", "(1", "1++2"}) EXPECT_FALSE(gbnf_matches(sum, bad)) << bad;
  std::string long_sum = "1";
  for (int i = 0; i < 5000; ++i) long_sum += "+1";
  EXPECT_TRUE(gbnf_matches(sum, long_sum));

  const std::string indirect = "root ::= a\na ::= b \"x\" | \"1\"\nb ::= a \"y\" | c\nc ::= b \"z\" | \"2\"\n";
  for (const char* good : {"1", "1yx", "2x", "2zx", "2zzxyzx"}) EXPECT_TRUE(gbnf_matches(indirect, good)) << good;
  for (const char* bad : {"2", "1y", "1x", "2zxy"}) EXPECT_FALSE(gbnf_matches(indirect, bad)) << bad;
}

TEST(Gbnf, left_recursion_with_empty_alternatives_works) {
  EXPECT_TRUE(gbnf_matches("root ::= root \"a\" | \"\"\n", "aaa"));
  EXPECT_TRUE(gbnf_matches("root ::= root \"a\" | \"\"\n", ""));
  EXPECT_TRUE(gbnf_matches("root ::= root | \"a\"\n", "a"));
}

TEST(Gbnf, left_recursion_behind_something_empty_is_refused_by_name) {
  EXPECT_EQ(gbnf_error("root ::= sign root \"x\" | \"y\"\nsign ::= \"-\"?\n"),
            "gbnf: left recursion behind something that may be empty, in 'root'");
}

TEST(Gbnf, ambiguous_grammars_cost_no_more_than_their_distinct_readings) {
  const auto grammar = Grammar::from_gbnf("root ::= root root | \"a\" | a\na ::= [ab]\n");
  EXPECT_TRUE(grammar->matches(std::string(200, 'a')));
  EXPECT_FALSE(grammar->matches(std::string(200, 'a') + "c"));
  const auto stars = Grammar::from_gbnf("root ::= (([a-z]*)*)* (\"a\"? \"a\"?){0,30} \"!\"\n");
  EXPECT_TRUE(stars->matches(std::string(1000, 'a') + "!"));
}

TEST(Gbnf, errors_name_line_and_rule) {
  EXPECT_EQ(gbnf_error("root ::= x\n"), "gbnf: line 1: rule 'x' is used but not defined");
  EXPECT_EQ(gbnf_error("x ::= \"a\"\n"), "gbnf: no rule 'root'");
  EXPECT_EQ(gbnf_error("root ::= \"a\"\n\nroot ::= \"b\"\n"), "gbnf: line 3: rule 'root' is defined twice");
  EXPECT_EQ(gbnf_error("root ::= \"a"), "gbnf: line 1: the text ends inside a text");
  EXPECT_EQ(gbnf_error("root ::= [a"), "gbnf: line 1: the text ends inside a character class");
  EXPECT_EQ(gbnf_error("root ::= \"a\"{3,2}"), "gbnf: line 1: repeat {3,2} counts down");
  EXPECT_EQ(gbnf_error("root ::= <think>"), "gbnf: line 1: token terminals <...>");
  EXPECT_EQ(gbnf_error("root ::= \"a\" )"), "gbnf: line 1: unexpected ')'");
  EXPECT_EQ(gbnf_error("root ::= \"x\" root"), "gbnf: matches no text at all, or only text nested deeper than 256");
}

TEST(Gbnf, huge_repeats_are_refused_before_they_cost_memory) {
  EXPECT_EQ(gbnf_error("root ::= \"a\"{1,1000000}"), "gbnf: line 1: repeat count over 100000");
  EXPECT_EQ(gbnf_error("root ::= (\"ab\"{1,90000} \"c\"{90000}){4}  x\nx ::= \"ab\"{90000}\n"),
            "grammar: needs more than 262144 automaton states (large repeat counts and long lists of alternatives cost "
            "most)");
  std::string nested = "\"a\"";
  for (int i = 0; i < 90; ++i) nested = "(" + nested + "){2,3}";
  EXPECT_TRUE(gbnf_matches("root ::= (" + nested + ")? \"!\"", "!"));  // 3^90 copies in theory
  EXPECT_NE(gbnf_error("root ::= " + std::string(100'000, '(')), "no error");
}

TEST(Gbnf, depth_is_bounded_without_dead_ends) {
  const auto grammar = Grammar::from_gbnf("root ::= \"(\" root \")\" root2 | \"\"\nroot2 ::= \"\"\n");
  const auto nested = [](size_t depth) { return std::string(depth, '(') + std::string(depth, ')'); };
  EXPECT_TRUE(grammar->matches(nested(200)));
  EXPECT_FALSE(grammar->matches(nested(300)));
}

}  // namespace
}  // namespace shenbi::grammar
