#pragma once
// For tests: GGUF and safetensors files put together byte by byte, so that every field can lie.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace shenbi::formats::testing {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

inline std::string gguf_string(std::string_view text) { return raw<uint64_t>(text.size()) + std::string(text); }

/// Collects entries; bytes() writes the counts that were declared, or the true ones.
struct GgufBytes {
  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t alignment = 32;
  uint64_t metadata_count = 0, tensor_count = 0;  // lies are told by writing these after the entries
  std::string entries, infos, data;

  GgufBytes& metadata(std::string_view key, GgufValueType type, const std::string& value) {
    entries += gguf_string(key) + raw(static_cast<uint32_t>(type)) + value;
    ++metadata_count;
    return *this;
  }
  GgufBytes& text(std::string_view key, std::string_view value) {
    return metadata(key, GgufValueType::kString, gguf_string(value));
  }
  GgufBytes& u32(std::string_view key, uint32_t value) { return metadata(key, GgufValueType::kU32, raw(value)); }
  GgufBytes& array(std::string_view key, GgufValueType type, uint64_t count, const std::string& values) {
    return metadata(key, GgufValueType::kArray, raw(static_cast<uint32_t>(type)) + raw(count) + values);
  }
  /// `dims` innermost first, as the file has them.
  GgufBytes& info(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
    infos += gguf_string(name) + raw(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) infos += raw(dim);
    infos += raw(type) + raw(offset);
    ++tensor_count;
    return *this;
  }
  GgufBytes& f32(std::string_view name, std::vector<uint64_t> dims, const std::vector<float>& values) {
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    info(name, std::move(dims), 0, data.size());
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return *this;
  }
  std::string bytes() const {
    std::string out = magic + raw(version) + raw(tensor_count) + raw(metadata_count) + entries + infos;
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data;
  }
};

}  // namespace shenbi::formats::testing
