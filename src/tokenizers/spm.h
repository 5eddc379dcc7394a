#pragma once
// What SentencePiece models have in common, whether they come from a .model file or a GGUF.

#include "tokenizers/pipeline.h"

namespace shenbi::tokenizers {

struct SentencePieceParts {
  std::vector<float> scores;  ///< one an id
  SentencePieceRules rules;   ///< `protected_words` is filled here
  std::optional<int32_t> unknown;
  enum Kind { kUnigram, kBpe, kWord, kCharacter } kind = kBpe;
  bool byte_fallback = false;
};

/// Fills added tokens, normaliser, model and the bytes of a pipeline whose vocabulary is set. User-defined words are
/// found in the normalised text; control words in the raw one, on request, and each stretch between is normalised by
/// itself.
/// `tables`: as in Tokenizer::from_gguf.
void add_sentencepiece(Pipeline& pipeline, SentencePieceParts parts, TokenizerTables* tables = nullptr);

/// Throws Error{kCorruptFile} if a score is NaN; then the rank of each word: equal scores have equal ranks, the best 0.
/// Words that merging must not produce (control, unknown, byte) have UINT32_MAX.
std::vector<uint32_t> ranks_by_score(const Vocabulary& vocabulary, const std::vector<float>& scores);

}  // namespace shenbi::tokenizers
