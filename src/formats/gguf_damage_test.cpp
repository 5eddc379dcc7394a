// Damaged and lying GGUF files: each gets one line that names file, field and value, quickly and in little memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/folders.h"
#include "base/limits.h"
#include "formats/gguf.h"
#include "formats/memory_checkpoint.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {

using testing::gguf_string;
using testing::GgufBytes;
using ::testing::HasSubstr;
using testing::raw;
using T = GgufValueType;

namespace {

struct Damage {
  std::string bytes, expected;
  Code code = Code::kCorruptFile;
};

constexpr uint64_t kHuge = uint64_t{1} << 60;

GgufBytes one_tensor(std::vector<uint64_t> dims, uint32_t type = 0, uint64_t offset = 0) {
  GgufBytes file;
  file.info("w", std::move(dims), type, offset);
  file.data = std::string(256, 'x');
  return file;
}

/// A header whose counts are these, and `rest`.
std::string counts(uint64_t tensors, uint64_t metadata, const std::string& rest = std::string(176, '\0')) {
  return "GGUF" + raw<uint32_t>(3) + raw(tensors) + raw(metadata) + rest;
}

std::string one_value(uint32_t type, const std::string& value) {
  return counts(0, 1, gguf_string("k") + raw(type) + value + std::string(64, '\0'));
}

std::string one_array(uint32_t type, uint64_t length, const std::string& values = "") {
  return one_value(9, raw(type) + raw(length) + values);
}

std::string nested_arrays(int levels) {
  std::string value;
  for (int i = 0; i < levels; ++i) value += raw<uint32_t>(9) + raw<uint64_t>(1);
  return one_value(9, value + raw<uint32_t>(0) + raw<uint64_t>(0));
}

std::string alignment(uint32_t value) { return GgufBytes{}.u32("general.alignment", value).bytes(); }

std::vector<Damage> header_damage() {
  return {
      {"GGUG" + std::string(20, '\0'), "not a GGUF file"},
      {"GG", "not a GGUF file"},
      {"GGUF", "file ends inside the version: 4 bytes at offset 4, 0 left"},
      {"GGUF" + raw<uint32_t>(3), "file ends inside the tensor count"},
      {"GGUF" + raw<uint32_t>(3) + raw<uint64_t>(0), "file ends inside the metadata count"},
      {"GGUF" + raw<uint32_t>(0) + std::string(64, '\0'), "GGUF version 0, versions 2 and 3", Code::kUnsupported},
      {"GGUF" + raw<uint32_t>(1) + std::string(64, '\0'), "GGUF version 1, versions 2 and 3", Code::kUnsupported},
      {"GGUF" + raw<uint32_t>(4) + std::string(64, '\0'), "GGUF version 4, versions 2 and 3", Code::kUnsupported},
      {"GGUF" + raw<uint32_t>(0x03000000) + std::string(64, '\0'), "big-endian GGUF", Code::kUnsupported},
      {"GGUF" + raw<uint32_t>(0x02000000) + std::string(64, '\0'), "big-endian GGUF", Code::kUnsupported},
      {counts(kHuge, 0), "tensor count is 1152921504606846976, the 176 bytes left hold at most 7"},
      {counts(UINT64_MAX, 0), "tensor count is 18446744073709551615, the 176 bytes left hold at most 7"},
      {counts(0, kHuge), "metadata count is 1152921504606846976, the 176 bytes left hold at most 13"},
      {counts(0, UINT64_MAX), "metadata count is 18446744073709551615, the 176 bytes left hold at most 13"},
      {counts(limits::kMaxTensors + 1, 0, std::string(4u << 20, '\0')), "tensor count is 131073, the limit is 131072"},
      {counts(0, limits::kMaxMetadataEntries + 1, std::string(1u << 20, '\0')),
       "metadata count is 65537, the limit is 65536"},
  };
}

std::vector<Damage> key_damage() {
  return {
      {counts(0, 1, raw(kHuge) + std::string(64, 'k')),
       "metadata entry 0: the key is 1152921504606846976 bytes long, 64 are left"},
      {counts(0, 1, raw(UINT64_MAX) + std::string(64, 'k')), "the key is 18446744073709551615 bytes long"},
      {counts(0, 1, raw<uint64_t>(1025) + std::string(2000, 'k')), "the key is 1025 bytes long, the limit is 1024"},
      {counts(0, 1, gguf_string("") + std::string(64, '\0')), "metadata entry 0: the key '' is not a name"},
      {counts(0, 1, gguf_string("a\nb") + std::string(64, '\0')), "the key 'a\\x0Ab' is not a name"},
      {counts(0, 1, gguf_string("\x1b[2J") + std::string(64, '\0')), "the key '\\x1B[2J' is not a name"},
      {counts(0, 1, gguf_string("\xff\xfe") + std::string(64, '\0')), "the key '\\xFF\\xFE' is not a name"},
      {counts(0, 1, gguf_string("a\xe2\x80\xae") + std::string(64, '\0')), "the key 'a\\xE2\\x80\\xAE' is not a name"},
      {GgufBytes{}.u32("k", 1).u32("k", 2).bytes(), "metadata 'k': the key occurs twice"},
      {counts(0, 1, gguf_string("key")), "metadata count is 1, the 11 bytes left hold at most 0"},
  };
}

std::vector<Damage> value_damage() {
  return {
      {one_value(13, ""), "metadata 'k': unknown value type 13"},
      {one_value(UINT32_MAX, ""), "metadata 'k': unknown value type 4294967295"},
      {one_value(7, raw<uint8_t>(2)), "metadata 'k': a bool has the value 2"},
      {one_value(8, raw(kHuge)), "metadata 'k': the string is 1152921504606846976 bytes long, 64 are left"},
      {one_value(8, raw(UINT64_MAX - 3)), "the string is 18446744073709551612 bytes long"},
      {one_array(13, 1), "metadata 'k': unknown value type 13"},
      {one_array(0, kHuge),
       "metadata 'k': the array's length is 1152921504606846976, the 64 bytes left hold at most 64"},
      {one_array(4, 17), "the array's length is 17, the 64 bytes left hold at most 16"},
      {one_array(10, uint64_t{1} << 61), "the array's length is 2305843009213693952, the 64 bytes left hold at most 8"},
      {one_array(12, (uint64_t{1} << 61) + 1), "the array's length is 2305843009213693953"},
      {one_array(8, 9), "the array's length is 9, the 64 bytes left hold at most 8"},
      {one_array(8, 2, raw<uint64_t>(0) + raw<uint64_t>(1000)),
       "metadata 'k': a string of the array is 1000 bytes long, 64 are left"},
      {one_array(9, 6), "the array's length is 6, the 64 bytes left hold at most 5"},
      {one_array(7, 2, "\1\3"), "metadata 'k': a bool has the value 3"},
      {nested_arrays(4), "metadata 'k': arrays are nested deeper than 4 levels"},
      {nested_arrays(10000), "metadata 'k': arrays are nested deeper than 4 levels"},
      {one_array(0, limits::kMaxMetadataElements + 1, std::string(limits::kMaxMetadataElements + 1, '\0')),
       "the array's length is 16777217, the limit is 16777216"},
  };
}

std::vector<Damage> alignment_damage() {
  return {
      {alignment(0), "metadata 'general.alignment': 0 is not a power of two between 8 and 1048576"},
      {alignment(1), "metadata 'general.alignment': 1 is not a power of two"},
      {alignment(33), "metadata 'general.alignment': 33 is not a power of two"},
      {alignment(48), "metadata 'general.alignment': 48 is not a power of two"},
      {alignment(1u << 31), "metadata 'general.alignment': 2147483648 is not a power of two between"},
      {alignment(UINT32_MAX), "metadata 'general.alignment': 4294967295 is not a power of two"},
      {GgufBytes{}.metadata("general.alignment", T::kI32, raw<int32_t>(-32)).bytes(),
       "metadata 'general.alignment': expected an unsigned integer, found an integer"},
      {GgufBytes{}.text("general.alignment", "32").bytes(), "expected an unsigned integer, found a string"},
      {GgufBytes{}.metadata("general.alignment", T::kF32, raw(32.0f)).bytes(),
       "expected an unsigned integer, found a float"},
  };
}

std::vector<Damage> shape_damage() {
  const uint64_t max = UINT64_MAX;
  return {
      {counts(1, 0, raw(kHuge) + std::string(64, 'w')),
       "tensor 0: the name is 1152921504606846976 bytes long, 64 are left"},
      {counts(1, 0, gguf_string("") + std::string(64, '\0')), "tensor 0: the name '' is not a name"},
      {counts(1, 0, gguf_string("a\tb") + std::string(64, '\0')), "tensor 0: the name 'a\\x09b' is not a name"},
      {counts(1, 0, gguf_string("w") + raw<uint32_t>(9) + std::string(200, '\1')),
       "tensor 'w': 9 dimensions, the limit is 8"},
      {counts(1, 0, gguf_string("w") + raw(UINT32_MAX) + std::string(64, '\1')),
       "tensor 'w': 4294967295 dimensions, the limit is 8"},
      {counts(1, 0, gguf_string("w") + raw<uint32_t>(2) + std::string(12, '\1')),
       "tensor 'w': file ends inside the dimensions"},
      {one_tensor({0}).bytes(), "tensor 'w': the shape [0] has a dimension outside 1 .. 2^63-1"},
      {one_tensor({4, 0, 2}).bytes(), "the shape [2, 0, 4] has a dimension outside"},
      {one_tensor({max}).bytes(), "the shape [18446744073709551615] has a dimension outside"},
      {one_tensor({uint64_t{1} << 63}).bytes(), "the shape [9223372036854775808] has a dimension outside"},
      // Products that wrap in 64 bits (to 0, to 4) and in 32, and one whose byte size wraps though its count does not.
      {one_tensor({uint64_t{1} << 32, uint64_t{1} << 32}).bytes(),
       "tensor 'w': shape [4294967296, 4294967296] of F32 at offset 0 exceeds 64-bit sizes"},
      {one_tensor({(uint64_t{1} << 62) + 1, 4}).bytes(),
       "shape [4, 4611686018427387905] of F32 at offset 0 exceeds 64-bit sizes"},
      {one_tensor({(uint64_t{1} << 42) + 1, uint64_t{1} << 22}).bytes(), "exceeds 64-bit sizes"},
      {one_tensor({65536, 65536}).bytes(),
       "tensor 'w': shape [65536, 65536] of F32 needs 17179869184 bytes at offset 0, the data section has 256"},
      {one_tensor({uint64_t{1} << 62}).bytes(), "shape [4611686018427387904] of F32 at offset 0 exceeds 64-bit sizes"},
      {one_tensor({uint64_t{1} << 61, 3}).bytes(), "exceeds 64-bit sizes"},
  };
}

std::vector<Damage> placement_damage() {
  GgufBytes twice;
  twice.f32("w", {1}, {1}).f32("w", {1}, {2});
  GgufBytes overlap;
  overlap.f32("a", {16}, std::vector<float>(16)).info("b", {1}, 0, 32);
  GgufBytes same;
  same.f32("a", {2}, {1, 2}).info("b", {1}, 0, 0);
  GgufBytes inside;
  inside.info("long", {64}, 0, 0).info("short", {1}, 0, 32).info("after", {1}, 0, 256);
  inside.data = std::string(300, 'x');
  return {
      {twice.bytes(), "tensor 'w': the name occurs twice"},
      {overlap.bytes(), "tensors 'a' (bytes 0 to 64) and 'b' (bytes 32 to 36) overlap"},
      {same.bytes(), "tensors 'b' (bytes 0 to 4) and 'a' (bytes 0 to 8) overlap"},
      {inside.bytes(), "tensors 'long' (bytes 0 to 256) and 'short' (bytes 32 to 36) overlap"},
      {one_tensor({4}, 4).bytes(), "tensor 'w': the storage type 4 is not one that this program reads",
       Code::kUnsupported},
      {one_tensor({4}, 999).bytes(), "tensor 'w': the storage type 999 is not one", Code::kUnsupported},
      {one_tensor({4}, 1000).bytes(), "tensor 'w': the storage type 1000 is not one", Code::kUnsupported},
      {one_tensor({4}, UINT32_MAX).bytes(), "tensor 'w': the storage type 4294967295 is not one", Code::kUnsupported},
      {one_tensor({33}, 8).bytes(), "tensor 'w': rows of shape [33] are not whole blocks of Q8_0 (32 elements)"},
      {one_tensor({32, 255}, 12).bytes(), "rows of shape [255, 32] are not whole blocks of Q4_K (256 elements)"},
      {one_tensor({}, 8).bytes(), "rows of shape [] are not whole blocks of Q8_0"},
      {one_tensor({4}, 0, 4).bytes(), "tensor 'w': offset 4 is not a multiple of the alignment 32"},
      {one_tensor({4}, 0, 256).bytes(),
       "tensor 'w': shape [4] of F32 needs 16 bytes at offset 256, the data section has 256"},
      {one_tensor({65}).bytes(), "shape [65] of F32 needs 260 bytes at offset 0, the data section has 256"},
      {one_tensor({4}, 0, kHuge).bytes(), "needs 16 bytes at offset 1152921504606846976, the data section has 256"},
      {one_tensor({4}, 0, UINT64_MAX - 31).bytes(), "needs 16 bytes at offset 18446744073709551584"},
      {one_tensor({16}, 0, UINT64_MAX - 31).bytes(),
       "shape [16] of F32 at offset 18446744073709551584 exceeds 64-bit sizes"},
      {counts(1, 0, gguf_string("w") + raw<uint32_t>(0) + raw<uint32_t>(0)),
       "tensor count is 1, the 17 bytes left hold at most 0"},
      {counts(1, 0, gguf_string("wwwwwwwww") + raw<uint32_t>(0) + raw<uint32_t>(0)),
       "tensor 'wwwwwwwww': file ends inside the offset"},
      {counts(1, 0, gguf_string("w") + raw<uint32_t>(0) + raw<uint32_t>(0) + raw<uint64_t>(0)),
       "needs 4 bytes at offset 0, the data section has 0"},
  };
}

std::vector<Damage> all_damage() {
  std::vector<Damage> all;
  for (const auto& part :
       {header_damage(), key_damage(), value_damage(), alignment_damage(), shape_damage(), placement_damage()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// A small file with some of everything.
std::string good_file() {
  GgufBytes file;
  file.text("general.architecture", "llama").u32("llama.block_count", 2);
  file.array("tokens", T::kString, 2, gguf_string("a") + gguf_string("bc"));
  file.array("scores", T::kF32, 2, raw(1.0f) + raw(2.0f)).metadata("flag", T::kBool, "\1");
  file.f32("a", {2, 2}, {1, 2, 3, 4}).info("q", {32}, 8, 32);
  file.data += std::string(16 + 34, 'q');
  return file.bytes();
}

long peak_kilobytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace

TEST(GgufDamage, every_damaged_file_gets_one_line_with_file_field_and_value) {
  const auto all = all_damage();
  ASSERT_GE(all.size(), 60u);
  for (const Damage& damage : all) {
    try {
      parse_gguf(testing::as_bytes(damage.bytes), "bad.gguf");
      ADD_FAILURE() << "accepted: " << damage.expected;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(damage.expected));
      EXPECT_THAT(error.what(), ::testing::StartsWith("bad.gguf: "));
      EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
      EXPECT_EQ(error.code(), damage.code) << error.what();
    }
  }
}

// In a process of its own, so that the peak of other tests does not hide this one's.
TEST(GgufDamage, lying_counts_cost_no_memory) {
  const auto all = all_damage();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const long before = peak_kilobytes();
    for (const Damage& damage : all) {
      if (damage.bytes.size() > 200'000) continue;  // the promise is about small files
      try {
        parse_gguf(testing::as_bytes(damage.bytes), "bad.gguf");
      } catch (const Error&) {
      }
    }
    ::_exit(peak_kilobytes() - before > 32 * 1024 ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "over 32 MB";
}

TEST(GgufDamage, every_truncation_is_refused) {
  const std::string good = good_file();
  ASSERT_NO_THROW(parse_gguf(testing::as_bytes(good), "good.gguf"));
  for (size_t length = 0; length < good.size(); ++length) {
    // A copy of exactly this length, so that a sanitizer sees a read past its end.
    const std::vector<char> part(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_THROW(parse_gguf(std::as_bytes(std::span(part)), "cut.gguf"), Error) << length;
  }
}

TEST(GgufDamage, no_single_changed_byte_does_harm) {
  const std::string good = good_file();
  size_t refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF, good[at] ^ 0x01, good[at] ^ 0x80}) {
      std::vector<char> bytes(good.begin(), good.end());
      bytes[at] = static_cast<char>(value);
      try {
        const auto contents = parse_gguf(std::as_bytes(std::span(bytes)), "flipped.gguf");
        for (const TensorEntry& tensor : contents.tensors) {
          ASSERT_GE(tensor.data.data(), std::as_bytes(std::span(bytes)).data());
          ASSERT_LE(tensor.data.data() + tensor.data.size(), std::as_bytes(std::span(bytes)).data() + bytes.size());
        }
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 500u);
}

class GgufShards : public ::testing::Test {
 protected:
  static constexpr const char* kFirst = "m-00001-of-00002.gguf";
  static constexpr const char* kSecond = "m-00002-of-00002.gguf";

  GgufBytes shard(uint16_t number, uint16_t count, std::string_view tensor, float value) {
    GgufBytes file;
    file.metadata("split.no", T::kU16, raw(number)).metadata("split.count", T::kU16, raw(count));
    file.metadata("split.tensors.count", T::kI32, raw<int32_t>(2));
    file.f32(tensor, {1}, {value});
    return file;
  }
  void write(std::string_view name, const GgufBytes& file) { testing::write_file(folder_.path() / name, file.bytes()); }
  std::string error_of(std::string_view name) {
    try {
      Checkpoint::open(folder_.path() / name);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(GgufShards, opens_all_shards_from_the_first) {
  write(kFirst, shard(0, 2, "a", 1));
  write(kSecond, shard(1, 2, "b", 2));
  const auto checkpoint = Checkpoint::open(folder_.path() / kFirst);
  EXPECT_EQ(checkpoint->tensors().size(), 2u);
  EXPECT_EQ(checkpoint->files().size(), 2u);
  float value = 0;
  std::memcpy(&value, checkpoint->at("b").data.data(), 4);
  EXPECT_EQ(value, 2.0f);
}

TEST_F(GgufShards, says_which_shard_is_missing_wrong_or_to_be_opened) {
  write(kFirst, shard(0, 2, "a", 1));
  EXPECT_THAT(error_of(kFirst), HasSubstr("m-00002-of-00002.gguf: cannot open: No such file"));
  write(kSecond, shard(0, 2, "b", 2));
  EXPECT_THAT(error_of(kFirst),
              HasSubstr("m-00002-of-00002.gguf: expected split.no 1 and split.count 2, found 0 and 2"));
  write(kSecond, shard(1, 3, "b", 2));
  EXPECT_THAT(error_of(kFirst), HasSubstr("expected split.no 1 and split.count 2, found 1 and 3"));
  write(kSecond, shard(1, 2, "b", 2));
  EXPECT_THAT(error_of(kSecond), HasSubstr("this is shard 2 of 2; open the first one, m-00001-of-00002.gguf"));
  write("renamed.gguf", shard(0, 2, "a", 1));
  EXPECT_THAT(error_of("renamed.gguf"),
              HasSubstr("split.count is 2, but the file name does not end in -00001-of-00002.gguf"));
  write(kSecond, shard(1, 2, "a", 2));
  EXPECT_THAT(error_of(kFirst), HasSubstr("m-00001-of-00002.gguf: tensor 'a' occurs twice"));
  auto two = shard(1, 2, "b", 2);
  write(kSecond, two.f32("c", {1}, {3}));
  EXPECT_THAT(error_of(kFirst), HasSubstr("split.tensors.count is 2, the 2 shards hold 3"));
  write(kFirst, shard(0, 65535, "a", 1));
  EXPECT_THAT(error_of(kFirst), HasSubstr("split.count is 65535, the limit is 4096"));
}

TEST_F(GgufShards, notices_a_file_that_is_cut_short_under_the_map) {
  write("m.gguf", GgufBytes{}.f32("a", {1024}, std::vector<float>(1024)));
  const auto checkpoint = Checkpoint::open(folder_.path() / "m.gguf");
  EXPECT_NO_THROW(checkpoint->require_whole());
  std::filesystem::resize_file(folder_.path() / "m.gguf", 100);
  EXPECT_THROW(checkpoint->require_whole(), Error);
}

TEST_F(GgufShards, opens_by_content_and_says_what_other_files_are) {
  write("no-extension", GgufBytes{}.f32("a", {1}, {1}));
  EXPECT_EQ(Checkpoint::open(folder_.path() / "no-extension")->kind(), CheckpointKind::kGguf);
  testing::write_file(folder_.path() / "lfs", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT(error_of("lfs"), HasSubstr("lfs: a Git LFS pointer"));
  testing::write_file(folder_.path() / "zip", "PK\x03\x04....");
  EXPECT_THAT(error_of("zip"), HasSubstr("zip: a zip archive"));
  testing::write_file(folder_.path() / "pickle", "\x80\x02}q");
  EXPECT_THAT(error_of("pickle"), HasSubstr("pickle: a Python pickle"));
  testing::write_file(folder_.path() / "page", "<!DOCTYPE html>");
  EXPECT_THAT(error_of("page"), HasSubstr("page: a web page"));
  testing::write_file(folder_.path() / "empty", "");
  EXPECT_THAT(error_of("empty"), HasSubstr("empty: file is empty"));
  testing::write_file(folder_.path() / "other", "hello, world");
  EXPECT_THAT(error_of("other"), HasSubstr("other: neither GGUF nor safetensors"));
  EXPECT_THAT(error_of("missing"), HasSubstr("missing: no such file or folder"));
  ASSERT_EQ(::mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of("pipe"), HasSubstr("pipe: neither a regular file nor a folder"));
}

}  // namespace shenbi::formats
