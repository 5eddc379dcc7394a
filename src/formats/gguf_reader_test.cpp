#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using testing::gguf_string;
using testing::GgufBytes;
using testing::raw;

namespace {

GgufContents parse(const std::string& bytes) { return parse_gguf(testing::as_bytes(bytes), "model.gguf"); }

template <class T>
const std::vector<T>& array(const GgufContents& contents, std::string_view key) {
  return std::get<std::vector<T>>(std::get<MetadataArray>(contents.metadata.find(key)->second));
}

}  // namespace

TEST(GgufReader, reads_all_thirteen_value_types_and_widens_integers) {
  using T = GgufValueType;
  const std::string bytes = GgufBytes{}
                                .metadata("u8", T::kU8, raw<uint8_t>(255))
                                .metadata("i8", T::kI8, raw<int8_t>(-128))
                                .metadata("u16", T::kU16, raw<uint16_t>(65535))
                                .metadata("i16", T::kI16, raw<int16_t>(-32768))
                                .metadata("u32", T::kU32, raw<uint32_t>(4294967295u))
                                .metadata("i32", T::kI32, raw<int32_t>(INT32_MIN))
                                .metadata("f32", T::kF32, raw<float>(0.1f))
                                .metadata("bool", T::kBool, raw<uint8_t>(1))
                                .metadata("string", T::kString, gguf_string("神笔"))
                                .array("array", T::kU16, 2, raw<uint16_t>(1) + raw<uint16_t>(65535))
                                .metadata("u64", T::kU64, raw<uint64_t>(UINT64_MAX))
                                .metadata("i64", T::kI64, raw<int64_t>(INT64_MIN))
                                .metadata("f64", T::kF64, raw<double>(0.1))
                                .bytes();
  const GgufContents contents = parse(bytes);
  const auto& m = contents.metadata;
  ASSERT_EQ(m.size(), 13u);
  EXPECT_EQ(std::get<uint64_t>(m.at("u8")), 255u);
  EXPECT_EQ(std::get<int64_t>(m.at("i8")), -128);
  EXPECT_EQ(std::get<uint64_t>(m.at("u16")), 65535u);
  EXPECT_EQ(std::get<int64_t>(m.at("i16")), -32768);
  EXPECT_EQ(std::get<uint64_t>(m.at("u32")), 4294967295u);
  EXPECT_EQ(std::get<int64_t>(m.at("i32")), INT32_MIN);
  EXPECT_EQ(std::get<double>(m.at("f32")), double{0.1f});
  EXPECT_EQ(std::get<bool>(m.at("bool")), true);
  EXPECT_EQ(std::get<std::string_view>(m.at("string")), "神笔");
  EXPECT_EQ(array<uint64_t>(contents, "array"), (std::vector<uint64_t>{1, 65535}));
  EXPECT_EQ(std::get<uint64_t>(m.at("u64")), UINT64_MAX);
  EXPECT_EQ(std::get<int64_t>(m.at("i64")), INT64_MIN);
  EXPECT_EQ(std::get<double>(m.at("f64")), 0.1);
}

TEST(GgufReader, turns_shapes_outermost_first_and_points_into_the_file) {
  const std::string bytes =
      GgufBytes{}.f32("a", {3, 2}, {1, 2, 3, 4, 5, 6}).f32("b", {1}, {7}).f32("scalar", {}, {8}).bytes();
  const GgufContents contents = parse(bytes);
  ASSERT_EQ(contents.tensors.size(), 3u);
  EXPECT_EQ(contents.tensors[0].name, "a");
  EXPECT_EQ(contents.tensors[0].shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(contents.tensors[0].shape_text(), "[2, 3]");
  EXPECT_EQ(contents.tensors[0].data.size(), 24u);
  float last = 0;
  std::memcpy(&last, contents.tensors[0].data.data() + 20, 4);
  EXPECT_EQ(last, 6.0f);
  std::memcpy(&last, contents.tensors[2].data.data(), 4);
  EXPECT_EQ(last, 8.0f);
  EXPECT_EQ(contents.tensors[2].elements(), 1u);
}

// A vocabulary of a quarter million tokens opens in milliseconds because no token is copied.
TEST(GgufReader, strings_of_an_array_point_into_the_file) {
  std::string tokens;
  for (int i = 0; i < 1000; ++i) tokens += gguf_string("token");
  const std::string bytes = GgufBytes{}.array("tokens", GgufValueType::kString, 1000, tokens).bytes();
  const GgufContents contents = parse(bytes);
  for (const std::string_view token : array<std::string_view>(contents, "tokens")) {
    ASSERT_EQ(token, "token");
    ASSERT_GE(token.data(), bytes.data());
    ASSERT_LE(token.data() + token.size(), bytes.data() + bytes.size());
  }
}

TEST(GgufReader, honours_general_alignment) {
  GgufBytes file;
  file.alignment = 256;
  const std::string bytes = file.u32("general.alignment", 256).f32("a", {1}, {1}).f32("b", {1}, {2}).bytes();
  const GgufContents contents = parse(bytes);
  EXPECT_EQ(contents.alignment, 256u);
  EXPECT_EQ(contents.data_offset % 256, 0u);
  float value = 0;
  std::memcpy(&value, contents.tensors[1].data.data(), 4);
  EXPECT_EQ(value, 2.0f);
}

}  // namespace shenbi::formats
