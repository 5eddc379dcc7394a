#pragma once
// WordPiece (BERT): a word is cut greedily into the longest pieces that are in the vocabulary; a word that cannot be
// cut is unknown as a whole. WordLevel: the word is in the vocabulary or it is unknown.

#include <optional>
#include <string>

#include "tokenizers/model.h"
#include "tokenizers/trie.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {

struct WordPieceOptions {
  int32_t unknown = 0;
  std::string subword_prefix = "##";  ///< marks pieces that continue a word
  std::string word_prefix;            ///< marks pieces that begin one ("▁" in GGUF files, which drop the "##")
  size_t max_characters = 100;        ///< longer words are unknown
};

class WordPieceModel final : public Model {
 public:
  WordPieceModel(const Vocabulary& vocabulary, WordPieceOptions options);
  std::unique_ptr<ModelSession> start() const override;

 private:
  class Session;
  WordPieceOptions options_;
  Trie begins_, continues_;
};

class WordLevelModel final : public Model {
 public:
  /// `fuse_unknown`: neighbouring unknown words give one token.
  WordLevelModel(const Vocabulary& vocabulary, std::optional<int32_t> unknown, bool fuse_unknown = false)
      : vocabulary_(vocabulary), unknown_(unknown), fuse_unknown_(fuse_unknown) {}
  std::unique_ptr<ModelSession> start() const override;

 private:
  class Session;
  const Vocabulary& vocabulary_;
  std::optional<int32_t> unknown_;
  bool fuse_unknown_;
};

}  // namespace shenbi::tokenizers
