#include "engine/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "base/reason.h"
#include "formats/cache_folder.h"
#include "formats/model_store.h"

namespace shenbi::engine {
namespace {

namespace fs = std::filesystem;
using formats::Checkpoint;
using formats::CheckpointKind;

std::optional<int32_t> token_id(const Checkpoint& checkpoint, std::string_view key) {
  const auto value = checkpoint.get_uint(key);
  // 2^32 - 1 is what some writers store for "none".
  if (!value || *value == 0xFFFFFFFFu) return std::nullopt;
  if (*value > limits::kMaxVocabulary) {
    throw Error(Code::kCorruptFile, fmt::format("{}: {} is {}, more than any vocabulary ({})",
                                                checkpoint.path().string(), key, *value, limits::kMaxVocabulary));
  }
  return static_cast<int32_t>(*value);
}

template <class To, class From>
std::vector<To> numbers(const formats::MetadataArray& array) {
  const auto* values = std::get_if<std::vector<From>>(&array);
  return values ? std::vector<To>(values->begin(), values->end()) : std::vector<To>();
}

const formats::MetadataArray* find_array(const Checkpoint& checkpoint, std::string_view key) {
  const auto found = checkpoint.metadata().find(key);
  if (found == checkpoint.metadata().end()) return nullptr;
  const auto* array = std::get_if<formats::MetadataArray>(&found->second);
  if (!array)
    throw Error(Code::kCorruptFile, fmt::format("{}: {}: expected an array", checkpoint.path().string(), key));
  return array;
}

std::vector<float> float_array(const Checkpoint& checkpoint, std::string_view key) {
  const auto* array = find_array(checkpoint, key);
  if (!array) return {};
  if (!std::holds_alternative<std::vector<double>>(*array)) {
    throw Error(Code::kCorruptFile, fmt::format("{}: {}: expected array of f32", checkpoint.path().string(), key));
  }
  return numbers<float, double>(*array);
}

std::vector<int32_t> int_array(const Checkpoint& checkpoint, std::string_view key) {
  const auto* array = find_array(checkpoint, key);
  if (!array) return {};
  if (std::holds_alternative<std::vector<uint64_t>>(*array)) return numbers<int32_t, uint64_t>(*array);
  if (std::holds_alternative<std::vector<int64_t>>(*array)) return numbers<int32_t, int64_t>(*array);
  throw Error(Code::kCorruptFile, fmt::format("{}: {}: expected array of i32", checkpoint.path().string(), key));
}

std::unique_ptr<tokenizers::Tokenizer> tokenizer_from_gguf(const Checkpoint& checkpoint,
                                                           tokenizers::TokenizerTables* tables) {
  tokenizers::GgufVocabulary v;
  const auto model = checkpoint.get_string("tokenizer.ggml.model");
  if (!model) {
    throw Error(Code::kCorruptFile, fmt::format("{}: tokenizer.ggml.model is missing", checkpoint.path().string()));
  }
  v.model = *model;
  v.pre = checkpoint.get_string("tokenizer.ggml.pre").value_or("");
  if (const auto* tokens = checkpoint.get_strings("tokenizer.ggml.tokens")) v.tokens = *tokens;
  if (const auto* merges = checkpoint.get_strings("tokenizer.ggml.merges")) v.merges = *merges;
  v.scores = float_array(checkpoint, "tokenizer.ggml.scores");
  v.kinds = int_array(checkpoint, "tokenizer.ggml.token_type");
  v.bos = token_id(checkpoint, "tokenizer.ggml.bos_token_id");
  v.eos = token_id(checkpoint, "tokenizer.ggml.eos_token_id");
  v.eot = token_id(checkpoint, "tokenizer.ggml.eot_token_id");
  v.eom = token_id(checkpoint, "tokenizer.ggml.eom_token_id");
  v.unknown = token_id(checkpoint, "tokenizer.ggml.unknown_token_id");
  v.separator = token_id(checkpoint, "tokenizer.ggml.seperator_token_id");  // spelled so in the format
  v.padding = token_id(checkpoint, "tokenizer.ggml.padding_token_id");
  v.mask = token_id(checkpoint, "tokenizer.ggml.mask_token_id");
  v.add_bos = checkpoint.get_bool("tokenizer.ggml.add_bos_token");
  v.add_eos = checkpoint.get_bool("tokenizer.ggml.add_eos_token");
  v.add_space_prefix = checkpoint.get_bool("tokenizer.ggml.add_space_prefix");
  v.remove_extra_whitespaces = checkpoint.get_bool("tokenizer.ggml.remove_extra_whitespaces");
  v.escape_whitespaces = checkpoint.get_bool("tokenizer.ggml.escape_whitespaces");
  std::vector<int32_t> charsmap = int_array(checkpoint, "tokenizer.ggml.precompiled_charsmap");
  const std::string charsmap_bytes(charsmap.begin(), charsmap.end());
  v.precompiled_charsmap = charsmap_bytes;
  return tokenizers::Tokenizer::from_gguf(v, tables);
}

struct LoadedTokenizer {
  std::unique_ptr<tokenizers::Tokenizer> tokenizer;
  std::shared_ptr<const formats::CacheFile> kept;
  std::unique_ptr<formats::PendingCacheFile> pending;
};

// The tables of a GGUF's vocabulary are kept; the other kinds spend their time reading JSON.
LoadedTokenizer load_cached_tokenizer(const Checkpoint& checkpoint, const formats::CacheFolder& cache) {
  if (checkpoint.kind() != CheckpointKind::kGguf || cache.empty())
    return {load_tokenizer(checkpoint), nullptr, nullptr};
  constexpr uint64_t kTag = 0;
  const auto key = formats::cache_key(checkpoint);
  const std::string kind = fmt::format("tokenizer-{}", tokenizers::kTokenizerTablesVersion);
  tokenizers::TokenizerTables tables;
  const auto file = cache.find(key, kind);
  if (file) tables = {.kept = file->part(kTag), .owner = file, .built = {}};
  LoadedTokenizer loaded{.tokenizer = tokenizer_from_gguf(checkpoint, &tables), .kept = file, .pending = nullptr};
  if (!tables.built.empty()) {
    if (!tables.kept.empty())
      log_warn("{}: the kept vocabulary is another one; made again", checkpoint.path().string());
    const auto built = std::make_shared<std::vector<std::byte>>(std::move(tables.built));
    loaded.pending = cache.keep(key, kind, *checkpoint.files().front(), {{kTag, *built}}, built);
  }
  return loaded;
}

std::string read_small_file(const fs::path& path, uint64_t limit) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (bytes.size() > limit) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {} bytes, the limit for this file is {}", path.string(), bytes.size(), limit));
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// generation_config.json: what the model's makers recommend, and the ids that end an answer.
void read_generation_config(const Checkpoint& checkpoint, Model& model) {
  const auto text = checkpoint.side_file("generation_config.json");
  if (!text) return;
  const Json config = parse_json(*text, "generation_config.json");
  const auto number = [&](const char* key, auto& field) {
    if (const auto found = config.find(key); found != config.end() && found->is_number()) {
      field = found->get<std::remove_reference_t<decltype(field)>>();
    }
  };
  number("temperature", model.defaults.temperature);
  number("top_k", model.defaults.top_k);
  number("top_p", model.defaults.top_p);
  number("min_p", model.defaults.min_p);
  number("repetition_penalty", model.defaults.repetition_penalty);
  if (config.contains("do_sample") && config["do_sample"] == false) model.defaults.temperature = 0;
  const auto add = [&](const Json& id) {
    if (id.is_number_integer()) model.stop_ids.push_back(id.get<int32_t>());
  };
  if (const auto found = config.find("eos_token_id"); found != config.end()) {
    if (found->is_array())
      for (const Json& id : *found) add(id);
    else
      add(*found);
  }
}

}  // namespace

fs::path resolve_model(const std::string& name) {
  std::error_code none;
  if (fs::exists(name, none)) return name;
  const bool path_like =
      name.find('/') == 0 || name.starts_with("./") || name.starts_with("../") || name.ends_with(".gguf");
  if (path_like) throw Error(Code::kNotFound, fmt::format("{}: no such file or folder", name));
  if (auto path = formats::ModelStore(data_folder()).find(name)) return *path;
  throw ReasonedError(Code::kNotFound, Reason::kModelNotFound,
                      fmt::format("no model '{}' here; get it with: shenbi pull {}", name, name));
}

std::unique_ptr<tokenizers::Tokenizer> load_tokenizer(const Checkpoint& checkpoint) {
  if (checkpoint.kind() == CheckpointKind::kGguf) return tokenizer_from_gguf(checkpoint, nullptr);
  if (const auto json = checkpoint.side_file("tokenizer.json")) {
    return tokenizers::Tokenizer::from_tokenizer_json(*json,
                                                      checkpoint.side_file("tokenizer_config.json").value_or(""));
  }
  if (const auto model = checkpoint.side_file("tokenizer.model"))
    return tokenizers::Tokenizer::from_sentencepiece(*model);
  throw Error(Code::kNotFound, fmt::format("{}: no tokenizer.json and no tokenizer.model", checkpoint.path().string()));
}

std::unique_ptr<tokenizers::Tokenizer> load_tokenizer(const fs::path& path) {
  if (path.filename() == "tokenizer.json" || path.extension() == ".json") {
    return tokenizers::Tokenizer::from_tokenizer_json(read_small_file(path, limits::kMaxTokenizerBytes));
  }
  if (path.extension() == ".model") {
    return tokenizers::Tokenizer::from_sentencepiece(read_small_file(path, limits::kMaxTokenizerBytes));
  }
  return load_tokenizer(*Checkpoint::open(path));
}

std::optional<chat::ChatTemplate> load_chat_template(const Checkpoint& checkpoint) {
  const std::string source = checkpoint.path().filename().string();
  if (const auto text = checkpoint.get_string("tokenizer.chat_template")) {
    return chat::ChatTemplate::parse(*text, source + ":tokenizer.chat_template");
  }
  if (const auto text = checkpoint.side_file("chat_template.jinja")) {
    return chat::ChatTemplate::parse(*text, source + "/chat_template.jinja");
  }
  const auto config_text = checkpoint.side_file("tokenizer_config.json");
  if (!config_text) return std::nullopt;
  const Json config = parse_json(*config_text, "tokenizer_config.json");
  const auto found = config.find("chat_template");
  if (found == config.end()) return std::nullopt;
  if (found->is_string()) {
    return chat::ChatTemplate::parse(found->get<std::string>(), source + "/tokenizer_config.json:chat_template");
  }
  // A list of named templates: the one called "default" is for plain chats.
  for (const Json& entry : *found) {
    if (entry.is_object() && entry.value("name", "") == "default") {
      return chat::ChatTemplate::parse(entry.value("template", ""), source + "/tokenizer_config.json:chat_template");
    }
  }
  return std::nullopt;
}

namespace {

void read_parts(Model& model, const fs::path& path, const models::DecoderOptions& options, ThreadTeam& team) {
  // A large vocabulary costs as much time as packing a small model, so both go on side by side.
  auto tokenizer =
      std::async(std::launch::async, [&] { return load_cached_tokenizer(*model.checkpoint, options.cache); });
  model.chat_template = load_chat_template(*model.checkpoint);
  if (model.chat_template) model.template_form = chat::template_form(*model.chat_template);
  model.decoder = models::Decoder::load(model.checkpoint, options, team);
  LoadedTokenizer loaded = tokenizer.get();
  model.tokenizer = std::move(loaded.tokenizer);
  model.kept_vocabulary = std::move(loaded.kept);
  model.pending_cache = std::move(loaded.pending);
  model.stop_ids = model.tokenizer->stop_ids();
  read_generation_config(*model.checkpoint, model);
  std::sort(model.stop_ids.begin(), model.stop_ids.end());
  model.stop_ids.erase(std::unique(model.stop_ids.begin(), model.stop_ids.end()), model.stop_ids.end());
  const uint32_t rows = model.decoder->spec().vocab_size;
  if (model.tokenizer->vocab_size() > rows) {
    throw Error(Code::kCorruptFile, fmt::format("{}: the tokenizer has {} tokens, the embedding only {} rows",
                                                path.string(), model.tokenizer->vocab_size(), rows));
  }
}

}  // namespace

void Model::require_whole() const {
  decoder->require_whole();
  if (kept_vocabulary) kept_vocabulary->require_whole();
}

std::shared_ptr<const Model> load_model(const fs::path& path, const models::DecoderOptions& options, ThreadTeam& team) {
  auto model = std::make_shared<Model>();
  model->name = path.filename().string();
  model->checkpoint = Checkpoint::open(path);
  try {
    read_parts(*model, path, options, team);
  } catch (const Error&) {
    // Bytes that vanished while they were read look like all kinds of errors; the reason is worth more.
    model->checkpoint->require_whole();
    throw;
  }
  model->require_whole();
  return model;
}

}  // namespace shenbi::engine
