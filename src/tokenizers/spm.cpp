#include "tokenizers/spm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/bpe.h"
#include "tokenizers/unigram.h"
#include "tokenizers/wordpiece.h"

namespace shenbi::tokenizers {
namespace {

std::string escape_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ')
      out += kSpaceMark;
    else
      out += c;
  }
  return out;
}

void keep_single_characters(const Vocabulary& vocabulary, std::vector<uint32_t>& ranks) {
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = vocabulary.text(id);
    if (decode_utf8(text, 0).length != text.size()) ranks[static_cast<size_t>(id)] = UINT32_MAX;
  }
}

}  // namespace

std::vector<uint32_t> ranks_by_score(const Vocabulary& vocabulary, const std::vector<float>& scores) {
  std::vector<float> best_first = scores;
  for (size_t id = 0; id < scores.size(); ++id) {
    if (std::isnan(scores[id]))
      throw Error(Code::kCorruptFile, fmt::format("tokenizer: the score of token {} is NaN", id));
  }
  std::sort(best_first.begin(), best_first.end(), std::greater<>());
  best_first.erase(std::unique(best_first.begin(), best_first.end()), best_first.end());
  std::vector<uint32_t> ranks(scores.size(), UINT32_MAX);
  for (size_t id = 0; id < scores.size(); ++id) {
    switch (vocabulary.kind(static_cast<int32_t>(id))) {
      case TokenKind::kUnknown:
      case TokenKind::kControl:
      case TokenKind::kByte:
        continue;
      default:
        break;
    }
    const auto place = std::lower_bound(best_first.begin(), best_first.end(), scores[id], std::greater<>());
    ranks[id] = static_cast<uint32_t>(place - best_first.begin());
  }
  return ranks;
}

void add_sentencepiece(Pipeline& pipeline, SentencePieceParts parts, TokenizerTables* tables) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  const bool escape = parts.rules.escape_whitespaces;
  std::vector<std::string> user_defined;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const std::string& text = vocabulary.text(id);
    pipeline.bytes.push_back(sentencepiece_bytes(text, kind));
    if (kind == TokenKind::kControl || kind == TokenKind::kUnknown) {
      pipeline.added.push_back({.text = text, .id = id, .special = true});
    } else if (kind == TokenKind::kUserDefined) {
      user_defined.push_back(text);
      // A unigram model weighs user-defined words with the others instead.
      if (parts.kind != SentencePieceParts::kUnigram) {
        pipeline.added.push_back({.text = escape ? escape_spaces(text) : text, .id = id, .normalized = true});
      }
    }
  }
  if (parts.rules.charsmap || parts.rules.remove_extra_whitespaces) {
    std::vector<std::pair<std::string_view, int32_t>> words;
    for (const std::string& text : user_defined) words.emplace_back(text, 0);
    parts.rules.protected_words = Trie(std::move(words));
  }
  pipeline.normalizers.push_back(sentencepiece_normalizer(std::move(parts.rules)));

  if (parts.kind == SentencePieceParts::kUnigram) {
    if (!parts.unknown)
      throw Error(Code::kCorruptFile, "tokenizer: a unigram model needs an unknown token, there is none");
    UnigramOptions options{.unknown = *parts.unknown, .byte_fallback = parts.byte_fallback, .sentencepiece = true};
    ranks_by_score(vocabulary, parts.scores);  // for its check of the scores
    const std::vector<double> scores(parts.scores.begin(), parts.scores.end());
    pipeline.model = std::make_unique<UnigramModel>(vocabulary, scores, options);
    return;
  }
  if (parts.kind == SentencePieceParts::kWord) {
    pipeline.pre_tokenizers.push_back(metaspace(std::string(kSpaceMark), PrependScheme::kNever, true));
    pipeline.model = std::make_unique<WordLevelModel>(vocabulary, parts.unknown, true);
    return;
  }
  BpeOptions options{.byte_fallback = parts.byte_fallback, .bytes_before_unknown = true, .fuse_unknown = true};
  options.unknown = parts.unknown;
  pipeline.model = bpe_model(tables, vocabulary, options, [&] {
    std::vector<uint32_t> ranks = ranks_by_score(vocabulary, parts.scores);
    if (parts.kind == SentencePieceParts::kCharacter) keep_single_characters(vocabulary, ranks);
    return BpeModel::from_ranks(vocabulary, options, ranks);
  });
}

}  // namespace shenbi::tokenizers
