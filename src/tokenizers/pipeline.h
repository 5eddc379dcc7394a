#pragma once
// Every tokenizer of the field as one chain:
//
//   added tokens in the raw text -> normalisers -> added tokens in the normalised text -> pre-tokenisers -> model
//
// with fixed ids in front and behind. The loaders (from_gguf.cpp, from_tokenizer_json.cpp, from_sentencepiece.cpp,
// from_tiktoken.cpp) fill a Pipeline; PipelineTokenizer runs it.

#include <map>

#include "tokenizers/added_tokens.h"
#include "tokenizers/model.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/pretokenizer.h"
#include "tokenizers/vocabulary.h"

namespace shenbi::tokenizers {

struct Pipeline {
  std::unique_ptr<Vocabulary> vocabulary;
  std::vector<AddedToken> added;
  Normalizers normalizers;
  PreTokenizers pre_tokenizers;
  std::unique_ptr<Model> model;         ///< refers to `vocabulary`
  std::vector<int32_t> prefix, suffix;  ///< what add_special puts around a text

  std::vector<std::string> bytes;    ///< by id: how the token reads inside a text
  bool strip_leading_space = false;  ///< decode() drops a space in front of the first token

  std::optional<int32_t> bos, eos;
  std::vector<int32_t> more_stop_ids;
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(Pipeline pipeline);

  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(const std::vector<int32_t>& ids, bool keep_special) const override;
  std::vector<size_t> find_special(std::string_view text) const override;
  size_t vocab_size() const noexcept override { return static_cast<size_t>(parts_.vocabulary->size()); }
  std::string token_bytes(int32_t id) const override;
  std::string token_text(int32_t id) const override;
  TokenKind token_kind(int32_t id) const noexcept override;
  std::optional<int32_t> find_token(std::string_view text) const override;
  bool strips_leading_space() const noexcept override { return parts_.strip_leading_space; }

 private:
  Pipeline parts_;
  AddedTokens raw_, normalized_;
};

/// How a vocabulary entry of SentencePiece kind reads: "▁Hello" -> " Hello", "<0x0A>" of kind kByte -> "\n".
std::string sentencepiece_bytes(std::string_view text, TokenKind kind);

/// Ids of the tokens that end an answer in one of the known chat formats ("<|im_end|>", "<end_of_turn>", ...).
std::vector<int32_t> known_stop_ids(const Vocabulary& vocabulary);

}  // namespace shenbi::tokenizers
