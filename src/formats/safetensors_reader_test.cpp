#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folders.h"
#include "formats/safetensors.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using testing::raw;

namespace {

std::string file_of(std::string_view header, std::string_view data) {
  return raw<uint64_t>(header.size()) + std::string(header) + std::string(data);
}

SafetensorsContents parse(const std::string& bytes) {
  return parse_safetensors(testing::as_bytes(bytes), "model.safetensors");
}

const std::string kTwoFloats = raw<float>(1.5f) + raw<float>(-2.0f);

}  // namespace

TEST(SafetensorsReader, reads_tensors_and_notes) {
  const std::string bytes = file_of(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
      R"("a":{"shape":[],"data_offsets":[0,4],"dtype":"F32"},"none":{"dtype":"F32","shape":[0,7],"data_offsets":[8,8]}}  )",
      kTwoFloats);
  const auto contents = parse(bytes);
  ASSERT_EQ(contents.tensors.size(), 3u);
  EXPECT_EQ(contents.notes.at("format"), "pt");
  EXPECT_EQ(contents.tensors[0].name, "b");
  float value = 0;
  std::memcpy(&value, contents.tensors[0].data.data(), 4);
  EXPECT_EQ(value, -2.0f);
  EXPECT_TRUE(contents.tensors[1].shape.empty());
  EXPECT_EQ(contents.tensors[1].elements(), 1u);
  EXPECT_EQ(contents.tensors[2].elements(), 0u);
}

class Folder : public ::testing::Test {
 protected:
  void write(std::string_view name, std::string_view bytes) { testing::write_file(folder_.path() / name, bytes); }
  std::string one(std::string_view tensor, float value) {
    return file_of(fmt::format(R"({{"{}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}})", tensor), raw(value));
  }
  std::shared_ptr<const Checkpoint> open() { return Checkpoint::open(folder_.path()); }
  TemporaryFolder folder_;
};

TEST_F(Folder, opens_a_model_in_one_file_with_its_config_and_side_files) {
  write("config.json", R"({"model_type":"llama"})");
  write("model.safetensors", one("w", 3));
  write("tokenizer.json", "{}");
  const auto checkpoint = open();
  EXPECT_EQ(checkpoint->kind(), CheckpointKind::kHuggingFaceFolder);
  EXPECT_EQ(checkpoint->at("w").shape_text(), "[1]");
  EXPECT_EQ(checkpoint->side_file("tokenizer.json"), "{}");
  EXPECT_EQ(checkpoint->side_file("generation_config.json"), std::nullopt);
  EXPECT_THROW(checkpoint->side_file("../secret"), Error);
}

TEST_F(Folder, opens_the_shards_that_the_index_names) {
  write("config.json", "{}");
  write("model-1.safetensors", one("a", 1));
  write("model-2.safetensors", one("b", 2));
  write("model.safetensors.index.json",
        R"({"metadata":{},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  const auto checkpoint = open();
  EXPECT_EQ(checkpoint->tensors().size(), 2u);
  EXPECT_NE(checkpoint->find("a"), nullptr);
  EXPECT_NE(checkpoint->find("b"), nullptr);
}

}  // namespace shenbi::formats
