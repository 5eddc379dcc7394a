#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/automaton.h"
#include "grammar/grammar.h"
#include "grammar/grammar_cache.h"
#include "grammar/vocabulary.h"

namespace shenbi::grammar {
namespace {

using tokenizers::EncodeOptions;
using tokenizers::TokenKind;

/// A vocabulary of given byte strings; the first is a control token, the second unused.
class ListTokenizer : public tokenizers::Tokenizer {
 public:
  explicit ListTokenizer(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  std::vector<int32_t> encode(std::string_view, const EncodeOptions&) const override { return {}; }
  std::vector<size_t> find_special(std::string_view) const override { return {}; }
  std::string decode(const std::vector<int32_t>&, bool) const override { return {}; }
  size_t vocab_size() const noexcept override { return tokens_.size(); }
  std::string token_bytes(int32_t id) const override { return tokens_.at(static_cast<size_t>(id)); }
  std::string token_text(int32_t id) const override { return token_bytes(id); }
  TokenKind token_kind(int32_t id) const noexcept override {
    return id == 0 ? TokenKind::kControl : id == 1 ? TokenKind::kUnused : TokenKind::kNormal;
  }
  std::optional<int32_t> find_token(std::string_view) const override { return std::nullopt; }

 private:
  std::vector<std::string> tokens_;
};

/// End token 0, unused 1, all bytes, then `more`.
std::shared_ptr<const TokenVocabulary> vocabulary_with(const std::vector<std::string>& more) {
  std::vector<std::string> tokens = {"<end>", "<unused>"};
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  tokens.insert(tokens.end(), more.begin(), more.end());
  return TokenVocabulary::make(ListTokenizer(tokens), tokens.size(), {0});
}

std::vector<std::string> allowed_tokens(Matcher& matcher, const TokenVocabulary& vocabulary) {
  const auto& trie = vocabulary.trie();
  std::vector<uint64_t> mask((trie.vocab_size + 63) / 64);
  matcher.allowed(mask);
  std::vector<std::string> tokens;
  for (size_t i = 0; i < trie.vocab_size; ++i) {
    if ((mask[i / 64] >> (i % 64)) & 1) tokens.emplace_back(i == 0 ? "<end>" : trie.bytes_of(static_cast<int32_t>(i)));
  }
  return tokens;
}

using Tokens = std::vector<std::string>;

TEST(Matcher, allows_what_continues_the_sentence_and_the_end_only_when_it_is_whole) {
  const auto vocabulary = vocabulary_with({"ab", "abc", "b!", "ba", "<end>"});
  Matcher matcher(Grammar::from_gbnf("root ::= \"a\" \"b\"+ \"!\"?"), vocabulary);
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), (Tokens{"a", "ab"}));
  EXPECT_FALSE(matcher.can_end());
  EXPECT_EQ(matcher.forced_text(), "ab");
  ASSERT_TRUE(matcher.accept_text("ab"));
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), (Tokens{"<end>", "!", "b", "b!"}));
  EXPECT_TRUE(matcher.can_end());
  EXPECT_FALSE(matcher.must_end());
  EXPECT_EQ(matcher.forced_text(), "");
  ASSERT_TRUE(matcher.accept(2 + '!'));
  EXPECT_TRUE(matcher.must_end());
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), (Tokens{"<end>"}));
  ASSERT_TRUE(matcher.accept(0));
  EXPECT_TRUE(matcher.can_end() && matcher.must_end());
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), Tokens{});
  EXPECT_FALSE(matcher.accept(0));
}

TEST(Matcher, a_refused_token_changes_nothing) {
  const auto vocabulary = vocabulary_with({"ax"});
  Matcher matcher(Grammar::from_gbnf("root ::= \"ab\""), vocabulary);
  for (const int32_t refused : {0, 1, 2 + 'b', 258, 9999, -1}) EXPECT_FALSE(matcher.accept(refused)) << refused;
  EXPECT_FALSE(matcher.accept_text("ax"));
  EXPECT_TRUE(matcher.accept_text("ab"));
}

TEST(Matcher, characters_may_be_cut_across_tokens) {
  const auto vocabulary = vocabulary_with({"\xE7\xA5", "\x9E\xE7", "\xA5"});
  Matcher matcher(Grammar::from_gbnf("root ::= [神笔]+"), vocabulary);
  ASSERT_TRUE(matcher.accept_text("\xE7\xA5"));
  EXPECT_FALSE(matcher.can_end());
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), (Tokens{"\x9E", "\x9E\xE7"}));
}

TEST(Matcher, forced_text_never_ends_inside_a_character) {
  const auto vocabulary = vocabulary_with({});
  EXPECT_EQ(Matcher(Grammar::from_gbnf("root ::= \"aé\" | \"aè\""), vocabulary).forced_text(), "a");
  EXPECT_EQ(Matcher(Grammar::from_gbnf("root ::= \"é\"+"), vocabulary).forced_text(), "é");
}

TEST(Matcher, equal_bytes_are_allowed_under_every_id) {
  const auto vocabulary = vocabulary_with({"a", "aa", "aa"});
  Matcher matcher(Grammar::from_gbnf("root ::= \"a\"+"), vocabulary);
  EXPECT_EQ(allowed_tokens(matcher, *vocabulary), (Tokens{"a", "a", "aa", "aa"}));
}

// What the mask says must be what reading the token says, whether found cold, from the cache, beside other readings,
// near a counted repeat's end or near the bound of depth.
void expect_masks_agree_with_reading(const std::string& gbnf, size_t steps, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> more;
  const std::string letters = "abc\"{}[],:01 \\ué神";
  for (int i = 0; i < 3000; ++i) {
    std::string token;
    const size_t begin = random() % letters.size();
    for (size_t k = 0; k < 2 + random() % 4; ++k) token += letters[(begin + random() % 9) % letters.size()];
    more.push_back(token);
  }
  const auto vocabulary = vocabulary_with(more);
  const auto grammar = Grammar::from_gbnf(gbnf);
  const auto& trie = vocabulary->trie();
  Matcher matcher(grammar, vocabulary);
  std::vector<uint64_t> mask((trie.vocab_size + 63) / 64);
  Machine machine(grammar->program());
  PlaceId place = machine.start();
  for (size_t step = 0; step < steps; ++step) {
    matcher.allowed(mask);
    std::vector<int32_t> allowed;
    for (int32_t id = 0; static_cast<size_t>(id) < trie.vocab_size; ++id) {
      const std::string_view bytes = trie.bytes_of(id);
      const bool reads = id == 0 ? machine.can_end(place) : !bytes.empty() && machine.step(place, bytes) != 0;
      ASSERT_EQ(((mask[static_cast<size_t>(id) / 64] >> (id % 64)) & 1) != 0, reads) << gbnf << " token " << bytes;
      if (reads && id != 0) allowed.push_back(id);
    }
    if (allowed.empty()) break;
    const int32_t token = allowed[random() % allowed.size()];
    ASSERT_TRUE(matcher.accept(token));
    place = machine.step(place, trie.bytes_of(token));
  }
}

TEST(Matcher, masks_agree_with_reading_each_token) {
  const std::string json =
      "value ::= string | \"[\" (value (\",\" value)*)? \"]\" | \"{\" (string \":\" value)? \"}\"\n"
      "string ::= \"\\\"\" char* \"\\\"\"\nchar ::= [^\"\\\\\\x00-\\x1F] | \"\\\\\" [\"\\\\u]\n";
  expect_masks_agree_with_reading("root ::= value\n" + json, 60, 1);
  expect_masks_agree_with_reading("root ::= \"a\" string \",\" string \"]\" | \"a\" string \"}\"\n" + json, 30, 2);
  expect_masks_agree_with_reading("root ::= [^\"]{0,40} \"\\\"\"\n", 40, 3);
  expect_masks_agree_with_reading("root ::= ([^\"]{8,12} \"\\\"\"){20,40}\n", 60, 4);
  expect_masks_agree_with_reading("root ::= \"[\" root* \"]\" | [a-z]{3}\n", 60, 5);
  std::string many = "root ::= r0";
  for (int i = 1; i < 20; ++i) many += " | r" + std::to_string(i);
  many += "\n";
  for (int i = 0; i < 20; ++i) many += "r" + std::to_string(i) + " ::= [^\"] * \"" + std::string(1, 'a' + i) + "\"\n";
  expect_masks_agree_with_reading(many, 20, 6);
}

TEST(Matcher, masks_agree_with_reading_at_the_bound_of_depth) {
  const std::string grammar = "root ::= \"[\" root \"]\" | char*\nchar ::= [^\"\\\\\\[\\]] | \"{\" char \"}\"\n";
  const auto vocabulary = vocabulary_with({"[[", "[a", "a]", "{{", "a}}]"});
  const auto compiled = Grammar::from_gbnf(grammar);
  Machine machine(compiled->program());
  Matcher matcher(compiled, vocabulary);
  PlaceId place = machine.start();
  std::vector<uint64_t> mask((vocabulary->trie().vocab_size + 63) / 64);
  for (int depth = 0; depth < 400; ++depth) {
    matcher.allowed(mask);
    for (int32_t id = 1; static_cast<size_t>(id) < vocabulary->trie().vocab_size; ++id) {
      const std::string_view bytes = vocabulary->trie().bytes_of(id);
      const bool reads = !bytes.empty() && machine.step(place, bytes) != 0;
      ASSERT_EQ(((mask[static_cast<size_t>(id) / 64] >> (id % 64)) & 1) != 0, reads) << depth << bytes;
    }
    if (!matcher.accept_text("[")) {
      EXPECT_GT(depth, 250);
      break;
    }
    place = machine.step(place, "[");
  }
  EXPECT_TRUE(matcher.accept_text("]]"));
}

TEST(Matcher, masks_of_equal_rules_are_shared_between_grammars) {
  const auto vocabulary = vocabulary_with({});
  const std::string string = "string ::= \"\\\"\" [^\"]* \"\\\"\"\n";
  std::vector<uint64_t> mask((vocabulary->trie().vocab_size + 63) / 64);
  Matcher one(Grammar::from_gbnf("root ::= \"a\" string \"b\"\n" + string), vocabulary);
  ASSERT_TRUE(one.accept_text("a\""));
  one.allowed(mask);
  const size_t before = vocabulary->trie().masks.bytes();
  Matcher other(Grammar::from_gbnf("root ::= (\"x\" string \"y\"){2,3}\n" + string), vocabulary);
  ASSERT_TRUE(other.accept_text("x\""));
  other.allowed(mask);
  EXPECT_LT(vocabulary->trie().masks.bytes() - before,
            512u);  // only the mask of the whole place: 8 words and its entry
}

TEST(Matcher, matchers_of_one_grammar_may_run_on_many_threads) {
  const auto vocabulary = vocabulary_with({"ab", "\",\"", "a\""});
  const auto grammar = Grammar::any_json_object();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<uint64_t> mask((vocabulary->trie().vocab_size + 63) / 64);
      for (int round = 0; round < 20; ++round) {
        Matcher matcher(grammar, vocabulary);
        for (const char c : "{\"a" + std::string(static_cast<size_t>(t), 'b') + "\":[1,\"x\"]}") {
          matcher.allowed(mask);
          EXPECT_TRUE((mask[(2 + c) / 64] >> ((2 + c) % 64)) & 1);
          EXPECT_TRUE(matcher.accept(2 + c));
        }
        EXPECT_TRUE(matcher.must_end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(MaskCache, keeps_within_its_bytes_and_forgets_the_oldest) {
  MaskCache cache;
  const auto large = [] {
    auto mask = std::make_shared<Mask>();
    mask->dense.resize(limits::kMaxMaskCacheBytes / 80);
    return mask;
  };
  for (uint32_t state = 0; state < 15; ++state) {
    cache.insert({1, state}, large());
    EXPECT_NE(cache.find({1, 0}), nullptr);  // used, so never the oldest
  }
  EXPECT_LE(cache.bytes(), limits::kMaxMaskCacheBytes);
  EXPECT_EQ(cache.find({1, 1}), nullptr);
  EXPECT_NE(cache.find({1, 14}), nullptr);
}

TEST(Matcher, endless_new_states_are_forgotten_and_the_place_is_kept) {
  const auto vocabulary = vocabulary_with({});
  const auto grammar = Grammar::from_regex("[ab]*a[ab]{14}c");  // 2^14 sets of readings
  Matcher matcher(grammar, vocabulary);
  std::mt19937 random(7);
  std::string text;
  for (int i = 0; i < 60'000; ++i) {
    text += random() % 2 ? 'a' : 'b';
    ASSERT_TRUE(matcher.accept_text(text.substr(text.size() - 1)));
  }
  EXPECT_EQ(matcher.accept_text("c"), text[text.size() - 15] == 'a');
  EXPECT_EQ(grammar->matches(text + "c"), text[text.size() - 15] == 'a');
}

// --- grammars that are kept ---

TEST(GrammarCache, compiles_the_same_source_once) {
  GrammarCache cache(vocabulary_with({}));
  int compiled = 0;
  const auto compile = [&] {
    ++compiled;
    return Grammar::from_regex("[a-c]+");
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.matcher("abc", compile).accept_text("cab"));
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_THROW(cache.matcher("bad", [] { return Grammar::from_regex("("); }), Error);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(GrammarCache, many_different_grammars_do_not_grow_it_beyond_its_bounds) {
  GrammarCache cache(vocabulary_with({}));
  const auto make = [&](const std::string& source) {
    return cache.matcher(source, [&] { return Grammar::from_choices({source}); });
  };
  Matcher first = make("the first");
  for (size_t i = 0; i < 2 * limits::kMaxCachedGrammars; ++i) (void)make(std::to_string(i));
  EXPECT_EQ(cache.size(), limits::kMaxCachedGrammars);
  const std::string large(limits::kMaxGrammarCacheBytes / 8, 'x');  // sources count as well
  for (int i = 0; i < 20; ++i) {
    (void)cache.matcher(std::to_string(i) + large, [] { return Grammar::from_regex("a"); });
    EXPECT_LE(cache.bytes(), limits::kMaxGrammarCacheBytes);
  }
  EXPECT_LT(cache.size(), 10u);
  EXPECT_TRUE(first.accept_text("the first"));  // whoever holds a matcher keeps its grammar
}

}  // namespace
}  // namespace shenbi::grammar
