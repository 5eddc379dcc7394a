#pragma once
// One view of a checkpoint, whatever the file: named tensors, configuration, tokenizer and template data.
//
//   auto checkpoint = Checkpoint::open("gemma-3-270m-q4_k_m.gguf");   // or model.safetensors, or a Hugging Face folder
//   const TensorEntry& embedding = checkpoint->at("token_embd.weight");
//
// The entries point into memory maps that live as long as the Checkpoint. Everything is checked when it is opened:
// names are unique, sizes and offsets lie inside the file and do not overlap. Throws Error{kCorruptFile} naming file,
// field, value.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "kernels/quant_type.h"

namespace shenbi::formats {

struct TensorEntry {
  std::string name;                ///< as the file writes it
  const kernels::QuantType* type;  ///< never null
  std::vector<uint64_t> shape;     ///< outermost first, as in PyTorch: [rows, columns]; empty for a scalar
  std::span<const std::byte> data;

  uint64_t elements() const noexcept;
  std::string shape_text() const;  ///< "[2048, 640]"
};

/// A GGUF metadata value. Arrays are homogeneous; integers of all widths are widened.
struct MetadataArray;
using MetadataArrayVariant = std::variant<std::vector<int64_t>, std::vector<uint64_t>, std::vector<double>,
                                          std::vector<uint8_t>, std::vector<std::string_view>,
                                          std::vector<MetadataArray>>;  // uint8_t: bool; strings point into the map
struct MetadataArray : MetadataArrayVariant {
  using MetadataArrayVariant::MetadataArrayVariant;
};
using MetadataValue = std::variant<int64_t, uint64_t, double, bool, std::string_view, MetadataArray>;

/// What a value is, in words for an error or a listing: "an unsigned integer", "an array of strings".
std::string_view kind_text(const MetadataValue& value) noexcept;

enum class CheckpointKind { kGguf, kSafetensors, kHuggingFaceFolder };

class Checkpoint {
 public:
  /// Opens a .gguf file (first shard of a split one included), a .safetensors file, or a folder with config.json and
  /// one or many .safetensors. Throws Error{kNotFound, kCorruptFile, kUnsupported}.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path);

  virtual ~Checkpoint() = default;
  virtual CheckpointKind kind() const noexcept = 0;
  const std::filesystem::path& path() const noexcept { return path_; }

  const std::vector<TensorEntry>& tensors() const noexcept { return tensors_; }
  const TensorEntry* find(std::string_view name) const noexcept;
  /// Throws Error{kCorruptFile} "<file>: tensor '<name>' is missing".
  const TensorEntry& at(std::string_view name) const;

  /// GGUF metadata; empty for the other kinds.
  const std::map<std::string, MetadataValue, std::less<>>& metadata() const noexcept { return metadata_; }
  /// config.json (Hugging Face folder) or an empty object.
  const nlohmann::json& config() const noexcept;
  /// Text of a file of the folder ("tokenizer.json", "generation_config.json", "chat_template.jinja", ...), or nothing.
  virtual std::optional<std::string> side_file(std::string_view name) const = 0;

  /// The files behind the tensors, first shard first.
  const std::vector<std::shared_ptr<const MappedFile>>& files() const noexcept { return files_; }
  /// Throws Error{kCorruptFile} naming the file that is no longer what was opened; what was read from it may be zeros.
  /// Loaders ask before each long read, the engine after every pass.
  void require_whole() const;
  /// Tells the kernel that this tensor's bytes will not be read again soon.
  void forget(const TensorEntry& tensor) const noexcept;

  // Typed look-ups in metadata. Absent: nothing. Present with another type: Error{kCorruptFile} "<file>: metadata
  // '<key>': expected X, found Y".
  std::optional<uint64_t> get_uint(std::string_view key) const;  // refuses negative numbers
  std::optional<double> get_float(std::string_view key) const;   // refuses NaN and infinities
  std::optional<bool> get_bool(std::string_view key) const;
  std::optional<std::string_view> get_string(std::string_view key) const;
  const std::vector<std::string_view>* get_strings(std::string_view key) const;

 protected:
  /// Fills by_name_. Throws Error{kCorruptFile} on a name that occurs twice.
  void index_tensors();

  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::filesystem::path path_;
  std::vector<TensorEntry> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::map<std::string, MetadataValue, std::less<>> metadata_;
  std::shared_ptr<const nlohmann::json> config_;
};

}  // namespace shenbi::formats
