#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/limits.h"
#include "formats/layout.h"
#include "formats/tensor_writer.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace {

constexpr uint32_t kVersion = 3;
// What the field's readers take; ours takes more.
constexpr size_t kMaxNameBytes = 63;
constexpr size_t kMaxDims = 4;

template <class T>
std::string encoded(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string encoded_string(std::string_view text) { return encoded<uint64_t>(text.size()) + std::string(text); }

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

GgufWriter::GgufWriter(std::filesystem::path path, uint64_t alignment) : TensorWriter(std::move(path), alignment) {
  if (!std::has_single_bit(alignment) || alignment < 8)
    refuse(fmt::format("alignment {} is not a power of two from 8", alignment));
  if (alignment != kGgufDefaultAlignment) set("general.alignment", static_cast<uint32_t>(alignment));
}

void GgufWriter::check(const Declared& tensor) const {
  if (tensor.type->gguf_id >= kernels::kFirstNonGgufTypeId) {
    refuse_tensor(tensor.name, fmt::format("GGUF has no type {}", tensor.type->name));
  }
  if (tensor.name.size() > kMaxNameBytes)
    refuse_tensor(tensor.name, fmt::format("GGUF names have at most {} bytes", kMaxNameBytes));
  if (tensor.shape.size() > kMaxDims)
    refuse_tensor(tensor.name, fmt::format("GGUF tensors have at most {} dimensions", kMaxDims));
  if (element_count(tensor.shape) == 0) {
    refuse_tensor(tensor.name,
                  fmt::format("shape {} has no elements, which GGUF cannot say", shape_text(tensor.shape)));
  }
}

void GgufWriter::store(std::string_view key, GgufValueType type, std::string value) {
  require_open();
  if (key.empty() || key.size() > limits::kMaxNameBytes || !is_plain_text(key)) {
    refuse(fmt::format("the metadata key '{}' is not a name", printable(key)));
  }
  value.insert(0, encoded(static_cast<uint32_t>(type)));
  const auto [place, is_new] = place_.try_emplace(std::string(key), metadata_.size());
  if (is_new) {
    metadata_.emplace_back(key, std::move(value));
  } else {
    metadata_[place->second].second = std::move(value);
  }
}

void GgufWriter::store_array(std::string_view key, GgufValueType type, uint64_t count, std::string_view values) {
  store(key, GgufValueType::kArray, encoded(static_cast<uint32_t>(type)) + encoded(count) + std::string(values));
}

void GgufWriter::set(std::string_view key, uint8_t value) { store(key, GgufValueType::kU8, encoded(value)); }
void GgufWriter::set(std::string_view key, int8_t value) { store(key, GgufValueType::kI8, encoded(value)); }
void GgufWriter::set(std::string_view key, uint16_t value) { store(key, GgufValueType::kU16, encoded(value)); }
void GgufWriter::set(std::string_view key, int16_t value) { store(key, GgufValueType::kI16, encoded(value)); }
void GgufWriter::set(std::string_view key, uint32_t value) { store(key, GgufValueType::kU32, encoded(value)); }
void GgufWriter::set(std::string_view key, int32_t value) { store(key, GgufValueType::kI32, encoded(value)); }
void GgufWriter::set(std::string_view key, uint64_t value) { store(key, GgufValueType::kU64, encoded(value)); }
void GgufWriter::set(std::string_view key, int64_t value) { store(key, GgufValueType::kI64, encoded(value)); }
void GgufWriter::set(std::string_view key, float value) { store(key, GgufValueType::kF32, encoded(value)); }
void GgufWriter::set(std::string_view key, double value) { store(key, GgufValueType::kF64, encoded(value)); }
void GgufWriter::set(std::string_view key, bool value) { store(key, GgufValueType::kBool, encoded<uint8_t>(value)); }
void GgufWriter::set(std::string_view key, std::string_view value) {
  store(key, GgufValueType::kString, encoded_string(value));
}

void GgufWriter::set(std::string_view key, std::span<const std::string_view> values) {
  std::string bytes;
  for (const std::string_view value : values) bytes += encoded_string(value);
  store_array(key, GgufValueType::kString, values.size(), bytes);
}
void GgufWriter::set(std::string_view key, std::span<const uint8_t> values) {
  store_array(key, GgufValueType::kU8, values.size(), bytes_of(values));
}
void GgufWriter::set(std::string_view key, std::span<const int32_t> values) {
  store_array(key, GgufValueType::kI32, values.size(), bytes_of(values));
}
void GgufWriter::set(std::string_view key, std::span<const uint32_t> values) {
  store_array(key, GgufValueType::kU32, values.size(), bytes_of(values));
}
void GgufWriter::set(std::string_view key, std::span<const float> values) {
  store_array(key, GgufValueType::kF32, values.size(), bytes_of(values));
}
void GgufWriter::set_bools(std::string_view key, const std::vector<bool>& values) {
  store_array(key, GgufValueType::kBool, values.size(), std::string(values.begin(), values.end()));
}

void GgufWriter::copy_metadata(const Checkpoint& source) {
  SHENBI_CHECK(source.kind() == CheckpointKind::kGguf && !source.files().empty());
  const GgufContents contents = parse_gguf(source.files().front()->bytes(), source.path().string());
  for (const GgufRawEntry& entry : contents.raw) {
    if (entry.key == "general.alignment" || entry.key.starts_with("split.")) continue;
    store(entry.key, entry.type, std::string(reinterpret_cast<const char*>(entry.value.data()), entry.value.size()));
  }
}

std::string GgufWriter::header() const {
  std::string out =
      "GGUF" + encoded(kVersion) + encoded<uint64_t>(tensors().size()) + encoded<uint64_t>(metadata_.size());
  for (const auto& [key, value] : metadata_) out += encoded_string(key) + value;
  for (const Declared& tensor : tensors()) {
    out += encoded_string(tensor.name) + encoded(static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) out += encoded(tensor.shape[i]);
    out += encoded(tensor.type->gguf_id) + encoded(tensor.offset);
  }
  out.resize(*checked_align(out.size(), alignment()));
  return out;
}

}  // namespace shenbi::formats
