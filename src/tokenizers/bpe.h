#pragma once
// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): start from single bytes or characters and keep merging
// the neighbouring pair of lowest rank, leftmost first, until no pair merges.
//
// One engine serves all kinds; they differ in where ranks come from:
//   merge list (GPT-2, Hugging Face, GGUF "gpt2")     rank = position in the list
//   SentencePiece BPE                                 any two symbols whose joint text is a word; rank = order by score
//   tiktoken                                          the same; rank = id in the file
//
// Short words are merged by scanning, long ones with a heap: O(n log n). Words over characters are first cut at seams:
// between two characters that stand side by side in no word of the vocabulary no merge can ever happen, so the parts
// are independent, and being short and frequent they mostly come out of the cache.

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tokenizers/model.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {

struct BpeOptions {
  bool over_bytes = false;       ///< symbols are bytes (the vocabulary is in GPT-2's alphabet or raw), else characters
  bool raw_vocabulary = false;   ///< over_bytes: the vocabulary holds the bytes themselves (tiktoken)
  bool whole_words = false;      ///< a word that is in the vocabulary is taken whole, without merging
  bool whole_line_ends = false;  ///< the same, but only for words of line feeds alone (Gemma 4)
  bool byte_fallback = false;    ///< an unknown character becomes its bytes' <0x..> tokens
  bool bytes_before_unknown = false;  ///< SentencePiece: bytes that have no token become unknown one by one
  bool fuse_unknown = false;          ///< neighbouring unknown characters give one token
  std::optional<int32_t> unknown;     ///< none: unknown characters vanish
  std::string subword_prefix;         ///< "##" before every symbol of a word but the first
  std::string word_suffix;            ///< "</w>" behind the last symbol of a word
};

class BpeModel final : public Model {
 public:
  /// Ranks by a merge list: pairs of texts, in order of rank, each with whether it is fine that a part is missing.
  /// Throws Error{kCorruptFile} "<what>: merge 17 ..." if a merge names a text that is no word, unless `lenient`.
  static std::unique_ptr<BpeModel> from_merges(const Vocabulary& vocabulary, BpeOptions options,
                                               const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                                               bool lenient, std::string_view what);

  /// Ranks by word: two symbols merge if their joint text is a word of rank other than UINT32_MAX.
  static std::unique_ptr<BpeModel> from_ranks(const Vocabulary& vocabulary, BpeOptions options,
                                              const std::vector<uint32_t>& rank_of_id);

  /// The model whose tables were kept; nothing if they cannot be those of this vocabulary and these options.
  static std::unique_ptr<BpeModel> from_tables(const Vocabulary& vocabulary, BpeOptions options,
                                               const TokenizerTables& tables);
  /// Fills `tables.built`, or leaves it empty if from_tables() would refuse it. Only for models without subword_prefix
  /// and word_suffix.
  void keep_tables(TokenizerTables& tables) const;

  std::unique_ptr<ModelSession> start() const override;

 private:
  class Session;
  BpeModel(const Vocabulary& vocabulary, BpeOptions options);
  bool merges_are_sound() const;
  void add_seams(std::string_view word);
  bool seam(char32_t left, char32_t right) const noexcept;
  int32_t symbol_of_character(std::string_view character, char32_t code_point) const noexcept;
  /// An unknown character leaves no token at all, and its neighbours merge as if it were not there.
  bool characters_vanish() const noexcept;
  bool vanishes(std::string_view character) const noexcept;
  void append_unknown(std::string_view text, size_t word_start, std::vector<int32_t>& out) const;

  const Vocabulary& vocabulary_;
  BpeOptions options_;
  std::shared_ptr<const void> tables_owner_;  // of the slots of merges_, if they were kept
  MergeTable merges_;
  std::vector<std::string> bytes_;         // over_bytes with an alphabet: each word's bytes, "" if it has none
  TextTable words_;                        // over_bytes: bytes -> id; else unused, the vocabulary knows
  std::array<int32_t, 256> byte_symbols_;  // over_bytes: symbol of a byte; -1 if none
  std::array<int32_t, 256> byte_tokens_;   // <0x00>..<0xFF>; -1 if none
  std::vector<int32_t> basic_symbols_;     // symbol of each character below U+10000, -1 if none
  std::deque<std::string> extra_texts_;    // characters that are part of words but no words themselves:
  TextTable extra_symbols_;                //   symbols from vocabulary.size() on
  std::vector<uint64_t> inside_;           // Bloom filter of neighbouring characters inside words
  bool use_seams_ = false;
  bool has_unused_ = false;  // words of kind kUnused may be merged to, but are taken apart again at the end
};

/// The model of the kept tables, or what `build` makes, whose tables are then kept. `tables` may be null.
template <class Build>
std::unique_ptr<BpeModel> bpe_model(TokenizerTables* tables, const Vocabulary& vocabulary, const BpeOptions& options,
                                    Build&& build) {
  std::unique_ptr<BpeModel> model;
  if (tables && !tables->kept.empty()) model = BpeModel::from_tables(vocabulary, options, *tables);
  if (model) return model;
  model = build();
  if (tables) model->keep_tables(*tables);
  return model;
}

}  // namespace shenbi::tokenizers
