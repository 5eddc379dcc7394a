#include "formats/tensor_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folders.h"
#include "formats/safetensors.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

const kernels::QuantType& type(std::string_view name) { return *kernels::find_quant_type(name); }

std::vector<std::byte> pattern(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 31 + count);
  return bytes;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

class Writer : public ::testing::Test {
 protected:
  std::filesystem::path path(std::string_view name) const { return folder_.path() / name; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename());
    return names;
  }
  template <class Call>
  static std::string error_of(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

}  // namespace

TEST_F(Writer, gguf_reads_back_every_storage_type_and_metadata_type) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> written;
  GgufWriter writer(path("all.gguf"), 64);
  writer.set("general.architecture", "none");
  writer.set("u8", uint8_t{255});
  writer.set("i16", int16_t{-2});
  writer.set("u64", UINT64_MAX);
  writer.set("f64", 0.1);
  writer.set("flag", true);
  writer.set("names", std::vector<std::string_view>{"a", "", "神笔"});
  writer.set("scores", std::vector<float>{-1.5f, 2});
  writer.set_bools("pattern", {true, false});
  writer.set("u8", uint8_t{7});
  for (const kernels::QuantType* row : kernels::all_quant_types()) {
    if (row->gguf_id >= kernels::kFirstNonGgufTypeId) continue;
    writer.declare(row->name, *row, {3, 2 * row->block_elements});
    written.emplace_back(row->name, pattern(3 * 2 * row->block_bytes));
  }
  ASSERT_GE(written.size(), 33u);  // what engine builders call storable, and the plain types
  for (const auto& [name, bytes] : written) writer.append(bytes);
  EXPECT_FALSE(std::filesystem::exists(path("all.gguf")));
  writer.finish();

  const auto checkpoint = Checkpoint::open(path("all.gguf"));
  ASSERT_EQ(checkpoint->tensors().size(), written.size());
  for (const auto& [name, bytes] : written) {
    const TensorEntry& tensor = checkpoint->at(name);
    EXPECT_EQ(tensor.type->name, name);
    EXPECT_TRUE(same(tensor.data, bytes)) << name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data.data()) % 64, 0u) << name;
  }
  EXPECT_EQ(checkpoint->get_uint("u8"), 7u);
  EXPECT_EQ(checkpoint->get_uint("general.alignment"), 64u);
  EXPECT_EQ(checkpoint->get_bool("flag"), true);
  EXPECT_THAT(*checkpoint->get_strings("names"), ::testing::ElementsAre("a", "", "神笔"));
}

TEST_F(Writer, gguf_copies_metadata_byte_for_byte) {
  using T = GgufValueType;
  testing::GgufBytes source;
  source.metadata("i8", T::kI8, testing::raw<int8_t>(-1))
      .u32("split.count", 1)
      .metadata("u16", T::kU16, testing::raw<uint16_t>(3));
  source.array("nested", T::kArray, 1, testing::raw<uint32_t>(0) + testing::raw<uint64_t>(2) + "ab");
  testing::write_file(path("source.gguf"), source.bytes());
  GgufWriter writer(path("copy.gguf"));
  writer.copy_metadata(*Checkpoint::open(path("source.gguf")));
  writer.set("u16", uint16_t{4});
  writer.finish();

  const auto file = MappedFile::open(path("copy.gguf"));
  const GgufContents copy = parse_gguf(file->bytes(), "copy.gguf");
  ASSERT_EQ(copy.raw.size(), 3u);
  EXPECT_EQ(copy.raw[0].key, "i8");
  EXPECT_EQ(copy.raw[0].type, T::kI8);
  EXPECT_EQ(copy.raw[1].type, T::kU16);
  EXPECT_EQ(std::get<uint64_t>(copy.metadata.at("u16")), 4u);
  EXPECT_EQ(copy.raw[2].key, "nested");
  EXPECT_EQ(copy.raw[2].value.size(), 4u + 8 + 4 + 8 + 2);
}

TEST_F(Writer, safetensors_reads_back_every_dtype) {
  SafetensorsWriter writer(path("model.safetensors"));
  writer.note("format", "pt");
  std::vector<std::pair<std::string, std::vector<std::byte>>> written;
  for (const char* dtype :
       {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"}) {
    written.emplace_back(std::string("\"quoted\" ") + dtype, pattern(2 * 3 * type(dtype).block_bytes));
    writer.declare(written.back().first, type(dtype), {2, 3});
  }
  writer.declare("empty", type("F32"), {0, 4});
  writer.declare("scalar", type("F32"), {});
  // In pieces that do not respect the borders of tensors.
  std::vector<std::byte> all;
  for (const auto& [name, bytes] : written) all.insert(all.end(), bytes.begin(), bytes.end());
  all.resize(all.size() + 4);
  for (size_t at = 0; at < all.size(); at += 7)
    writer.append(std::span(all).subspan(at, std::min<size_t>(7, all.size() - at)));
  writer.finish();

  const auto checkpoint = Checkpoint::open(path("model.safetensors"));
  EXPECT_EQ(checkpoint->tensors().size(), written.size() + 2);
  for (const auto& [name, bytes] : written) EXPECT_TRUE(same(checkpoint->at(name).data, bytes)) << name;
  EXPECT_EQ(checkpoint->at("empty").shape_text(), "[0, 4]");
  EXPECT_EQ(checkpoint->at("scalar").elements(), 1u);
}

TEST_F(Writer, leaves_nothing_behind_when_it_is_not_finished) {
  {
    GgufWriter writer(path("half.gguf"));
    writer.declare("a", type("F32"), {4});
    writer.append(pattern(8));
    EXPECT_THAT(error_of([&] { writer.finish(); }), HasSubstr("half.gguf: tensor 'a' has 8 of its 16 bytes"));
  }
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(Writer, keeps_the_old_file_until_the_new_one_is_complete) {
  testing::write_file(path("model.gguf"), "old");
  {
    GgufWriter writer(path("model.gguf"));
    writer.declare("a", type("F32"), {1 << 20});
    writer.append(pattern(3 << 20));
    EXPECT_EQ(std::filesystem::file_size(path("model.gguf")), 3u);
  }
  EXPECT_THAT(files(), ::testing::ElementsAre("model.gguf"));
}

TEST_F(Writer, refuses_what_the_formats_cannot_hold) {
  GgufWriter gguf(path("x.gguf"));
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("U8"), {4}); }),
              HasSubstr("x.gguf: tensor 'a': GGUF has no type U8"));
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("Q8_0"), {2, 33}); }),
              HasSubstr("rows of shape [2, 33] are not whole blocks"));
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("F32"), {0}); }), HasSubstr("shape [0] has no elements"));
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("F32"), {1, 1, 1, 1, 1}); }), HasSubstr("at most 4 dimensions"));
  EXPECT_THAT(error_of([&] { gguf.declare(std::string(64, 'n'), type("F32"), {1}); }), HasSubstr("at most 63 bytes"));
  EXPECT_THAT(error_of([&] { gguf.declare("a\n", type("F32"), {1}); }), HasSubstr("tensor 'a\\x0A': not a name"));
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("F32"), {1ull << 62, 4}); }), HasSubstr("exceeds 64-bit sizes"));
  EXPECT_THAT(error_of([&] { gguf.set("", true); }), HasSubstr("the metadata key '' is not a name"));
  gguf.declare("a", type("F32"), {1});
  EXPECT_THAT(error_of([&] { gguf.declare("a", type("F32"), {1}); }), HasSubstr("tensor 'a': declared twice"));
  EXPECT_THAT(error_of([&] { gguf.append(pattern(5)); }), HasSubstr("1 bytes more than the declared tensors have"));
  SafetensorsWriter safetensors(path("x.safetensors"));
  EXPECT_THAT(error_of([&] { safetensors.declare("a", type("Q8_0"), {32}); }),
              HasSubstr("safetensors has no dtype for Q8_0"));
  EXPECT_THAT(error_of([&] { safetensors.declare("__metadata__", type("F32"), {1}); }), HasSubstr("the name is taken"));
  EXPECT_THAT(error_of([&] { GgufWriter bad(path("no/such/folder.gguf")); }),
              HasSubstr("cannot create: No such file or directory"));
  EXPECT_THAT(error_of([&] { GgufWriter bad(path("y.gguf"), 48); }),
              HasSubstr("alignment 48 is not a power of two from 8"));
  EXPECT_THAT(error_of([&] { GgufWriter bad(folder_.path()); }), HasSubstr("cannot write to: Is a directory"));
}

// A model larger than memory: the writer's own memory must not grow with the tensor. 6 GB of address, 0 of disk.
TEST_F(Writer, and_reader_handle_offsets_beyond_4_gib) {
  const auto sparse = path("big.gguf");
  testing::GgufBytes header;
  const uint64_t big = 6ull << 30;
  header.info("big", {big}, 24, 0).info("after", {1}, 0, big);
  testing::write_file(sparse, header.bytes());
  const uint64_t data = std::filesystem::file_size(sparse);
  std::filesystem::resize_file(sparse, data + big + 4);
  {
    std::fstream file(sparse, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(data + big));
    const float value = 42;
    file.write(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  const auto checkpoint = Checkpoint::open(sparse);
  EXPECT_EQ(checkpoint->at("big").data.size(), big);
  float value = 0;
  std::memcpy(&value, checkpoint->at("after").data.data(), sizeof(value));
  EXPECT_EQ(value, 42.0f);
}

}  // namespace shenbi::formats
