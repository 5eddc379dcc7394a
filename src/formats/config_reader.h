#pragma once
// Hyper-parameters of a checkpoint, whichever way it writes them: GGUF metadata or a Hugging Face config.json.
//
//   ConfigReader config(*checkpoint);
//   const auto layers = config.uint({.gguf = "{arch}.block_count", .hf = "num_hidden_layers|n_layer"}, {1,
//   limits::kMaxLayers}); const auto kv = config.uint_per_layer({.gguf = "{arch}.attention.head_count_kv", .hf =
//   "num_key_value_heads"}, layers,
//                                         {0, limits::kMaxHeads});
//   const double theta = config.real_or({.gguf = "{arch}.rope.freq_base", .hf =
//   "rope_theta|rope_parameters.rope_theta"}, 1e4);
//
// A name may list alternatives ("a|b", the first that is there counts) and, for JSON, lead into objects
// ("rope_scaling.factor").
// "{arch}" stands for general.architecture. A JSON null is as good as absent. Where config.json keeps the language
// model in text_config (llm_config, language_config), a key is looked up there first and at the top second.
//
// Nothing is returned unchecked: every number lies in its range, reals are finite, lists have the length asked for.
// Throws Error{kCorruptFile} naming file, key, value and bound. The Checkpoint must outlive the reader.

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"

namespace shenbi::formats {

/// Where a parameter is found; empty where a format has no such key.
struct ConfigKey {
  std::string_view gguf = {};
  std::string_view hf = {};
};

struct UintRange {
  uint64_t min = 0, max = std::numeric_limits<uint32_t>::max();
};
struct RealRange {
  double min = std::numeric_limits<double>::lowest(), max = std::numeric_limits<double>::max();
};

class ConfigReader {
 public:
  explicit ConfigReader(const Checkpoint& checkpoint);

  bool is_gguf() const noexcept { return checkpoint_.kind() == CheckpointKind::kGguf; }
  /// general.architecture, or model_type of the language model ("llama", "gemma3_text"). "" if there is none.
  const std::string& architecture() const noexcept { return architecture_; }

  bool has(const ConfigKey& key) const;

  // Required: absent is an error.
  uint64_t uint(const ConfigKey& key, UintRange range = {}) const;
  double real(const ConfigKey& key, RealRange range = {}) const;
  bool flag(const ConfigKey& key) const;
  std::string text(const ConfigKey& key) const;

  // Optional.
  std::optional<uint64_t> find_uint(const ConfigKey& key, UintRange range = {}) const;
  std::optional<double> find_real(const ConfigKey& key, RealRange range = {}) const;
  std::optional<bool> find_flag(const ConfigKey& key) const;
  std::optional<std::string> find_text(const ConfigKey& key) const;

  uint64_t uint_or(const ConfigKey& key, uint64_t fallback, UintRange range = {}) const;
  double real_or(const ConfigKey& key, double fallback, RealRange range = {}) const;
  bool flag_or(const ConfigKey& key, bool fallback) const;
  std::string text_or(const ConfigKey& key, std::string_view fallback) const;

  // One value a layer: a list of exactly `layers` values, or one value that holds for all. Empty if absent.
  std::vector<uint64_t> uint_per_layer(const ConfigKey& key, uint64_t layers, UintRange range = {}) const;
  std::vector<bool> flag_per_layer(const ConfigKey& key, uint64_t layers) const;

  // Lists (a single value is a list of one) of at most `max_count` values. Empty if absent.
  std::vector<uint64_t> uints(const ConfigKey& key, uint64_t max_count, UintRange range = {}) const;
  std::vector<double> reals(const ConfigKey& key, uint64_t max_count, RealRange range = {}) const;
  std::vector<std::string> texts(const ConfigKey& key, uint64_t max_count) const;

  /// "<file>: metadata 'llama.block_count'" or "<folder>/config.json: 'num_hidden_layers'": the beginning of an error
  /// about a value that is wrong for a reason only the caller can see.
  std::string place(const ConfigKey& key) const;

 private:
  /// One value and where it was found. Exactly one of the pointers is set, or none: absent.
  struct Found {
    std::string name;
    const MetadataValue* metadata = nullptr;
    const nlohmann::json* json = nullptr;
    explicit operator bool() const noexcept { return metadata || json; }
  };
  Found find(const ConfigKey& key) const;
  Found find_metadata(std::string_view names) const;
  Found find_json(std::string_view names) const;
  std::string place_of(std::string_view name) const;
  [[noreturn]] void missing(const ConfigKey& key) const;

  const Checkpoint& checkpoint_;
  const nlohmann::json* language_model_ = nullptr;  ///< text_config, if there is one
  std::string architecture_;
};

}  // namespace shenbi::formats
