#include "tokenizers/regex.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/pre_names.h"
#include "tokenizers/word_family.h"

namespace shenbi::tokenizers {
namespace {

using Strings = std::vector<std::string>;

Strings matches(std::string_view pattern, std::string_view text, Regex::Dialect dialect = Regex::Dialect::kOniguruma) {
  const Regex regex = Regex::compile(pattern, dialect);
  Regex::Scanner scan(regex, text);
  Strings out;
  while (const auto match = scan.next()) out.emplace_back(text.substr(match->begin, match->end - match->begin));
  return out;
}

uint64_t steps(std::string_view pattern, std::string_view text) {
  const Regex regex = Regex::compile(pattern);
  Regex::Scanner scan(regex, text);
  while (scan.next()) {
  }
  return scan.steps();
}

Code failure(std::string_view pattern) {
  try {
    Regex::compile(pattern);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("regex"), std::string::npos);
    return error.code();
  }
  return Code::kInternal;
}

std::string repeated(std::string_view unit, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += unit;
  return out;
}

TEST(Regex, takes_the_leftmost_alternative_that_matches_not_the_longest) {
  EXPECT_EQ(matches("a|ab|abc", "abc"), (Strings{"a"}));
  EXPECT_EQ(matches("abc|ab|a", "abcab"), (Strings{"abc", "ab"}));
}

TEST(Regex, gives_back_characters_so_that_the_rest_can_match) {
  EXPECT_EQ(matches("a+ab", "aaab"), (Strings{"aaab"}));
  EXPECT_EQ(matches("\\s+(?!\\S)", "a   b  "), (Strings{"  ", "  "}));
  EXPECT_EQ(matches("a*?b|a", "aaab a"), (Strings{"aaab", "a"}));
  EXPECT_EQ(matches("x{2,3}", "xxxxxxx"), (Strings{"xxx", "xxx"}));
  EXPECT_EQ(matches("(?:ab){2,3}", "ababababab"), (Strings{"ababab", "abab"}));
}

TEST(Regex, possessive_repeats_give_nothing_back) {
  EXPECT_EQ(matches("a++ab", "aaab"), (Strings{}));
  EXPECT_EQ(matches("a?+ab", "aab ab"), (Strings{"aab"}));
  EXPECT_EQ(matches("a{1,2}+b|a", "aaab", Regex::Dialect::kFancyRegex), (Strings{"a", "aab"}));
  EXPECT_EQ(matches("a{1,2}+b|a", "aaab"), (Strings{"aaab"}));  // for Oniguruma a repeat of a repeat
}

TEST(Regex, classes_nest_negate_and_intersect) {
  EXPECT_EQ(matches("[\\p{L}&&[^\\p{Han}]]+", "ab中c"), (Strings{"ab", "c"}));
  EXPECT_EQ(matches("[^\\s\\p{L}\\p{N}]+", "a,b!? 1"), (Strings{",", "!?"}));
  EXPECT_EQ(matches("[a-c\\-\\]]+", "ab-]d"), (Strings{"ab-]"}));
  EXPECT_EQ(matches("[]a]+", "a]b"), (Strings{"a]"}));
  EXPECT_EQ(matches("\\p{^L}\\P{L}", "a12"), (Strings{"12"}));
}

TEST(Regex, ignoring_case_folds_the_long_s) {
  EXPECT_EQ(matches("(?i:'s|'ll)", "'S 'ſ 'Ll 's"), (Strings{"'S", "'ſ", "'Ll", "'s"}));
  EXPECT_EQ(matches("(?i)ab|c", "AB C"), (Strings{"AB"}));
}

TEST(Regex, unicode_white_space_is_white_space) {
  EXPECT_EQ(matches("\\s", "a\u00a0b\u3000c\u0085d\u200be"), (Strings{"\u00a0", "\u3000", "\u0085"}));
}

TEST(Regex, line_anchors_follow_the_dialect) {
  EXPECT_EQ(matches("a$", "a\na").size(), 2u);
  EXPECT_EQ(matches("a$", "a\na", Regex::Dialect::kFancyRegex).size(), 1u);
  EXPECT_EQ(matches("^a", "a\na").size(), 2u);
}

TEST(Regex, empty_matches_cut_but_do_not_repeat) {
  const Regex regex = Regex::compile("(?=(\\d{3})+(?!\\d))");
  Regex::Scanner scan(regex, "1234567");
  EXPECT_EQ(scan.next()->begin, 1u);
  EXPECT_EQ(scan.next()->begin, 4u);
  EXPECT_FALSE(scan.next());
}

TEST(Regex, bad_utf8_counts_as_one_replacement_character_and_keeps_its_bytes) {
  EXPECT_EQ(matches("\\p{L}+|[^\\p{L}]+", "ab\xE4\xBA\xFFz"), (Strings{"ab", "\xE4\xBA\xFF", "z"}));
  EXPECT_EQ(matches("[^a]+b",
                    "\x80\x80\x80\x80\x80"
                    "b"),
            (Strings{"\x80\x80\x80\x80\x80"
                     "b"}));
}

TEST(Regex, names_what_it_does_not_know) {
  for (const char* pattern :
       {"(?<name>a)", "a(?>b)c", "(a)\\1", "(ab)++", "(a*)*", "\\p{Klingon}", "\\G", "(?<=ab)c", "a{1,9999}"}) {
    EXPECT_EQ(failure(pattern), Code::kUnsupported) << pattern;
  }
  for (const char* pattern : {"(a", "a)", "[a", "*a", "[z-a]", "\\p{L", "a{3,1}", "\\x{110000}", "\xFF"}) {
    EXPECT_EQ(failure(pattern), Code::kCorruptFile) << pattern;
  }
  EXPECT_EQ(failure(repeated("(", 100) + repeated(")", 100)), Code::kUnsupported);
  EXPECT_EQ(failure("(?:(?:(?:(?:a?b){1000}){1000}){1000})"), Code::kUnsupported);
}

// Twice the text may take 2.1 times the steps: there is no scan from every position to the end of the text.
TEST(Regex, steps_are_linear_in_adversarial_texts) {
  std::vector<std::string> patterns = {"a+b|a",
                                       "(?:a+b?)+c|a",
                                       "a*a*a*b|a",
                                       "a*?b|a",
                                       "(?:a|aa)+b|a",
                                       "(?:\\p{L}+ ?)+!|.",
                                       "\\d{1,3}(?=(?:\\d{3})*\\b)",
                                       "(?=(\\d{3})+(?!\\d))",
                                       "a++b|a"};
  for (const PreName& name : pre_names()) {
    for (const std::string_view pattern : name.patterns) patterns.emplace_back(pattern);
  }
  for (const std::string& pattern : patterns) {
    for (const std::string_view unit :
         {"a", "A", "1", " ", "\n", "!a", "e\u0301", "\u0301", "人", "!", " a", "\r\n ", "'s", "aA"}) {
      const uint64_t once = steps(pattern, repeated(unit, 1'000)), twice = steps(pattern, repeated(unit, 2'000));
      EXPECT_LE(static_cast<double>(twice), 2.1 * static_cast<double>(once) + 1000) << pattern << " on " << unit;
      EXPECT_LE(once, 1'000 * unit.size() * 400) << pattern << " on " << unit;
    }
  }
}

// The hand-written matchers against the engine, on every short string over an alphabet that has a member of each class.
TEST(WordFamily, gives_the_words_of_the_regex_it_stands_for) {
  const std::string_view alphabet[] = {"a", "s",      "l",  "S",  "ǅ", "ʰ", "人", "\u0301", "1",   "²",
                                       " ", "\u3000", "\n", "\r", "'", "/", "!",  "ſ",      "\xFF"};
  std::vector<std::string> patterns;
  for (const PreName& name : pre_names()) {
    for (const std::string_view pattern : name.patterns) patterns.emplace_back(pattern);
  }
  patterns.emplace_back(
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| "
      "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]"
      "|\\s+(?!\\S)|\\s");
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  size_t families = 0;
  for (const std::string& pattern : patterns) {
    const auto family = find_word_family(pattern);
    if (!family) continue;
    ++families;
    const Regex regex = Regex::compile(pattern, Regex::Dialect::kFancyRegex);
    std::string text;
    const auto check = [&] {
      Regex::Scanner scan(regex, text);
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = next_word(*family, text, begin);
        const auto match = scan.next();
        ASSERT_TRUE(match && match->begin == begin && match->end == end)
            << pattern << " on '" << text << "' at " << begin;
        begin = end;
      }
    };
    for (const auto a : alphabet) {
      for (const auto b : alphabet) {
        for (const auto c : alphabet) {
          for (const auto d : alphabet) {
            text.clear();
            for (const auto part : {a, b, c, d}) text += part;
            check();
            if (HasFatalFailure()) return;
          }
        }
      }
    }
    uint64_t random = 1;
    for (int i = 0; i < 3000; ++i) {
      text.clear();
      for (int j = 0; j < 24; ++j) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text += alphabet[(random >> 33) % std::size(alphabet)];
      }
      check();
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GE(families, 6u);
}

}  // namespace
}  // namespace shenbi::tokenizers
