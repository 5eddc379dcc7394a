// GGUF's tokenizer.ggml.* fields to a pipeline. Files of llama.cpp's converter do not carry everything of the original
// tokenizer; where they are silent, the rules here are those of the original family (pre_names.cpp).

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "tokenizers/bpe.h"
#include "tokenizers/pre_names.h"
#include "tokenizers/rwkv.h"
#include "tokenizers/spm.h"
#include "tokenizers/wordpiece.h"

namespace shenbi::tokenizers {
namespace {

[[noreturn]] void corrupt(const std::string& why) { throw Error(Code::kCorruptFile, "tokenizer.ggml." + why); }

void check_sizes(const GgufVocabulary& file) {
  const size_t count = file.tokens.size();
  if (count == 0) corrupt("tokens: the list is empty");
  if (count > limits::kMaxVocabulary)
    corrupt(fmt::format("tokens: {} entries, the limit is {}", count, limits::kMaxVocabulary));
  if (!file.scores.empty() && file.scores.size() != count) {
    corrupt(fmt::format("scores: {} entries for {} tokens", file.scores.size(), count));
  }
  if (!file.kinds.empty() && file.kinds.size() != count) {
    corrupt(fmt::format("token_type: {} entries for {} tokens", file.kinds.size(), count));
  }
  for (size_t id = 0; id < count; ++id) {
    if (file.tokens[id].size() <= limits::kMaxTokenBytes) continue;
    corrupt(fmt::format("tokens[{}]: {} bytes, the limit is {}", id, file.tokens[id].size(), limits::kMaxTokenBytes));
  }
}

std::optional<int32_t> checked(std::optional<int32_t> id, std::string_view field, const GgufVocabulary& file) {
  if (!id || *id < 0) return std::nullopt;  // writers put -1 for "none"
  if (static_cast<size_t>(*id) >= file.tokens.size()) {
    corrupt(fmt::format("{}_token_id: {} of {} tokens", field, *id, file.tokens.size()));
  }
  return id;
}

// Files without token_type (and kinds out of range) are classed by what an entry looks like.
TokenKind kind_of(const GgufVocabulary& file, size_t id) {
  if (!file.kinds.empty()) {
    const int32_t kind = file.kinds[id];
    return kind >= 1 && kind <= 6 ? static_cast<TokenKind>(kind) : TokenKind::kNormal;
  }
  const auto is = [&](std::optional<int32_t> special) { return special == static_cast<int32_t>(id); };
  if (is(file.bos) || is(file.eos) || is(file.padding) || is(file.eot) || is(file.eom)) return TokenKind::kControl;
  if (is(file.unknown)) return TokenKind::kUnknown;
  return byte_of_token(file.tokens[id]) >= 0 ? TokenKind::kByte : TokenKind::kNormal;
}

std::unique_ptr<Vocabulary> make_vocabulary(const GgufVocabulary& file) {
  std::vector<std::string> texts(file.tokens.begin(), file.tokens.end());
  std::vector<TokenKind> kinds(texts.size());
  for (size_t id = 0; id < texts.size(); ++id) kinds[id] = kind_of(file, id);
  return std::make_unique<Vocabulary>(std::move(texts), std::move(kinds));
}

void add_ends(Pipeline& pipeline, const GgufVocabulary& file, bool default_bos, bool default_eos) {
  pipeline.bos = checked(file.bos, "bos", file);
  pipeline.eos = checked(file.eos, "eos", file);
  for (const auto& id : {checked(file.eot, "eot", file), checked(file.eom, "eom", file)}) {
    if (id) pipeline.more_stop_ids.push_back(*id);
  }
  if (pipeline.bos && file.add_bos.value_or(default_bos)) pipeline.prefix.push_back(*pipeline.bos);
  if (pipeline.eos && file.add_eos.value_or(default_eos)) pipeline.suffix.push_back(*pipeline.eos);
}

// Control and unknown tokens are found on request; user-defined ones always.
void add_raw_tokens(Pipeline& pipeline) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const bool special = kind == TokenKind::kControl || kind == TokenKind::kUnknown;
    if (special || kind == TokenKind::kUserDefined) {
      pipeline.added.push_back({.text = vocabulary.text(id), .id = id, .special = special});
    }
  }
}

std::vector<std::pair<std::string_view, std::string_view>> split_merges(const GgufVocabulary& file) {
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  merges.reserve(file.merges.size());
  for (size_t i = 0; i < file.merges.size(); ++i) {
    const std::string_view merge = file.merges[i];
    const size_t space = merge.find(' ', 1);  // the left part may itself be a space
    if (space == std::string_view::npos)
      corrupt(fmt::format("merges[{}]: '{}' is not two words", i, sanitize_utf8(merge)));
    merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return merges;
}

bool has_byte_tokens(const Vocabulary& vocabulary) {
  for (int b = 0; b < 256; ++b) {
    const int32_t id = vocabulary.find(byte_token(static_cast<uint8_t>(b)));
    if (id >= 0 && vocabulary.kind(id) == TokenKind::kByte) return true;
  }
  return false;
}

void add_byte_bpe(Pipeline& pipeline, const GgufVocabulary& file, const PreName& pre, TokenizerTables* tables) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  add_raw_tokens(pipeline);
  if (pre.nfc) pipeline.normalizers.push_back(unicode_normalizer(NormalForm::kNfc));
  for (const std::string_view pattern : pre.patterns) {
    pipeline.pre_tokenizers.push_back(
        regex_splitter(pattern, Regex::Dialect::kOniguruma, SplitBehavior::kIsolated, false));
  }
  BpeOptions options{.over_bytes = true, .whole_words = pre.whole_words};
  pipeline.model = bpe_model(tables, vocabulary, options, [&] {
    return BpeModel::from_merges(vocabulary, options, split_merges(file), true, "tokenizer.ggml.merges");
  });
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = vocabulary.text(id);
    const bool plain = vocabulary.kind(id) == TokenKind::kNormal || vocabulary.kind(id) == TokenKind::kUnused;
    pipeline.bytes.push_back(plain ? alphabet_to_bytes(text).value_or(text)
                                   : sentencepiece_bytes(text, vocabulary.kind(id)));
  }
}

// Merges by list, but over characters with "▁" for spaces and <0x..> for bytes (Gemma 4).
void add_character_bpe(Pipeline& pipeline, const GgufVocabulary& file, const PreName& pre, TokenizerTables* tables) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  add_raw_tokens(pipeline);
  pipeline.normalizers.push_back(sentencepiece_normalizer({.add_dummy_prefix = file.add_space_prefix.value_or(false)}));
  for (const std::string_view pattern : pre.patterns) {
    pipeline.pre_tokenizers.push_back(
        regex_splitter(pattern, Regex::Dialect::kOniguruma, SplitBehavior::kIsolated, false));
  }
  BpeOptions options{.whole_line_ends = pre.name == "gemma4", .byte_fallback = true, .fuse_unknown = true};
  options.unknown = checked(file.unknown, "unknown", file);
  pipeline.model = bpe_model(tables, vocabulary, options, [&] {
    return BpeModel::from_merges(vocabulary, options, split_merges(file), true, "tokenizer.ggml.merges");
  });
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    pipeline.bytes.push_back(sentencepiece_bytes(vocabulary.text(id), vocabulary.kind(id)));
  }
}

void add_spm(Pipeline& pipeline, const GgufVocabulary& file, bool unigram, TokenizerTables* tables) {
  SentencePieceParts parts;
  parts.kind = unigram ? SentencePieceParts::kUnigram : SentencePieceParts::kBpe;
  parts.scores = file.scores;
  parts.scores.resize(file.tokens.size(), 0.0f);
  parts.unknown = checked(file.unknown, "unknown", file);
  if (!parts.unknown) {
    const int32_t found = pipeline.vocabulary->find("<unk>");
    if (found >= 0) parts.unknown = found;
  }
  parts.byte_fallback = has_byte_tokens(*pipeline.vocabulary);
  parts.rules.add_dummy_prefix = file.add_space_prefix.value_or(true);
  parts.rules.remove_extra_whitespaces = file.remove_extra_whitespaces.value_or(false);
  parts.rules.escape_whitespaces = file.escape_whitespaces.value_or(true);
  if (!file.precompiled_charsmap.empty()) parts.rules.charsmap.emplace(file.precompiled_charsmap, "tokenizer.ggml");
  pipeline.strip_leading_space = parts.rules.add_dummy_prefix;
  add_sentencepiece(pipeline, std::move(parts), tables);
}

void add_bert(Pipeline& pipeline, const GgufVocabulary& file) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  add_raw_tokens(pipeline);
  const bool lowercase = file.lowercase.value_or(true);
  const BertCleaning cleaning{.strip_accents = file.strip_accents.value_or(lowercase), .lowercase = lowercase};
  pipeline.normalizers.push_back(bert_normalizer(cleaning));
  pipeline.pre_tokenizers.push_back(character_splitter(is_whitespace, SplitBehavior::kRemoved));
  pipeline.pre_tokenizers.push_back(character_splitter(is_punctuation, SplitBehavior::kIsolated));

  const auto special = [&](std::optional<int32_t> given, std::string_view field, std::string_view text) {
    if (const auto id = checked(given, field, file)) return *id;
    const int32_t found = vocabulary.find(text);
    if (found < 0) corrupt(fmt::format("{}_token_id: not given, and there is no '{}'", field, text));
    return found;
  };
  pipeline.bos = special(file.bos, "bos", "[CLS]");
  const int32_t separator = special(file.separator, "seperator", "[SEP]");  // the key is spelt so in GGUF
  pipeline.prefix = {*pipeline.bos};
  pipeline.suffix = {separator};
  WordPieceOptions options{.unknown = special(file.unknown, "unknown", "[UNK]"), .subword_prefix = ""};
  options.word_prefix = kSpaceMark;
  pipeline.model = std::make_unique<WordPieceModel>(vocabulary, options);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    pipeline.bytes.push_back(sentencepiece_bytes(vocabulary.text(id), vocabulary.kind(id)));
  }
  pipeline.strip_leading_space = true;
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_gguf(const GgufVocabulary& file, TokenizerTables* tables) {
  if (file.model == "no_vocab" || file.model == "none") {
    throw Error(Code::kUnsupported, "tokenizer.ggml.model: the file holds no vocabulary");
  }
  check_sizes(file);
  Pipeline pipeline;
  pipeline.vocabulary = make_vocabulary(file);
  if (file.model == "gpt2" || file.model == "gemma4") {
    const PreName& pre = find_pre_name(file.model == "gemma4" ? "gemma4" : file.pre);
    const bool over_characters =
        pre.name == "gemma4" || pre.name == "sarvam-moe" || pre.name == "granite-embed-multi-311m";
    if (over_characters)
      add_character_bpe(pipeline, file, pre, tables);
    else
      add_byte_bpe(pipeline, file, pre, tables);
    add_ends(pipeline, file, pre.adds_bos || pre.name == "gemma4", false);
  } else if (file.model == "llama") {
    add_spm(pipeline, file, false, tables);
    add_ends(pipeline, file, true, false);
  } else if (file.model == "t5") {
    add_spm(pipeline, file, true, tables);
    add_ends(pipeline, file, false, true);
  } else if (file.model == "bert") {
    add_bert(pipeline, file);
    pipeline.eos = checked(file.eos, "eos", file);
  } else if (file.model == "rwkv") {
    add_rwkv(pipeline);
    add_ends(pipeline, file, false, false);
  } else {
    throw Error(Code::kUnsupported,
                fmt::format("tokenizer.ggml.model: unknown kind '{}'", sanitize_utf8(file.model.substr(0, 100))));
  }
  return std::make_unique<PipelineTokenizer>(std::move(pipeline));
}

}  // namespace shenbi::tokenizers
