// Tables that were kept give the same ids as building them; any other bytes give the same ids or, at worst, wrong ones.

#include <gtest/gtest.h>

#include <cstring>

#include "tokenizers/tokenizer.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {
namespace {

/// A vocabulary with its texts; of the SentencePiece kind, or of the byte-level kind with merges.
struct File {
  std::vector<std::string> tokens, merges;
  GgufVocabulary vocabulary;

  explicit File(bool sentencepiece) {
    vocabulary.model = sentencepiece ? "llama" : "gpt2";
    if (sentencepiece) {
      tokens = {"<unk>", "<s>", "</s>"};
      for (int b = 0; b < 256; ++b) tokens.push_back(byte_token(static_cast<uint8_t>(b)));
    } else {
      for (int b = 0; b < 256; ++b) tokens.push_back(bytes_to_alphabet(std::string(1, static_cast<char>(b))));
    }
    const size_t words = tokens.size();
    for (const char* word :
         {"a", "b", "c", "▁", "aa", "ab", "bc", "abc", "▁a", "▁ab", "▁abc", "äb", "aab", "😀c", "cc"}) {
      if (sentencepiece || std::string_view(word).find("▁") == std::string_view::npos) tokens.emplace_back(word);
    }
    if (!sentencepiece) tokens.resize(words);
    for (const char* merge : {"a a", "a b", "b c", "ab c", "aa b", "Ġ a", "Ġa b"}) {
      if (sentencepiece) break;
      merges.emplace_back(merge);
      tokens.emplace_back(merge).erase(tokens.back().find(' '), 1);
    }
    vocabulary.tokens.assign(tokens.begin(), tokens.end());
    vocabulary.merges.assign(merges.begin(), merges.end());
    vocabulary.kinds.assign(tokens.size(), 1);
    if (!sentencepiece) return;
    for (size_t id = 0; id < tokens.size(); ++id) {
      vocabulary.scores.push_back(-static_cast<float>(id));
      if (byte_of_token(tokens[id]) >= 0) vocabulary.kinds[id] = 6;
    }
    vocabulary.kinds[0] = 2;
    vocabulary.kinds[1] = vocabulary.kinds[2] = 3;
    vocabulary.unknown = 0;
  }
  File(const File&) = delete;
};

const std::string kTexts[] = {
    "", "a", "abcabc aab", "aaaaaaaab", "äb 😀c 😀😀 c", "\xff\x00 bc", std::string(3000, 'a')};

std::vector<std::vector<int32_t>> all_ids(const Tokenizer& tokenizer) {
  std::vector<std::vector<int32_t>> out;
  for (const std::string& text : kTexts) out.push_back(tokenizer.encode(text));
  return out;
}

/// At a multiple of 16, as promised.
struct Aligned {
  explicit Aligned(std::span<const std::byte> bytes) : memory(bytes.size() / 16 + 1), size(bytes.size()) {
    if (size) std::memcpy(memory.data(), bytes.data(), size);
  }
  struct alignas(16) Unit {
    std::byte bytes[16];
  };
  std::span<const std::byte> span() const { return {reinterpret_cast<const std::byte*>(memory.data()), size}; }
  std::vector<Unit> memory;
  size_t size;
};

struct Tables : ::testing::TestWithParam<bool> {
  File file{GetParam()};
  std::vector<std::byte> built() const {
    TokenizerTables tables;
    Tokenizer::from_gguf(file.vocabulary, &tables);
    return tables.built;
  }
};

TEST_P(Tables, kept_ones_give_the_same_ids_and_are_not_built_again) {
  const auto expected = all_ids(*Tokenizer::from_gguf(file.vocabulary));
  const Aligned kept(built());
  ASSERT_GT(kept.size, 0u);
  TokenizerTables tables{.kept = kept.span(), .owner = nullptr, .built = {}};
  EXPECT_EQ(all_ids(*Tokenizer::from_gguf(file.vocabulary, &tables)), expected);
  EXPECT_TRUE(tables.built.empty());
}

TEST_P(Tables, owner_lives_as_long_as_the_tokenizer) {
  auto kept = std::make_shared<Aligned>(built());
  const std::weak_ptr<Aligned> watch = kept;
  TokenizerTables tables{.kept = kept->span(), .owner = std::move(kept), .built = {}};
  auto tokenizer = Tokenizer::from_gguf(file.vocabulary, &tables);
  tables = {};
  EXPECT_FALSE(watch.expired());
  tokenizer.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_P(Tables, of_another_vocabulary_are_built_again) {
  const Aligned kept(built());
  const File other(!GetParam());
  TokenizerTables tables{.kept = kept.span(), .owner = nullptr, .built = {}};
  EXPECT_EQ(all_ids(*Tokenizer::from_gguf(other.vocabulary, &tables)),
            all_ids(*Tokenizer::from_gguf(other.vocabulary)));
  EXPECT_FALSE(tables.built.empty());
}

TEST_P(Tables, cut_short_are_built_again) {
  const auto expected = all_ids(*Tokenizer::from_gguf(file.vocabulary));
  const auto whole = built();
  for (const size_t size : {size_t{1}, size_t{40}, size_t{64}, whole.size() / 2, whole.size() - 1}) {
    const Aligned kept(std::span<const std::byte>(whole).first(size));
    TokenizerTables tables{.kept = kept.span(), .owner = nullptr, .built = {}};
    EXPECT_EQ(all_ids(*Tokenizer::from_gguf(file.vocabulary, &tables)), expected) << size;
    EXPECT_FALSE(tables.built.empty()) << size;
  }
}

TEST_P(Tables, hostile_ones_end_every_search_and_stay_inside) {
  const auto whole = built();
  // Every word of the header, and words all over the tables, become numbers that would hurt.
  for (size_t place = 0; place + 8 <= whole.size(); place += place < 64 ? 8 : place < 4096 ? 8 * 7 : 8 * 4999) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{5}, UINT64_MAX, uint64_t{7} << 32 | 7}) {
      auto bytes = whole;
      std::memcpy(bytes.data() + place, &value, 8);
      const Aligned kept(bytes);
      TokenizerTables tables{.kept = kept.span(), .owner = nullptr, .built = {}};
      const auto tokenizer = Tokenizer::from_gguf(file.vocabulary, &tables);
      for (const auto& ids : all_ids(*tokenizer))
        for (const int32_t id : ids) EXPECT_LT(static_cast<size_t>(id), tokenizer->vocab_size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Tables, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "sentencepiece" : "byte_level"; });

}  // namespace
}  // namespace shenbi::tokenizers
