// The doors for tests/parity/formats.py: it reads with the field's libraries what our writers wrote, and compares what
// our reader sees with what they see. Without the environment variables these tests check only that the doors work.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/folders.h"
#include "base/json.h"
#include "formats/checkpoint.h"
#include "formats/tensor_writer.h"

namespace shenbi::formats {

namespace {

std::filesystem::path folder_from(const char* variable, const TemporaryFolder& fallback) {
  const char* value = std::getenv(variable);
  return value ? std::filesystem::path(value) : fallback.path();
}

/// GGUF types, less those that the script says its library has not heard of.
bool they_know(const kernels::QuantType& type) {
  const char* known = std::getenv("SHENBI_PARITY_TYPES");
  const std::string words = known ? fmt::format(" {} ", known) : "";
  const bool is_gguf = type.gguf_id < kernels::kFirstNonGgufTypeId;
  return is_gguf && (!known || words.find(fmt::format(" {} ", type.name)) != std::string::npos);
}

/// Byte i of every tensor: what the script expects to find.
std::vector<std::byte> pattern(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

void set_metadata(GgufWriter& writer) {
  writer.set("general.architecture", "parity");
  writer.set("u8", uint8_t{255});
  writer.set("i8", int8_t{-128});
  writer.set("u16", uint16_t{65535});
  writer.set("i16", int16_t{-32768});
  writer.set("u32", UINT32_MAX);
  writer.set("i32", INT32_MIN);
  writer.set("u64", UINT64_MAX);
  writer.set("i64", INT64_MIN);
  writer.set("f32", 0.5f);
  writer.set("f64", 0.1);
  writer.set("bool", true);
  writer.set("string", "神笔 \"quoted\"\n");
  writer.set("strings", std::vector<std::string_view>{"", "a", "▁Hello"});
  writer.set("i32s", std::vector<int32_t>{INT32_MIN, INT32_MAX});
  writer.set("u32s", std::vector<uint32_t>{0, UINT32_MAX});
  writer.set("f32s", std::vector<float>{0.5f, -1.25f});
  writer.set("u8s", std::vector<uint8_t>{0, 255});
  writer.set_bools("bools", {true, false});
}

/// FNV-1a, which is short in any language.
uint64_t digest(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

Json plain(const MetadataValue& value) {
  const auto* array = std::get_if<MetadataArray>(&value);
  if (!array)
    return std::visit(
        [](const auto& held) -> Json {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, MetadataArray>)
            return nullptr;
          else
            return held;
        },
        value);
  return std::visit(
      [](const auto& values) -> Json {
        using Item = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_same_v<Item, MetadataArray>)
          return nullptr;
        else
          return values;
      },
      static_cast<const MetadataArrayVariant&>(*array));
}

Json summary(const Checkpoint& checkpoint) {
  Json tensors = Json::array(), metadata = Json::object();
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    // The beginning is enough to show that offsets are right, and keeps a large model quick.
    tensors.push_back({{"name", tensor.name},
                       {"type", tensor.type->name},
                       {"shape", tensor.shape},
                       {"bytes", tensor.data.size()},
                       {"digest", digest(tensor.data.first(std::min<size_t>(tensor.data.size(), 1 << 16)))}});
  }
  for (const auto& [key, value] : checkpoint.metadata()) metadata[key] = plain(value);
  return {{"tensors", tensors}, {"metadata", metadata}};
}

}  // namespace

TEST(Parity, writes_files_for_other_readers) {
  const TemporaryFolder fallback;
  const auto folder = folder_from("SHENBI_PARITY_WRITE", fallback);
  GgufWriter gguf(folder / "ours.gguf");
  set_metadata(gguf);
  SafetensorsWriter safetensors(folder / "ours.safetensors");
  safetensors.note("format", "pt");
  for (const kernels::QuantType* type : kernels::all_quant_types()) {
    if (they_know(*type)) gguf.declare(type->name, *type, {3, 2 * type->block_elements});
    if (type->block_elements == 1) safetensors.declare(type->name, *type, {3, 2});
  }
  for (const kernels::QuantType* type : kernels::all_quant_types()) {
    const auto bytes = pattern(3 * 2 * type->block_bytes);
    if (they_know(*type)) gguf.append(bytes);
    if (type->block_elements == 1) safetensors.append(bytes);
  }
  gguf.finish();
  safetensors.finish();
  EXPECT_EQ(Checkpoint::open(folder / "ours.gguf")->metadata().size(), 19u);
  EXPECT_EQ(Checkpoint::open(folder / "ours.safetensors")->tensors().size(), 12u);
}

TEST(Parity, tells_what_it_sees_in_files_of_other_writers) {
  const TemporaryFolder fallback;
  const auto folder = folder_from("SHENBI_PARITY_READ", fallback);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".gguf") && !name.ends_with(".safetensors")) continue;
    const auto checkpoint = Checkpoint::open(entry.path());
    std::ofstream(folder / (name + ".json"))
        << summary(*checkpoint).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
}

}  // namespace shenbi::formats
