// Files made by the field's own Python libraries (tools/make_format_fixtures.py), read and compared value by value.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "formats/config_reader.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using ::testing::HasSubstr;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(SHENBI_SOURCE_DIR) / "tests/golden/formats";

Json expected(const char* name) { return read_json_file((kFolder / name).string(), 1u << 20); }

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<uint8_t>(byte));
  return text;
}

std::vector<float> decoded(const TensorEntry& tensor) {
  std::vector<float> values(tensor.elements());
  tensor.type->decode(tensor.data.data(), values.size() / tensor.type->block_elements, values.data());
  return values;
}

/// JSON has no NaN and no infinities: null and words stand for them.
bool same_value(float value, const Json& want) {
  if (want.is_null()) return std::isnan(value);
  if (want.is_string()) return value == (want == "inf" ? INFINITY : -INFINITY);
  return value == static_cast<float>(want.get<double>());
}

void expect_tensor(const TensorEntry& tensor, const Json& want) {
  EXPECT_EQ(tensor.type->name, want["type"].get<std::string>()) << tensor.name;
  EXPECT_EQ(tensor.shape, want["shape"].get<std::vector<uint64_t>>()) << tensor.name;
  EXPECT_EQ(hex(tensor.data), want["hex"].get<std::string>()) << tensor.name;
  if (!want.contains("floats")) return;
  const auto values = decoded(tensor);
  ASSERT_EQ(values.size(), want["floats"].size()) << tensor.name;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(same_value(values[i], want["floats"][i]))
        << tensor.name << " [" << i << "] " << values[i] << " " << want["floats"][i];
  }
}

Json json_of(const MetadataArray& array);

Json json_of(const MetadataValue& value) {
  return std::visit(
      [](const auto& held) {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, MetadataArray>) {
          return json_of(held);
        } else {
          return Json(held);
        }
      },
      value);
}

Json json_of(const MetadataArray& array) {
  Json list = Json::array();
  const auto append = [&](const auto& values) {
    using Item = typename std::decay_t<decltype(values)>::value_type;
    for (const Item& item : values) {
      if constexpr (std::is_same_v<Item, MetadataArray>) {
        list.push_back(json_of(item));
      } else if constexpr (std::is_same_v<Item, uint8_t>) {
        list.push_back(item != 0);
      } else {
        list.push_back(item);
      }
    }
  };
  std::visit(append, static_cast<const MetadataArrayVariant&>(array));
  return list;
}

}  // namespace

TEST(Fixtures, gguf_metadata_of_every_type_has_the_values_that_were_written) {
  const auto checkpoint = Checkpoint::open(kFolder / "types.gguf");
  const Json want = expected("types.json")["metadata"];
  EXPECT_EQ(checkpoint->metadata().size(), want.size() + 2);  // and general.architecture, general.alignment
  for (const auto& [key, value] : want.items()) {
    const auto found = checkpoint->metadata().find(key);
    ASSERT_NE(found, checkpoint->metadata().end()) << key;
    EXPECT_EQ(json_of(found->second), value) << key;
  }
}

TEST(Fixtures, gguf_tensors_of_every_type_have_the_bytes_and_values_that_were_written) {
  const auto checkpoint = Checkpoint::open(kFolder / "types.gguf");
  const Json want = expected("types.json")["tensors"];
  ASSERT_GE(want.size(), 32u);
  EXPECT_EQ(checkpoint->tensors().size(), want.size());
  for (const Json& tensor : want) expect_tensor(checkpoint->at(tensor["name"].get<std::string>()), tensor);
}

TEST(Fixtures, gguf_of_the_other_byte_order_is_refused_by_name) {
  try {
    Checkpoint::open(kFolder / "big_endian.gguf");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("big_endian.gguf: big-endian GGUF"));
  }
}

TEST(Fixtures, gguf_shards_are_joined) {
  const auto checkpoint = Checkpoint::open(kFolder / "split-00001-of-00003.gguf");
  EXPECT_EQ(checkpoint->tensors().size(), 3u);
  EXPECT_EQ(checkpoint->get_uint("fixture.block_count"), 7u);
  EXPECT_EQ(decoded(checkpoint->at("t2")), std::vector<float>(4, 2.0f));
}

TEST(Fixtures, safetensors_of_every_dtype_have_the_bytes_and_values_that_were_written) {
  const auto checkpoint = Checkpoint::open(kFolder / "types.safetensors");
  const Json want = expected("safetensors.json");
  EXPECT_EQ(checkpoint->tensors().size(), want.size());
  for (const Json& tensor : want) expect_tensor(checkpoint->at(tensor["name"].get<std::string>()), tensor);
}

// UBSan: decoding gave memcpy the null pointers of an empty tensor.
TEST(Fixtures, an_empty_tensor_decodes_to_nothing) {
  const auto checkpoint = Checkpoint::open(kFolder / "types.safetensors");
  EXPECT_TRUE(decoded(checkpoint->at("empty")).empty());
}

TEST(Fixtures, a_sharded_folder_opens_with_its_nested_config) {
  const auto checkpoint = Checkpoint::open(kFolder / "folder");
  EXPECT_EQ(checkpoint->tensors().size(), 3u);
  EXPECT_EQ(decoded(checkpoint->at("c")), std::vector<float>(4, 99.0f));
  const ConfigReader config(*checkpoint);
  EXPECT_EQ(config.architecture(), "gemma3_text");
  EXPECT_EQ(config.uint({.hf = "num_hidden_layers"}), 2u);
  EXPECT_EQ(config.real({.hf = "rope_theta"}), 1e6);
  EXPECT_FALSE(config.has({.hf = "sliding_window"}));
  EXPECT_THAT(config.uints({.hf = "eos_token_id"}, 8), ::testing::ElementsAre(1, 106));
}

}  // namespace shenbi::formats
