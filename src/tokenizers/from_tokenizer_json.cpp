// Hugging Face's tokenizer.json: the file describes its own chain, component by component.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "tokenizers/bpe.h"
#include "tokenizers/json_components.h"
#include "tokenizers/unigram.h"
#include "tokenizers/wordpiece.h"

namespace shenbi::tokenizers {
namespace {

// A file of n bytes cannot hold more than n / 4 entries, so ids beyond this leave gaps no real file has.
constexpr size_t kMaxGaps = 1 << 16;

struct Words {
  std::vector<std::string> texts;
  std::vector<TokenKind> kinds;
  size_t listed = 0;

  void place(int32_t id, std::string text, TokenKind kind) {
    const auto index = static_cast<size_t>(id);
    if (text.size() > limits::kMaxTokenBytes)
      json_corrupt("model", fmt::format("token {} has {} bytes", id, text.size()));
    if (index > ++listed + kMaxGaps) json_corrupt("model", fmt::format("id {} but only {} tokens so far", id, listed));
    if (index >= texts.size()) {
      texts.resize(index + 1);
      kinds.resize(index + 1, TokenKind::kUnused);
    }
    texts[index] = std::move(text);
    kinds[index] = kind;
  }
};

std::string model_type(const Json& model) {
  if (model.is_object() && model.contains("type")) return json_string(model, "type", "model");
  // Files written before the field existed.
  if (model.contains("merges")) return "BPE";
  if (model.contains("vocab") && model["vocab"].is_array()) return "Unigram";
  return model.contains("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
}

Words read_words(const Json& model, std::vector<double>& scores) {
  Words words;
  const Json& vocab = json_field(model, "vocab", "model");
  if (vocab.size() > limits::kMaxVocabulary) {
    json_corrupt("model", fmt::format("{} words, the limit is {}", vocab.size(), limits::kMaxVocabulary));
  }
  if (vocab.is_array()) {  // Unigram: [[text, score], ...] by id
    for (const Json& row : vocab) {
      if (!row.is_array() || row.size() != 2 || !row[0].is_string() || !row[1].is_number()) {
        json_corrupt("model", fmt::format("vocab[{}] is not [text, score]", scores.size()));
      }
      words.place(static_cast<int32_t>(scores.size()), row[0].get<std::string>(), TokenKind::kNormal);
      scores.push_back(row[1].get<double>());
    }
    return words;
  }
  if (!vocab.is_object()) json_corrupt("model", "vocab is neither an object nor an array");
  std::vector<std::pair<int32_t, const std::string*>> by_id;
  by_id.reserve(vocab.size());
  for (auto entry = vocab.begin(); entry != vocab.end(); ++entry) {
    by_id.emplace_back(json_id(entry.value(), "model.vocab"), &entry.key());
  }
  std::sort(by_id.begin(), by_id.end());
  for (const auto& [id, text] : by_id) words.place(id, *text, TokenKind::kNormal);
  return words;
}

// Added tokens take the id of the same word in the model's vocabulary, if it has one.
std::vector<AddedToken> read_added(const Json& file, Words& words) {
  std::vector<AddedToken> added;
  if (!file.contains("added_tokens") || file["added_tokens"].is_null()) return added;
  if (!file["added_tokens"].is_array()) json_corrupt("added_tokens", "not an array");
  TextTable known(words.texts.size());
  const std::vector<std::string> model_texts = words.texts;
  for (size_t id = 0; id < model_texts.size(); ++id) {
    if (!model_texts[id].empty()) known.insert(model_texts[id], static_cast<int32_t>(id));
  }
  for (const Json& row : file["added_tokens"]) {
    constexpr std::string_view kWhere = "added_tokens";
    AddedToken token;
    token.text = json_string(row, "content", kWhere);
    token.id = json_id(json_field(row, "id", kWhere), kWhere);
    token.special = json_bool(row, "special", false, kWhere);
    token.normalized = json_bool(row, "normalized", !token.special, kWhere);
    token.single_word = json_bool(row, "single_word", false, kWhere);
    token.left_strip = json_bool(row, "lstrip", false, kWhere);
    token.right_strip = json_bool(row, "rstrip", false, kWhere);
    if (token.text.empty()) continue;
    if (const int32_t id = known.find(token.text); id >= 0) token.id = id;
    words.place(token.id, token.text, token.special ? TokenKind::kControl : TokenKind::kUserDefined);
    added.push_back(std::move(token));
  }
  return added;
}

int32_t required_word(const Json& model, const char* name, const Vocabulary& vocabulary) {
  const std::string text = json_string(model, name, "model");
  const int32_t id = vocabulary.find(text);
  if (id < 0) json_corrupt("model", fmt::format("{} '{}' is not in the vocabulary", name, sanitize_utf8(text)));
  return id;
}

std::optional<int32_t> optional_word(const Json& model, const char* name, const Vocabulary& vocabulary) {
  if (!model.contains(name) || model[name].is_null()) return std::nullopt;
  return required_word(model, name, vocabulary);
}

std::string optional_string(const Json& model, const char* name) {
  if (!model.contains(name) || model[name].is_null()) return {};
  return json_string(model, name, "model");
}

std::unique_ptr<Model> make_bpe(const Json& model, const Vocabulary& vocabulary, bool over_bytes) {
  if (model.contains("dropout") && !model["dropout"].is_null() && model["dropout"] != 0.0) {
    throw Error(Code::kUnsupported, "tokenizer.json: model: BPE with dropout");
  }
  BpeOptions options{.over_bytes = over_bytes};
  options.whole_words = json_bool(model, "ignore_merges", false, "model");
  options.byte_fallback = json_bool(model, "byte_fallback", false, "model");
  options.fuse_unknown = json_bool(model, "fuse_unk", false, "model");
  options.unknown = optional_word(model, "unk_token", vocabulary);
  options.subword_prefix = optional_string(model, "continuing_subword_prefix");
  options.word_suffix = optional_string(model, "end_of_word_suffix");
  if (!options.subword_prefix.empty() || !options.word_suffix.empty()) options.over_bytes = false;

  const Json& rows = json_field(model, "merges", "model");
  if (!rows.is_array()) json_corrupt("model", "merges is not an array");
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  merges.reserve(rows.size());
  for (const Json& row : rows) {
    std::string_view left, right;
    if (row.is_string()) {  // "left right"
      const std::string_view both = row.get_ref<const std::string&>();
      const size_t space = both.find(' ');
      if (space != std::string_view::npos) left = both.substr(0, space), right = both.substr(space + 1);
    } else if (row.is_array() && row.size() == 2 && row[0].is_string() && row[1].is_string()) {
      left = row[0].get_ref<const std::string&>();
      right = row[1].get_ref<const std::string&>();
    }
    if (left.empty() || right.empty()) json_corrupt("model", fmt::format("merges[{}] is not two words", merges.size()));
    merges.emplace_back(left, right);
  }
  return BpeModel::from_merges(vocabulary, options, merges, false, "tokenizer.json: model");
}

std::unique_ptr<Model> make_unigram(const Json& model, const Vocabulary& vocabulary, std::vector<double> scores) {
  const Json& unknown = json_field(model, "unk_id", "model");
  if (unknown.is_null()) throw Error(Code::kUnsupported, "tokenizer.json: model: Unigram without unk_id");
  UnigramOptions options{.unknown = json_id(unknown, "model.unk_id")};
  if (static_cast<size_t>(options.unknown) >= scores.size()) json_corrupt("model", "unk_id is not in the vocabulary");
  options.byte_fallback = json_bool(model, "byte_fallback", false, "model");
  return std::make_unique<UnigramModel>(vocabulary, std::move(scores), options);
}

std::unique_ptr<Model> make_wordpiece(const Json& model, const Vocabulary& vocabulary) {
  WordPieceOptions options{.unknown = required_word(model, "unk_token", vocabulary)};
  if (model.contains("continuing_subword_prefix")) {
    options.subword_prefix = json_string(model, "continuing_subword_prefix", "model");
  }
  if (model.contains("max_input_chars_per_word")) {
    const Json& most = model["max_input_chars_per_word"];
    if (!most.is_number_unsigned()) json_corrupt("model", "max_input_chars_per_word is not a number");
    options.max_characters = most.get<size_t>();
  }
  return std::make_unique<WordPieceModel>(vocabulary, options);
}

// --- tokenizer_config.json ---

// A special token is written as text or as an object with "content".
std::optional<int32_t> config_token(const Json& config, const char* name, const Vocabulary& vocabulary) {
  if (!config.is_object() || !config.contains(name)) return std::nullopt;
  const Json& value = config[name];
  const Json& text = value.is_object() && value.contains("content") ? value["content"] : value;
  if (!text.is_string()) return std::nullopt;
  const int32_t id = vocabulary.find(text.get_ref<const std::string&>());
  if (id < 0) return std::nullopt;
  return id;
}

void apply_config(Pipeline& pipeline, const Json& config) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  pipeline.bos = config_token(config, "bos_token", vocabulary);
  pipeline.eos = config_token(config, "eos_token", vocabulary);
  if (!config.is_object()) return;
  // Where the config says so explicitly it overrules the post-processor, as in transformers.
  const auto set = [&](const char* name, std::optional<int32_t> id, bool front) {
    if (!id || !config.contains(name) || !config[name].is_boolean()) return;
    std::vector<int32_t>& ids = front ? pipeline.prefix : pipeline.suffix;
    const bool wanted = config[name].get<bool>();
    const bool present = std::find(ids.begin(), ids.end(), *id) != ids.end();
    if (wanted && !present) ids.insert(front ? ids.begin() : ids.end(), *id);
    if (!wanted && present) std::erase(ids, *id);
  };
  set("add_bos_token", pipeline.bos, true);
  set("add_eos_token", pipeline.eos, false);
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_tokenizer_json(std::string_view json,
                                                          std::string_view tokenizer_config_json) {
  if (json.size() > limits::kMaxTokenizerBytes) {
    throw Error(Code::kCorruptFile,
                fmt::format("tokenizer.json: {} bytes, the limit is {}", json.size(), limits::kMaxTokenizerBytes));
  }
  const Json file = parse_json(json, "tokenizer.json");
  const Json& model = json_field(file, "model", "file");
  const std::string type = model_type(model);
  std::vector<double> scores;
  Words words = read_words(model, scores);
  Pipeline pipeline;
  pipeline.added = read_added(file, words);
  pipeline.vocabulary = std::make_unique<Vocabulary>(std::move(words.texts), std::move(words.kinds));
  const Vocabulary& vocabulary = *pipeline.vocabulary;

  const Json none;
  const auto component = [&](const char* name) -> const Json& { return file.contains(name) ? file[name] : none; };
  add_normalizers(component("normalizer"), pipeline.normalizers);
  bool over_bytes = add_pre_tokenizers(component("pre_tokenizer"), pipeline.pre_tokenizers);
  add_post_processor(component("post_processor"), vocabulary, pipeline.prefix, pipeline.suffix);
  if (over_bytes && (type != "BPE" || !optional_string(model, "end_of_word_suffix").empty() ||
                     !optional_string(model, "continuing_subword_prefix").empty())) {
    pipeline.pre_tokenizers.push_back(byte_alphabet_mapper());
    over_bytes = false;
  }

  if (type == "BPE")
    pipeline.model = make_bpe(model, vocabulary, over_bytes);
  else if (type == "Unigram")
    pipeline.model = make_unigram(model, vocabulary, std::move(scores));
  else if (type == "WordPiece")
    pipeline.model = make_wordpiece(model, vocabulary);
  else if (type == "WordLevel")
    pipeline.model = std::make_unique<WordLevelModel>(vocabulary, optional_word(model, "unk_token", vocabulary));
  else
    throw Error(Code::kUnsupported, fmt::format("tokenizer.json: model '{}'", sanitize_utf8(type.substr(0, 100))));

  const TokenReader reader(component("decoder"));
  pipeline.strip_leading_space = reader.strip_leading_space;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const bool plain = vocabulary.kind(id) == TokenKind::kNormal || vocabulary.kind(id) == TokenKind::kUnused;
    pipeline.bytes.push_back(plain ? reader.read(vocabulary.text(id)) : vocabulary.text(id));
  }
  for (AddedToken& token : pipeline.added) {
    if (token.normalized) token.text = normalize_all(pipeline.normalizers, token.text);
  }
  apply_config(pipeline,
               tokenizer_config_json.empty() ? none : parse_json(tokenizer_config_json, "tokenizer_config.json"));
  return std::make_unique<PipelineTokenizer>(std::move(pipeline));
}

}  // namespace shenbi::tokenizers
