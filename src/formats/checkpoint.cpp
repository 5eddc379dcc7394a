#include "formats/checkpoint.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "formats/layout.h"
#include "formats/text.h"

namespace shenbi::formats {

uint64_t TensorEntry::elements() const noexcept { return element_count(shape).value_or(0); }

std::string TensorEntry::shape_text() const { return formats::shape_text(shape); }

std::string_view kind_text(const MetadataValue& value) noexcept {
  static constexpr std::array<std::string_view, 5> kScalars = {"an integer", "an unsigned integer", "a float", "a bool",
                                                               "a string"};
  static constexpr std::array<std::string_view, 6> kArrays = {"an array of integers", "an array of unsigned integers",
                                                              "an array of floats",   "an array of bools",
                                                              "an array of strings",  "an array of arrays"};
  if (const auto* array = std::get_if<MetadataArray>(&value)) return kArrays[array->index()];
  return kScalars[value.index()];
}

const TensorEntry* Checkpoint::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

const TensorEntry& Checkpoint::at(std::string_view name) const {
  if (const TensorEntry* tensor = find(name)) return *tensor;
  throw Error(Code::kCorruptFile, fmt::format("{}: tensor '{}' is missing", path_.string(), name));
}

const nlohmann::json& Checkpoint::config() const noexcept {
  static const nlohmann::json kEmpty = nlohmann::json::object();
  return config_ ? *config_ : kEmpty;
}

void Checkpoint::require_whole() const {
  for (const auto& file : files_) {
    if (!file->still_whole()) {
      throw Error(Code::kCorruptFile,
                  fmt::format("{}: the file was cut short or changed while it was in use", file->path().string()));
    }
  }
}

void Checkpoint::forget(const TensorEntry& tensor) const noexcept {
  for (const auto& file : files_) {
    const auto bytes = file->bytes();
    if (tensor.data.data() < bytes.data() || tensor.data.data() >= bytes.data() + bytes.size()) continue;
    file->forget(static_cast<size_t>(tensor.data.data() - bytes.data()), tensor.data.size());
  }
}

void Checkpoint::index_tensors() {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (by_name_.emplace(tensors_[i].name, i).second) continue;
    throw Error(Code::kCorruptFile, fmt::format("{}: tensor '{}' occurs twice", path_.string(), tensors_[i].name));
  }
}

namespace {

[[noreturn]] void wrong_kind(const std::filesystem::path& path, std::string_view key, std::string_view expected,
                             const MetadataValue& found) {
  throw Error(Code::kCorruptFile,
              fmt::format("{}: metadata '{}': expected {}, found {}", path.string(), key, expected, kind_text(found)));
}

}  // namespace

std::optional<uint64_t> Checkpoint::get_uint(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  if (const auto* value = std::get_if<uint64_t>(&found->second)) return *value;
  const auto* value = std::get_if<int64_t>(&found->second);
  if (!value) wrong_kind(path_, key, "an unsigned integer", found->second);
  if (*value < 0) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: metadata '{}' is {}, it cannot be negative", path_.string(), key, *value));
  }
  return static_cast<uint64_t>(*value);
}

std::optional<double> Checkpoint::get_float(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* value = std::get_if<double>(&found->second);
  if (!value) wrong_kind(path_, key, "a float", found->second);
  if (!std::isfinite(*value)) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: metadata '{}' is {}, not a finite number", path_.string(), key, *value));
  }
  return *value;
}

std::optional<bool> Checkpoint::get_bool(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* value = std::get_if<bool>(&found->second);
  if (!value) wrong_kind(path_, key, "a bool", found->second);
  return *value;
}

std::optional<std::string_view> Checkpoint::get_string(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* value = std::get_if<std::string_view>(&found->second);
  if (!value) wrong_kind(path_, key, "a string", found->second);
  return *value;
}

const std::vector<std::string_view>* Checkpoint::get_strings(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return nullptr;
  const auto* array = std::get_if<MetadataArray>(&found->second);
  const auto* strings = array ? std::get_if<std::vector<std::string_view>>(array) : nullptr;
  if (!strings) wrong_kind(path_, key, "an array of strings", found->second);
  return strings;
}

}  // namespace shenbi::formats
