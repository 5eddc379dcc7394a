#pragma once
// For tests: a tokenizer for the tiny decoders of tests/golden/models.

#include <memory>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace shenbi::engine {

/// One token a printable letter, enough for any of the fixtures' vocabularies; 0 is unknown, 1 the beginning, 2 the
/// end. With `space_prefix` texts begin with a space, as real ones of this kind do; then no forced text is ever taken
/// over.
inline std::shared_ptr<const tokenizers::Tokenizer> letter_tokenizer(size_t vocab, bool space_prefix = true) {
  std::vector<std::string> names = {"<unk>", "<s>", "</s>"};
  while (names.size() < vocab) names.push_back(std::string(1, static_cast<char>('!' + names.size() - 3)));
  tokenizers::GgufVocabulary v;
  v.model = "llama";
  for (const std::string& name : names) v.tokens.push_back(name);
  v.scores.assign(vocab, 0.0f);
  v.kinds.assign(vocab, 1);
  v.kinds[0] = 2;
  v.kinds[1] = v.kinds[2] = 3;
  v.unknown = 0;
  v.bos = 1;
  v.eos = 2;
  v.add_space_prefix = space_prefix;
  return tokenizers::Tokenizer::from_gguf(v);
}

}  // namespace shenbi::engine
