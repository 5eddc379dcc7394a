#include "formats/inspect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/limits.h"
#include "formats/chat_template.h"
#include "formats/config_reader.h"
#include "formats/text.h"
#include "formats/tokenizer_summary.h"

namespace shenbi::formats {

namespace {

constexpr uint64_t kDefaultContext = 8192;  // what a chat usually gets when nothing is said
constexpr uint64_t kCacheBytesPerValue = 2;
constexpr size_t kShownItems = 4;  // of a metadata list

constexpr ConfigKey kLayers = {"{arch}.block_count", "num_hidden_layers|n_layer|n_layers|num_layers"};
constexpr ConfigKey kEmbedding = {"{arch}.embedding_length", "hidden_size|n_embd|d_model"};
constexpr ConfigKey kContext = {"{arch}.context_length",
                                "max_position_embeddings|n_positions|seq_length|max_seq_len|max_sequence_length|n_ctx"};
constexpr ConfigKey kHeads = {"{arch}.attention.head_count", "num_attention_heads|n_head|n_heads|num_heads"};
constexpr ConfigKey kKvHeads = {"{arch}.attention.head_count_kv",
                                "num_key_value_heads|num_kv_heads|n_head_kv|multi_query_group_num"};
constexpr ConfigKey kKeyDim = {"{arch}.attention.key_length", "head_dim|kv_channels"};
constexpr ConfigKey kValueDim = {"{arch}.attention.value_length", "v_head_dim"};
constexpr ConfigKey kLatentRank = {"{arch}.attention.kv_lora_rank", "kv_lora_rank"};
constexpr ConfigKey kRopeDims = {"{arch}.rope.dimension_count", "qk_rope_head_dim"};
constexpr ConfigKey kVocabulary = {"{arch}.vocab_size", "vocab_size|padded_vocab_size"};

std::string_view format_text(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kGguf:
      return "GGUF";
    case CheckpointKind::kSafetensors:
      return "safetensors";
    case CheckpointKind::kHuggingFaceFolder:
      return "Hugging Face folder";
  }
  return "";
}

/// "license: apache-2.0" of the YAML at the top of a model card.
std::string licence_of_card(std::string_view card) {
  if (!card.starts_with("---")) return "";
  const std::string_view yaml = card.substr(0, card.find("\n---", 3));
  const size_t at = yaml.find("\nlicense:");
  if (at == yaml.npos) return "";
  std::string_view value = yaml.substr(at + std::string_view("\nlicense:").size());
  value = value.substr(0, value.find_first_of("\r\n"));
  const size_t first = value.find_first_not_of(" \"'");
  const size_t last = value.find_last_not_of(" \"'");
  return first == value.npos ? "" : printable(value.substr(first, last - first + 1));
}

void read_names(const Checkpoint& checkpoint, Inspection& out) {
  if (checkpoint.kind() == CheckpointKind::kGguf) {
    out.name = printable(checkpoint.get_string("general.name").value_or(""));
    out.licence = printable(checkpoint.get_string("general.license").value_or(""));
    return;
  }
  out.name = printable(checkpoint.path().filename().string());
  if (const auto card = checkpoint.side_file("README.md")) out.licence = licence_of_card(*card);
}

void count_tensors(const Checkpoint& checkpoint, Inspection& out) {
  std::map<std::string_view, TypeCount> types;
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    TypeCount& count = types[tensor.type->name];
    count.type = tensor.type->name;
    count.tensors += 1;
    count.elements += tensor.elements();
    count.bytes += tensor.data.size();
    out.parameters += tensor.elements();
    out.memory.weights += tensor.data.size();
    out.tensors.push_back({.name = tensor.name,
                           .type = std::string(tensor.type->name),
                           .shape = tensor.shape,
                           .bytes = tensor.data.size()});
  }
  for (auto& [name, count] : types) out.types.push_back(std::move(count));
  std::stable_sort(out.types.begin(), out.types.end(),
                   [](const TypeCount& a, const TypeCount& b) { return a.bytes > b.bytes; });
}

/// Keys and values of one position in all layers, in values.
std::optional<uint64_t> cache_values(const ConfigReader& config, const Inspection& found) {
  if (!found.layers) return std::nullopt;
  if (const auto rank = config.find_uint(kLatentRank, {0, limits::kMaxEmbedding}); rank && *rank > 0) {
    // Latent attention keeps one compressed row and one rotated key for all heads.
    return *found.layers * (*rank + config.uint_or(kRopeDims, 64, {0, limits::kMaxHeadDim}));
  }
  auto kv_heads = config.uint_per_layer(kKvHeads, *found.layers, {0, limits::kMaxHeads});
  if (kv_heads.empty()) kv_heads = config.uint_per_layer(kHeads, *found.layers, {0, limits::kMaxHeads});
  if (kv_heads.empty() || !found.head_dim) return std::nullopt;
  const uint64_t value_dim = config.uint_or(kValueDim, *found.head_dim, {1, limits::kMaxHeadDim});
  uint64_t sum = 0;
  for (const uint64_t heads : kv_heads) sum += heads * (*found.head_dim + value_dim);
  return sum;
}

std::optional<uint64_t> largest(const std::vector<uint64_t>& values) {
  if (values.empty()) return std::nullopt;
  return *std::max_element(values.begin(), values.end());
}

void read_parameters(const ConfigReader& config, Inspection& out) {
  out.architecture = config.architecture();
  out.layers = config.find_uint(kLayers, {1, limits::kMaxLayers});
  out.embedding_size = config.find_uint(kEmbedding, {1, limits::kMaxEmbedding});
  out.context_length = config.find_uint(kContext, {1, limits::kMaxContext});
  out.vocab_size = config.find_uint(kVocabulary, {1, limits::kMaxVocabulary});
  if (!out.layers) return;
  out.num_heads = largest(config.uint_per_layer(kHeads, *out.layers, {0, limits::kMaxHeads}));
  out.num_kv_heads = largest(config.uint_per_layer(kKvHeads, *out.layers, {0, limits::kMaxHeads}));
  out.head_dim = config.find_uint(kKeyDim, {1, limits::kMaxHeadDim});
  if (!out.head_dim && out.embedding_size && out.num_heads && *out.num_heads > 0) {
    out.head_dim = *out.embedding_size / *out.num_heads;
  }
}

std::string shown_scalar(const MetadataValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return fmt::to_string(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return fmt::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{:.9g}", *number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string_view>(&value)) return printable(*text, 120);
  return "[...]";
}

std::string shown(const MetadataValue& value) {
  const auto* array = std::get_if<MetadataArray>(&value);
  if (!array) return shown_scalar(value);
  const auto list = [](const auto& values) {
    using Item = typename std::decay_t<decltype(values)>::value_type;
    std::vector<std::string> items;
    for (size_t i = 0; i < std::min(values.size(), kShownItems); ++i) {
      if constexpr (std::is_same_v<Item, uint8_t>) {
        items.push_back(values[i] ? "true" : "false");
      } else {
        items.push_back(shown_scalar(MetadataValue(values[i])));
      }
    }
    return fmt::format("{} values: {}{}", values.size(), fmt::join(items, ", "),
                       values.size() > kShownItems ? ", ..." : "");
  };
  return std::visit(list, static_cast<const MetadataArrayVariant&>(*array));
}

void read_metadata(const Checkpoint& checkpoint, Inspection& out) {
  for (const auto& [key, value] : checkpoint.metadata()) {
    out.metadata.push_back({.key = key, .kind = std::string(kind_text(value)), .value = shown(value)});
  }
  for (const auto& [key, value] : checkpoint.config().items()) {
    const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    out.metadata.push_back({.key = printable(key), .kind = value.type_name(), .value = printable(text, 120)});
  }
}

}  // namespace

Inspection inspect(const Checkpoint& checkpoint, uint64_t context) {
  Inspection out;
  out.path = checkpoint.path().string();
  out.format = format_text(checkpoint.kind());
  for (const auto& file : checkpoint.files()) out.file_bytes += file->bytes().size();
  out.files = checkpoint.files().size();
  read_names(checkpoint, out);
  count_tensors(checkpoint, out);

  const ConfigReader config(checkpoint);
  read_parameters(config, out);
  out.tokenizer = summarize_tokenizer(checkpoint);
  if (!out.vocab_size && out.tokenizer && out.tokenizer->tokens > 0) out.vocab_size = out.tokenizer->tokens;
  out.chat_template = chat_template(checkpoint);

  out.memory.context = context > 0 ? context : std::min(out.context_length.value_or(kDefaultContext), kDefaultContext);
  out.memory.context = std::min(out.memory.context, limits::kMaxContext);
  if (const auto values = cache_values(config, out))
    out.memory.kv_cache = *values * out.memory.context * kCacheBytesPerValue;
  read_metadata(checkpoint, out);
  return out;
}

}  // namespace shenbi::formats
