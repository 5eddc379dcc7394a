// tokenizer.model: a serialised sentencepiece.ModelProto. Field numbers are those of sentencepiece_model.proto.

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "tokenizers/protobuf.h"
#include "tokenizers/spm.h"

namespace shenbi::tokenizers {
namespace {

constexpr std::string_view kWhat = "tokenizer.model";

struct ModelProto {
  std::vector<std::string> texts;
  std::vector<TokenKind> kinds;
  std::vector<float> scores;
  // trainer_spec
  uint64_t model_type = 1;
  bool whitespace_as_suffix = false, byte_fallback = false;
  int32_t unknown = 0, bos = 1, eos = 2;
  std::string unknown_surface = " \xE2\x81\x87 ";
  // normalizer_spec
  std::string_view charsmap;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

void read_piece(std::string_view message, ModelProto& model) {
  const size_t id = model.texts.size();
  if (id >= limits::kMaxVocabulary) {
    throw Error(Code::kCorruptFile, fmt::format("{}: over {} pieces", kWhat, limits::kMaxVocabulary));
  }
  std::string_view text;
  float score = 0;
  uint64_t kind = 1;
  ProtobufReader reader(message, kWhat);
  for (ProtobufField field; reader.next(field);) {
    if (field.number == 1 && field.type == ProtobufField::kBytes)
      text = field.bytes;
    else if (field.number == 2 && field.type == ProtobufField::kFixed32)
      score = field.as_float();
    else if (field.number == 3 && field.type == ProtobufField::kVarint)
      kind = field.integer;
  }
  if (text.size() > limits::kMaxTokenBytes || kind < 1 || kind > 6) {
    throw Error(Code::kCorruptFile, fmt::format("{}: piece {} has {} bytes and type {}", kWhat, id, text.size(), kind));
  }
  model.texts.emplace_back(text);
  model.kinds.push_back(static_cast<TokenKind>(kind));
  model.scores.push_back(score);
}

void read_trainer(std::string_view message, ModelProto& model) {
  ProtobufReader reader(message, kWhat);
  for (ProtobufField field; reader.next(field);) {
    switch (field.number) {
      case 3:
        model.model_type = field.integer;
        break;
      case 24:
        model.whitespace_as_suffix = field.integer != 0;
        break;
      case 35:
        model.byte_fallback = field.integer != 0;
        break;
      case 40:
        model.unknown = static_cast<int32_t>(field.integer);
        break;
      case 41:
        model.bos = static_cast<int32_t>(field.integer);
        break;
      case 42:
        model.eos = static_cast<int32_t>(field.integer);
        break;
      case 44:
        model.unknown_surface = field.bytes.substr(0, 256);
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view message, ModelProto& model) {
  ProtobufReader reader(message, kWhat);
  for (ProtobufField field; reader.next(field);) {
    switch (field.number) {
      case 2:
        model.charsmap = field.bytes;
        break;
      case 3:
        model.add_dummy_prefix = field.integer != 0;
        break;
      case 4:
        model.remove_extra_whitespaces = field.integer != 0;
        break;
      case 5:
        model.escape_whitespaces = field.integer != 0;
        break;
      default:
        break;
    }
  }
}

ModelProto read_model(std::string_view bytes) {
  if (bytes.size() > limits::kMaxTokenizerBytes) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {} bytes, the limit is {}", kWhat, bytes.size(), limits::kMaxTokenizerBytes));
  }
  ModelProto model;
  ProtobufReader reader(bytes, kWhat);
  for (ProtobufField field; reader.next(field);) {
    if (field.type != ProtobufField::kBytes) continue;
    if (field.number == 1)
      read_piece(field.bytes, model);
    else if (field.number == 2)
      read_trainer(field.bytes, model);
    else if (field.number == 3)
      read_normalizer(field.bytes, model);
  }
  if (model.texts.empty()) throw Error(Code::kCorruptFile, fmt::format("{}: no pieces", kWhat));
  return model;
}

SentencePieceParts::Kind kind_of(uint64_t model_type) {
  switch (model_type) {
    case 1:
      return SentencePieceParts::kUnigram;
    case 2:
      return SentencePieceParts::kBpe;
    case 3:
      return SentencePieceParts::kWord;
    case 4:
      return SentencePieceParts::kCharacter;
    default:
      throw Error(Code::kUnsupported, fmt::format("{}: model_type {}", kWhat, model_type));
  }
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_sentencepiece(std::string_view model_bytes) {
  ModelProto model = read_model(model_bytes);
  SentencePieceParts parts;
  parts.kind = kind_of(model.model_type);
  parts.byte_fallback = model.byte_fallback;
  parts.rules.add_dummy_prefix = model.add_dummy_prefix;
  parts.rules.remove_extra_whitespaces = model.remove_extra_whitespaces;
  parts.rules.escape_whitespaces = model.escape_whitespaces;
  parts.rules.whitespace_as_suffix = model.whitespace_as_suffix;
  if (!model.charsmap.empty()) parts.rules.charsmap.emplace(model.charsmap, kWhat);
  parts.scores = model.scores;

  Pipeline pipeline;
  pipeline.vocabulary = std::make_unique<Vocabulary>(std::move(model.texts), std::move(model.kinds));
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  const auto control = [&](int32_t id) -> std::optional<int32_t> {
    if (!vocabulary.has(id) || vocabulary.kind(id) != TokenKind::kControl) return std::nullopt;
    return id;
  };
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.kind(id) == TokenKind::kUnknown) parts.unknown = id;
  }
  pipeline.bos = control(model.bos);
  pipeline.eos = control(model.eos);
  // The file does not say what its model expects around a text. BPE models (Llama, Gemma) begin with bos; unigram
  // models (T5) have none and end with eos.
  if (parts.kind != SentencePieceParts::kUnigram && pipeline.bos) pipeline.prefix = {*pipeline.bos};
  if (parts.kind == SentencePieceParts::kUnigram && pipeline.eos) pipeline.suffix = {*pipeline.eos};
  pipeline.strip_leading_space = parts.rules.add_dummy_prefix && !parts.rules.whitespace_as_suffix;
  const auto unknown = parts.unknown;
  add_sentencepiece(pipeline, std::move(parts));
  if (unknown) pipeline.bytes[static_cast<size_t>(*unknown)] = model.unknown_surface;
  return std::make_unique<PipelineTokenizer>(std::move(pipeline));
}

}  // namespace shenbi::tokenizers
