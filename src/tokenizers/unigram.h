#pragma once
// Unigram language model (Kudo 2018, arXiv 1804.10959): of all ways to cut a text into words take the one with the
// largest sum of log probabilities, by Viterbi over end positions.

#include <array>
#include <string>

#include "tokenizers/model.h"
#include "tokenizers/trie.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {

struct UnigramOptions {
  int32_t unknown = 0;
  bool byte_fallback = false;
  bool fuse_unknown = true;  ///< neighbouring unknown characters give one token
  /// Sums are kept in float, user-defined words outweigh all others, and missing bytes become unknown one by one, as in
  /// the sentencepiece library; else sums are double, as in the tokenizers library. Ties can depend on it.
  bool sentencepiece = false;
};

class UnigramModel final : public Model {
 public:
  /// One score an id. Only normal, user-defined and (without `sentencepiece`) all other words take part.
  UnigramModel(const Vocabulary& vocabulary, std::vector<double> scores, UnigramOptions options);
  std::unique_ptr<ModelSession> start() const override;

 private:
  class Session;
  const Vocabulary& vocabulary_;
  std::vector<double> scores_;
  UnigramOptions options_;
  Trie trie_;
  double lowest_ = 0, highest_ = 0;  // over normal words
  std::array<int32_t, 256> byte_tokens_;
};

}  // namespace shenbi::tokenizers
