#include "formats/cache_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/folders.h"
#include "formats/cache_layout.h"
#include "formats/model_store.h"
#include "formats/test_bytes.h"

namespace shenbi::formats {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view bytes) { std::ofstream(path) << bytes; }

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Cache : ::testing::Test {
  TemporaryFolder home;
  fs::path model = home.path() / "model.gguf";
  CacheFolder cache{home.path() / "cache"};
  std::string small = "packed", large = std::string(3 * kStretchBytes + 5, 'x');
  static constexpr std::string_view kKind = "weights-1";

  Cache() { write_model(1.0f); }
  void write_model(float first) {
    testing::GgufBytes gguf;
    write_file(model, gguf.text("general.architecture", "test").f32("w", {4}, {first, 2, 3, 4}).bytes());
  }
  CacheKey key() const { return cache_key(*Checkpoint::open(model)); }
  bool keep(const CacheFolder& folder) {
    const auto bytes = [](const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); };
    const auto file = MappedFile::open(model);
    return folder.keep(key(), kKind, *file, {{7, bytes(small)}, {8, bytes(large)}, {9, {}}}, nullptr)->wait();
  }
  fs::path only_file() const {
    for (const auto& entry : fs::directory_iterator(cache.path())) return entry.path();
    return {};
  }
};

TEST_F(Cache, gives_back_the_parts_that_were_kept) {
  EXPECT_EQ(cache.find(key(), kKind), nullptr);
  ASSERT_TRUE(keep(cache));
  ThreadTeam team(2, false);
  for (ThreadTeam* with : {static_cast<ThreadTeam*>(nullptr), &team}) {
    const auto file = cache.find(key(), kKind, with);
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(text_of(file->part(7)), small);
    EXPECT_EQ(text_of(file->part(8)), large);
    EXPECT_TRUE(file->part(9).empty());
    EXPECT_TRUE(file->part(10).empty());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(file->part(8).data()) % kPartAlignment, 0u);
  }
}

TEST_F(Cache, finds_nothing_under_another_version_of_the_kind) {
  ASSERT_TRUE(keep(cache));
  EXPECT_EQ(cache.find(key(), "weights-2"), nullptr);
}

TEST_F(Cache, finds_nothing_for_a_model_that_was_written_anew) {
  ASSERT_TRUE(keep(cache));
  write_model(1.5f);  // same size, another number
  EXPECT_EQ(cache.find(key(), kKind), nullptr);
}

TEST_F(Cache, key_notices_metadata_tensors_and_times) {
  const std::string before = key().text;
  EXPECT_EQ(key().text, before);
  const auto time = fs::last_write_time(model);
  write_model(1.5f);
  fs::last_write_time(model, time);
  EXPECT_NE(key().text, before);
  write_model(1.0f);
  fs::last_write_time(model, time);
  EXPECT_EQ(key().text, before);
  fs::last_write_time(model, time + std::chrono::seconds(1));
  EXPECT_NE(key().text, before);
}

TEST_F(Cache, a_flipped_bit_anywhere_that_counts_is_noticed_and_the_file_can_be_made_again) {
  ASSERT_TRUE(keep(cache));
  const fs::path path = only_file();
  const std::string whole = read_file(path);
  const size_t parts_begin = whole.find(small);
  const size_t places[] = {0,
                           9,
                           17,
                           50,
                           60,
                           70,
                           90,
                           sizeof(CacheHeader) + 3,
                           parts_begin,
                           parts_begin + kPartAlignment,
                           whole.size() / 2,
                           parts_begin + kPartAlignment + large.size() - 1};
  for (const size_t place : places) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ 4);
    write_file(path, damaged);
    EXPECT_EQ(cache.find(key(), kKind), nullptr) << place;
  }
  ASSERT_TRUE(keep(cache));
  EXPECT_NE(cache.find(key(), kKind), nullptr);
}

TEST_F(Cache, a_file_cut_short_or_grown_is_noticed) {
  ASSERT_TRUE(keep(cache));
  const fs::path path = only_file();
  const std::string whole = read_file(path);
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{95}, size_t{96}, size_t{200}, whole.size() / 2, whole.size() - 1}) {
    write_file(path, whole.substr(0, size));
    EXPECT_EQ(cache.find(key(), kKind), nullptr) << size;
  }
  write_file(path, whole + "x");
  EXPECT_EQ(cache.find(key(), kKind), nullptr);
}

TEST_F(Cache, a_file_of_another_model_under_this_name_is_refused) {
  ASSERT_TRUE(keep(cache));
  const fs::path old = only_file();
  write_model(1.5f);
  fs::rename(old, cache.path() / (key().text + "." + std::string(kKind)));
  EXPECT_EQ(cache.find(key(), kKind), nullptr);
}

TEST_F(Cache, a_folder_that_cannot_be_made_keeps_nothing_and_fails_nothing) {
  write_file(home.path() / "file", "x");
  const CacheFolder folder(home.path() / "file" / "cache");
  EXPECT_FALSE(keep(folder));
  EXPECT_EQ(folder.find(key(), kKind), nullptr);
  folder.sweep();
}

TEST_F(Cache, no_folder_keeps_nothing) {
  const auto file = MappedFile::open(model);
  EXPECT_EQ(CacheFolder().keep(key(), kKind, *file, {}, nullptr), nullptr);
  EXPECT_EQ(CacheFolder().find(key(), kKind), nullptr);
}

TEST_F(Cache, sweeping_takes_what_belongs_to_no_model_any_more) {
  ASSERT_TRUE(keep(cache));
  const fs::path kept = only_file();
  write_file(cache.path() / "strange", "no cache file");
  write_file(cache.path() / ".unfinished.1.1.part", "x");
  cache.sweep();
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_FALSE(fs::exists(cache.path() / "strange"));
  EXPECT_TRUE(fs::exists(cache.path() / ".unfinished.1.1.part"));  // perhaps somebody is writing it
  fs::last_write_time(cache.path() / ".unfinished.1.1.part", fs::file_time_type::clock::now() - std::chrono::hours(2));
  write_model(1.5f);
  cache.sweep();
  EXPECT_FALSE(fs::exists(kept));
  EXPECT_FALSE(fs::exists(cache.path() / ".unfinished.1.1.part"));
}

TEST_F(Cache, goes_with_the_model_that_is_removed_from_the_store) {
  ModelStore store(home.path());
  const std::string digest = store.adopt(model, false);
  store.publish({.name = "tiny:1",
                 .source = "",
                 .licence = "",
                 .created = 0,
                 .files = {{"model.gguf", digest, fs::file_size(model)}}});
  model = *store.find("tiny:1");
  ASSERT_TRUE(keep(cache));
  EXPECT_FALSE(only_file().empty());
  store.remove("tiny:1");
  EXPECT_TRUE(only_file().empty());
}

TEST_F(Cache, two_parts_of_one_name_are_refused) {
  const auto file = MappedFile::open(model);
  const auto bytes = std::as_bytes(std::span(small.data(), small.size()));
  ASSERT_TRUE(cache.keep(key(), kKind, *file, {{7, bytes}, {7, bytes}}, nullptr)->wait());
  EXPECT_EQ(cache.find(key(), kKind), nullptr);
}

}  // namespace
}  // namespace shenbi::formats
