// Damaged safetensors files, indexes and folders: each gets one line that names file, field and value.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/folders.h"
#include "base/limits.h"
#include "formats/chat_template.h"
#include "formats/safetensors.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using ::testing::HasSubstr;
using testing::raw;

namespace {

struct Damage {
  std::string bytes, expected;
  Code code = Code::kCorruptFile;
};

std::string file_of(std::string_view header, size_t data_bytes = 8) {
  return raw<uint64_t>(header.size()) + std::string(header) + std::string(data_bytes, '\0');
}

/// One tensor "w" with these fields, over 8 bytes of data.
std::string fields(std::string_view text) { return file_of(fmt::format(R"({{"w":{{{}}}}})", text)); }

std::string tensor(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return fields(fmt::format(R"("dtype":"{}","shape":{},"data_offsets":{})", dtype, shape, offsets));
}

std::string two(std::string_view a_offsets, std::string_view b_offsets, size_t data_bytes) {
  return file_of(
      fmt::format(
          R"({{"a":{{"dtype":"I8","shape":[4],"data_offsets":{}}},"b":{{"dtype":"I8","shape":[4],"data_offsets":{}}}}})",
          a_offsets, b_offsets),
      data_bytes);
}

std::vector<Damage> header_damage() {
  return {
      {"", "bad.safetensors: 0 bytes are too few for a safetensors file"},
      {"1234567", "7 bytes are too few"},
      {raw<uint64_t>(9) + "{}", "the header is 9 bytes long, 2 are left in the file"},
      {raw(UINT64_MAX) + "{}", "the header is 18446744073709551615 bytes long, 2 are left"},
      {raw(uint64_t{1} << 60) + "{}", "the header is 1152921504606846976 bytes long"},
      {file_of("", 0), "the header is not valid JSON at byte 1"},
      {file_of("{", 0), "the header is not valid JSON at byte 2"},
      {file_of("{}x", 0), "the header is not valid JSON at byte 3"},
      {file_of("[]", 0), "the header is an array, expected an object"},
      {file_of("null", 0), "the header is null, expected an object"},
      {file_of("7", 0), "the header is the number 7, expected an object"},
      {file_of("\"x\"", 0), "the header is a string, expected an object"},
      {file_of("{\"w\":\"\xff\"}"), "the header is not valid JSON at byte 7"},
      {file_of(std::string(1'000'000, '['), 0), "the header is an array, expected an object"},
      {file_of("{\"w\":" + std::string(1'000'000, '{')), "the header is not valid JSON at byte"},
      {file_of("{}"), "the tensors cover 0 of 8 bytes of data"},
      {file_of(R"({"__metadata__":7})", 0), "'__metadata__' is the number 7, expected an object"},
      {file_of(R"({"__metadata__":{"a":7}})", 0), "'__metadata__' entry 'a' is the number 7, expected a string"},
      {file_of(R"({"__metadata__":{"a":{}}})", 0), "'__metadata__' entry 'a' is an object, expected a string"},
      {file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "'__metadata__' occurs twice"},
  };
}

std::vector<Damage> tensor_damage() {
  return {
      {file_of(R"({"w":7})"), "tensor 'w': found the number 7 where an object was expected"},
      {file_of(R"({"w":[]})"), "tensor 'w': found an array where an object was expected"},
      {file_of(R"({"":{}})"), "the tensor name '' is not a name"},
      {file_of("{\"a\\nb\":{}}"), "the tensor name 'a\\x0Ab' is not a name"},
      {fields(""), "tensor 'w': 'dtype' is missing"},
      {fields(R"("dtype":"F32")"), "tensor 'w': 'shape' is missing"},
      {fields(R"("dtype":"F32","shape":[2])"), "tensor 'w': 'data_offsets' is missing"},
      {fields(R"("dtype":"F32","dtype":"F32")"), "tensor 'w': 'dtype' occurs twice"},
      {fields(R"("dtype":"F32","size":1)"), "tensor 'w': unknown field 'size'"},
      {fields(R"("dtype":7)"), "tensor 'w': 'dtype' holds the number 7"},
      {fields(R"("dtype":["F32"])"), "tensor 'w': 'dtype' holds an array"},
      {fields(R"("shape":2)"), "tensor 'w': 'shape' holds the number 2"},
      {fields(R"("shape":{"a":2})"), "tensor 'w': 'shape' holds an object"},
      {tensor("F32", "[-2]", "[0,8]"), "tensor 'w': 'shape' holds the number -2"},
      {tensor("F32", "[2.0]", "[0,8]"), "tensor 'w': 'shape' holds the number 2.0"},
      {tensor("F32", "[18446744073709551616]", "[0,8]"), "tensor 'w': 'shape' holds the number 18446744073709551616"},
      {tensor("F32", "[[2]]", "[0,8]"), "tensor 'w': 'shape' holds an array"},
      {tensor("F32", "[null]", "[0,8]"), "tensor 'w': 'shape' holds null"},
      {tensor("F32", "[1,1,1,1,1,1,1,1,1]", "[0,8]"), "tensor 'w': 'shape' has more than 8 numbers"},
      {tensor("F32", "[2]", "[0,4,8]"), "tensor 'w': 'data_offsets' has more than 2 numbers"},
      {tensor("F32", "[2]", "[0]"), "tensor 'w': 'data_offsets' has 1 numbers, expected 2"},
      {tensor("F32", "[2]", "[-1,8]"), "'data_offsets' holds the number -1"},
      {tensor("F32", "[2]", "[8,0]"), "tensor 'w': data_offsets [8, 0] do not lie in the 8 bytes of data"},
      {tensor("F32", "[4]", "[0,16]"), "tensor 'w': data_offsets [0, 16] do not lie in the 8 bytes of data"},
      {tensor("F32", "[2]", "[18446744073709551608,18446744073709551615]"), "do not lie in the 8 bytes of data"},
      {tensor("F32", "[1]", "[0,8]"), "tensor 'w': shape [1] of F32 needs 4 bytes, data_offsets [0, 8] hold 8"},
      {tensor("F16", "[2]", "[0,8]"), "tensor 'w': shape [2] of F16 needs 4 bytes"},
      {tensor("F32", "[4611686018427387904]", "[0,0]"), "shape [4611686018427387904] of F32 exceeds 64-bit sizes"},
      {tensor("F32", "[4294967296,4294967296]", "[0,0]"), "shape [4294967296, 4294967296] of F32 exceeds 64-bit sizes"},
      {tensor("F32", "[0,4294967296,4294967296]", "[0,0]"), "exceeds 64-bit sizes"},
      {tensor("F32", "[1]", "[0,4]"), "the tensors cover 4 of 8 bytes of data"},
      {tensor("F32", "[1]", "[4,8]"), "tensor 'w': it begins at byte 4, but the tensors before it end at 0"},
      {two("[0,4]", "[2,6]", 6), "tensor 'a': its bytes 0 to 4 overlap those of 'b', 2 to 6"},
      {two("[0,4]", "[0,4]", 4), "overlap those of"},
      {two("[0,4]", "[8,12]", 12), "tensor 'b': it begins at byte 8, but the tensors before it end at 4"},
      {file_of(
           R"({"w":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}})"),
       "tensor 'w': the name occurs twice"},
      {tensor("Q4_K", "[2]", "[0,8]"), "tensor 'w': the dtype Q4_K is not one that this program reads",
       Code::kUnsupported},
      {tensor("F8_E8M0", "[8]", "[0,8]"), "the dtype F8_E8M0 is not one", Code::kUnsupported},
      {tensor("U16", "[4]", "[0,8]"), "the dtype U16 is not one", Code::kUnsupported},
      {tensor("C64", "[1]", "[0,8]"), "the dtype C64 is not one", Code::kUnsupported},
      {tensor("", "[1]", "[0,8]"), "the dtype  is not one", Code::kUnsupported},
  };
}

}  // namespace

TEST(SafetensorsDamage, every_damaged_file_gets_one_line_with_file_field_and_value) {
  auto all = header_damage();
  for (Damage& damage : tensor_damage()) all.push_back(std::move(damage));
  ASSERT_GE(all.size(), 25u);
  for (const Damage& damage : all) {
    try {
      parse_safetensors(testing::as_bytes(damage.bytes), "bad.safetensors");
      ADD_FAILURE() << "accepted: " << damage.expected;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(damage.expected));
      EXPECT_THAT(error.what(), ::testing::StartsWith("bad.safetensors: "));
      EXPECT_EQ(error.code(), damage.code) << error.what();
    }
  }
}

TEST(SafetensorsDamage, a_header_over_the_limit_is_refused_before_it_is_read) {
  const uint64_t length = limits::kMaxSafetensorsHeaderBytes + 1;
  TemporaryFolder folder;
  testing::write_file(folder.path() / "big.safetensors", raw(length) + "{");
  std::filesystem::resize_file(folder.path() / "big.safetensors", length + 8);  // sparse
  try {
    Checkpoint::open(folder.path() / "big.safetensors");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the header is 104857601 bytes long, the limit is 104857600"));
  }
}

TEST(SafetensorsDamage, every_truncation_and_every_changed_byte_is_survived) {
  const std::string good = two("[0,4]", "[4,8]", 8);
  ASSERT_NO_THROW(parse_safetensors(testing::as_bytes(good), "good"));
  for (size_t length = 0; length < good.size(); ++length) {
    const std::vector<char> part(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_THROW(parse_safetensors(std::as_bytes(std::span(part)), "cut"), Error) << length;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; value += 5) {
      std::vector<char> bytes(good.begin(), good.end());
      bytes[at] = static_cast<char>(value);
      try {
        parse_safetensors(std::as_bytes(std::span(bytes)), "flipped");
      } catch (const Error&) {
      }
    }
  }
}

class DamagedFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(root_.path() / "model");
    write("config.json", "{}");
  }
  std::filesystem::path in(std::string_view name) const { return root_.path() / "model" / name; }
  void write(std::string_view name, std::string_view bytes) { testing::write_file(in(name), bytes); }
  void index(std::string_view weight_map) {
    write("model.safetensors.index.json", fmt::format(R"({{"weight_map":{}}})", weight_map));
  }
  static std::string one(std::string_view name) {
    return file_of(fmt::format(R"({{"{}":{{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}}})", name));
  }
  std::string error() {
    try {
      Checkpoint::open(root_.path() / "model");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder root_;
};

TEST_F(DamagedFolder, config_must_be_a_bounded_json_object) {
  write("model.safetensors", one("w"));
  EXPECT_EQ(error(), "no error");
  for (const auto& [text, expected] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", "config.json: not valid JSON"},
           {"{", "config.json: not valid JSON at byte 2"},
           {"[]", "config.json: expected a JSON object"},
           {"{\"a\":\"\xff\"}", "config.json: not valid JSON at byte 7"},
           {"{\"a\":NaN}", "config.json: not valid JSON at byte 6"},
           {"{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}",
            "config.json: JSON is nested deeper than 64 levels"},
           {std::string(limits::kMaxConfigBytes + 1, ' '),
            "config.json: 4194305 bytes, the limit for this file is 4194304"},
       }) {
    write("config.json", text);
    EXPECT_THAT(error(), HasSubstr(expected));
  }
  std::filesystem::remove(in("config.json"));
  EXPECT_THAT(error(), HasSubstr("model: no config.json, so not a model folder"));
  write("small.gguf", "GGUF");
  EXPECT_THAT(error(), HasSubstr("model: no config.json; to use its GGUF file, open 'small.gguf'"));
}

TEST_F(DamagedFolder, index_must_map_names_to_plain_file_names) {
  testing::write_file(root_.path() / "outside.safetensors", one("w"));
  for (const auto& [weight_map, expected] : std::initializer_list<std::pair<std::string, std::string>>{
           {"7", "index.json: 'weight_map' is missing or not an object"},
           {"{}", "index.json: 'weight_map' is empty"},
           {R"({"w":7})", "index.json: tensor 'w': the shard is number, expected a string"},
           {R"({"w":null})", "tensor 'w': the shard is null, expected a string"},
           {R"({"":"a"})", "the tensor name '' is not a name"},
           {R"({"w":""})", "tensor 'w': the shard '' is not a plain file name"},
           {R"({"w":"."})", "the shard '.' is not a plain file name"},
           {R"({"w":".."})", "the shard '..' is not a plain file name"},
           {R"({"w":"../outside.safetensors"})", "the shard '../outside.safetensors' is not a plain file name"},
           {R"({"w":"/etc/passwd"})", "the shard '/etc/passwd' is not a plain file name"},
           {R"({"w":"sub/x.safetensors"})", "the shard 'sub/x.safetensors' is not a plain file name"},
           {R"({"w":"..\\x"})", "the shard '..\\x' is not a plain file name"},
           {R"({"w":"C:x"})", "the shard 'C:x' is not a plain file name"},
           {R"({"w":"a\u0000b"})", "the shard 'a\\x00b' is not a plain file name"},
           {R"({"w":"missing.safetensors"})", "the index names the shard 'missing.safetensors', which is missing"},
       }) {
    index(weight_map);
    EXPECT_THAT(error(), HasSubstr(expected));
  }
}

TEST_F(DamagedFolder, index_and_shards_must_agree) {
  write("1.safetensors", one("a"));
  write("2.safetensors", one("b"));
  index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_EQ(error(), "no error");
  index(R"({"a":"2.safetensors","b":"2.safetensors"})");
  EXPECT_THAT(error(), HasSubstr("the index places tensor 'a' in '2.safetensors', which does not hold it"));
  index(R"({"a":"1.safetensors","b":"1.safetensors"})");
  EXPECT_THAT(error(), HasSubstr("the index places tensor 'b' in '1.safetensors', which does not hold it"));
  write("2.safetensors", one("a"));
  index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_THAT(error(), HasSubstr("tensor 'a' occurs twice"));
}

TEST_F(DamagedFolder, links_may_not_lead_out) {
  namespace fs = std::filesystem;
  testing::write_file(root_.path() / "outside.safetensors", one("w"));
  fs::create_symlink(root_.path() / "outside.safetensors", in("model.safetensors"));
  EXPECT_THAT(error(), HasSubstr("model.safetensors: a link that leads out of the folder"));
  fs::remove(in("model.safetensors"));
  fs::create_symlink("../outside.safetensors", in("model.safetensors"));
  EXPECT_THAT(error(), HasSubstr("a link that leads out of the folder"));
  fs::remove(in("model.safetensors"));
  fs::create_symlink("nowhere", in("model.safetensors"));
  EXPECT_THAT(error(), HasSubstr("a link that leads nowhere"));
  fs::remove(in("model.safetensors"));
  fs::create_directory(in("model.safetensors"));
  EXPECT_THAT(error(), HasSubstr("model.safetensors: not a regular file"));
  fs::remove(in("model.safetensors"));
  write("real.bin", one("w"));
  fs::create_symlink("real.bin", in("model.safetensors"));
  EXPECT_EQ(error(), "no error");
  fs::create_symlink("/etc/hostname", in("tokenizer.json"));
  EXPECT_THROW(Checkpoint::open(root_.path() / "model")->side_file("tokenizer.json"), Error);
}

TEST_F(DamagedFolder, a_hub_cache_links_its_snapshots_to_its_blobs) {
  namespace fs = std::filesystem;
  const fs::path cache = root_.path() / "models--org--name";
  fs::create_directories(cache / "snapshots" / "abc");
  fs::create_directories(cache / "blobs");
  testing::write_file(cache / "blobs" / "1", "{}");
  testing::write_file(cache / "blobs" / "2", one("w"));
  fs::create_symlink("../../blobs/1", cache / "snapshots" / "abc" / "config.json");
  fs::create_symlink("../../blobs/2", cache / "snapshots" / "abc" / "model.safetensors");
  EXPECT_NE(Checkpoint::open(cache / "snapshots" / "abc")->find("w"), nullptr);
}

TEST_F(DamagedFolder, says_why_a_folder_without_usable_weights_is_not_a_model) {
  EXPECT_THAT(error(), HasSubstr("model: no .safetensors file"));
  write("pytorch_model.bin", "PK");
  EXPECT_THAT(error(), HasSubstr("only pickled weights (.bin, .pt), which can hold code"));
  write("a.safetensors", one("a"));
  EXPECT_EQ(error(), "no error");
  write("b.safetensors", one("b"));
  EXPECT_THAT(error(), HasSubstr("2 .safetensors files, but no model.safetensors.index.json"));
}

TEST_F(DamagedFolder, chat_templates_are_found_in_every_place_and_checked) {
  write("model.safetensors", one("w"));
  const auto found = [&](std::string_view name = "") {
    return chat_template(*Checkpoint::open(root_.path() / "model"), name);
  };
  EXPECT_EQ(found(), std::nullopt);
  write("tokenizer_config.json", R"({"chat_template":"A"})");
  EXPECT_EQ(found(), "A");
  EXPECT_EQ(found("tool_use"), std::nullopt);
  write("tokenizer_config.json",
        R"({"chat_template":[{"name":"default","template":"B"},{"name":"tool_use","template":"C"}]})");
  EXPECT_EQ(found(), "B");
  EXPECT_EQ(found("tool_use"), "C");
  write("chat_template.jinja", "D");
  EXPECT_EQ(found(), "D");
  std::filesystem::remove(in("chat_template.jinja"));
  write("tokenizer_config.json", R"({"chat_template":7})");
  EXPECT_THROW(found(), Error);
  write("tokenizer_config.json", R"({"chat_template":[7]})");
  EXPECT_THROW(found(), Error);
  write("tokenizer_config.json", "[]");
  EXPECT_THROW(found(), Error);
}

}  // namespace shenbi::formats
