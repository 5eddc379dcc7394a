#include "formats/model_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "formats/partial_file.h"
#include "formats/pull.h"

namespace shenbi::formats {
namespace {

namespace fs = std::filesystem;

struct Store : ::testing::Test {
  TemporaryFolder folder;
  ModelStore store{folder.path()};

  fs::path write(const std::string& name, const std::string& content) {
    std::ofstream(folder.path() / name) << content;
    return folder.path() / name;
  }
  void add(const std::string& name, const std::string& content) {
    const std::string digest = store.adopt(write("file", content), false);
    store.publish(
        {.name = name, .source = "test", .licence = "", .created = 1, .files = {{"m.gguf", digest, content.size()}}});
  }
  size_t blobs() {
    std::error_code none;
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder.path() / "blobs", none), {}));
  }
};

}  // namespace

TEST_F(Store, a_published_model_is_found_by_its_name) {
  add("a:1", "content");
  EXPECT_EQ(store.find("a:1").value().filename(), "m.gguf");
  EXPECT_FALSE(store.find("a:2").has_value());
  EXPECT_EQ(store.list().size(), 1u);
}

TEST_F(Store, two_models_of_the_same_bytes_share_one_blob_until_the_last_is_removed) {
  add("a:1", "same");
  add("b", "same");
  EXPECT_EQ(blobs(), 1u);
  store.remove("a:1");
  EXPECT_EQ(blobs(), 1u);
  EXPECT_TRUE(store.verify("b:latest").empty());
  store.remove("b");
  EXPECT_EQ(blobs(), 0u);
  EXPECT_THROW(store.remove("b"), Error);
}

TEST_F(Store, publishing_again_replaces_the_model_and_drops_its_old_bytes) {
  add("a:1", "old");
  add("a:1", "new");
  EXPECT_EQ(blobs(), 1u);
  EXPECT_EQ(store.list().size(), 1u);
  EXPECT_TRUE(fs::is_empty(folder.path() / "unfinished"));
}

TEST_F(Store, a_copy_costs_no_space) {
  add("a:1", "x");
  store.copy("a:1", "org/b:2");
  EXPECT_EQ(blobs(), 1u);
  store.remove("a:1");
  EXPECT_TRUE(store.verify("org/b:2").empty());
}

TEST_F(Store, verify_names_the_file_with_a_flipped_byte) {
  add("a:1", "content");
  fs::permissions(store.find("a:1").value(), fs::perms::owner_all);
  std::ofstream(store.find("a:1").value(), std::ios::in) << "C";
  ASSERT_EQ(store.verify("a:1").size(), 1u);
  EXPECT_EQ(store.verify("a:1")[0].substr(0, 7), "m.gguf:");
}

TEST_F(Store, bytes_with_another_digest_than_expected_are_not_adopted) {
  EXPECT_THROW(store.adopt(write("f", "x"), true, std::string(64, '0')), Error);
  EXPECT_EQ(blobs(), 0u);
}

TEST_F(Store, bytes_that_are_there_already_stay_the_same_file) {
  add("a:1", "same");
  const auto links = [&] { return fs::hard_link_count(store.find("a:1").value()); };
  EXPECT_EQ(links(), 2u);
  add("b:1", "same");
  EXPECT_EQ(links(), 3u);
}

TEST_F(Store, a_blob_with_a_flipped_byte_is_replaced_by_the_right_bytes) {
  add("a:1", "content");
  fs::permissions(store.find("a:1").value(), fs::perms::owner_all);
  std::ofstream(store.find("a:1").value(), std::ios::in) << "C";
  add("a:1", "content");
  EXPECT_TRUE(store.verify("a:1").empty());
}

TEST_F(Store, a_held_blob_outlives_the_last_model_that_has_it) {
  add("a:1", "content");
  const std::string digest = store.describe("a:1")->files[0].sha256;
  {
    const TemporaryFolder pull = store.unfinished();
    EXPECT_TRUE(store.hold(digest, pull.path()));
    store.remove("a:1");
    EXPECT_TRUE(store.has_blob(digest));
  }
  EXPECT_FALSE(store.hold(std::string(64, '0'), folder.path()));
}

TEST_F(Store, refuses_two_files_of_one_name_and_names_that_are_no_file_names) {
  const std::string digest = store.adopt(write("file", "x"), false);
  const auto publish = [&](const std::vector<std::string>& names) {
    StoredModel model{.name = "a:1", .source = "", .licence = "", .files = {}};
    for (const auto& name : names) model.files.push_back({name, digest, 1});
    store.publish(model);
  };
  EXPECT_THROW(publish({"m.gguf", "m.gguf"}), Error);
  for (const char* bad : {"", ".", "..", ".x", "a/b", "a\nb", "manifest.json", "\xff", "a\x7f"}) {
    EXPECT_THROW(publish({bad}), Error) << bad;
  }
  EXPECT_TRUE(store.list().empty());
  publish({"My Model (1) 模型.gguf"});
  EXPECT_EQ(store.list().size(), 1u);
}

struct Partial : ::testing::Test {
  static constexpr uint64_t kBytes = 2 * PartialFile::kChunkBytes + 100;
  TemporaryFolder folder;
  fs::path place = folder.path() / "download";
};

TEST_F(Partial, an_unfinished_download_goes_on_inside_a_chunk) {
  {
    const DownloadFolder owner(place, nullptr);
    PartialFile file(owner, kBytes, "v1");
    EXPECT_EQ(file.take()->chunk, 0u);
    file.keep(0, 10);
    EXPECT_EQ(file.take()->begin, PartialFile::kChunkBytes);
    file.keep(1, 2 * PartialFile::kChunkBytes);
  }
  const DownloadFolder owner(place, nullptr);
  PartialFile file(owner, kBytes, "v1");
  EXPECT_EQ(file.done_bytes(), 10 + PartialFile::kChunkBytes);
  EXPECT_EQ(file.take()->begin, 10u);
  EXPECT_EQ(file.take()->end, kBytes);
  EXPECT_FALSE(file.take().has_value());
}

TEST_F(Partial, starts_over_for_another_version_another_size_no_version_and_a_damaged_state) {
  const DownloadFolder owner(place, nullptr);
  const auto begin = [&](const std::string& version) { PartialFile(owner, kBytes, version).keep(0, 10); };
  begin("v1");
  EXPECT_EQ(PartialFile(owner, kBytes, "v2").done_bytes(), 0u);
  EXPECT_EQ(PartialFile(owner, kBytes + 1, "v1").done_bytes(), 0u);
  begin("");
  EXPECT_EQ(PartialFile(owner, kBytes, "").done_bytes(), 0u);
  begin("v1");
  for (const char* bad : {"", "{}", R"({"version":"v1","bytes":16777316,"have":[-1,0,0]})",
                          R"({"version":"v1","bytes":16777316,"have":[99999999999,0,0]})",
                          R"({"version":"v1","bytes":16777316,"have":[1]})"}) {
    std::ofstream(owner.state()) << bad;
    EXPECT_EQ(PartialFile(owner, kBytes, "v1").done_bytes(), 0u) << bad;
  }
}

TEST_F(Partial, one_owner_at_a_time_and_waiting_can_be_cancelled) {
  const std::atomic<bool> cancelled = true;
  std::optional<DownloadFolder> owner(std::in_place, place, nullptr);
  EXPECT_THROW(DownloadFolder(place, &cancelled), Error);
  owner->discard();
  EXPECT_FALSE(fs::exists(place));
  DownloadFolder(place, &cancelled);  // a deleted folder's lock holds nobody up
}

TEST(Shard, is_taken_apart_only_in_the_exact_form) {
  const auto shard = Shard::of("Q4/m-00002-of-00003.gguf");
  ASSERT_TRUE(shard);
  EXPECT_EQ(shard->base, "Q4/m");
  EXPECT_EQ(shard->number, 2u);
  EXPECT_EQ(shard->count, 3u);
  EXPECT_TRUE(Shard::of("model-00001-of-00002.safetensors"));
  for (const char* no :
       {"m.gguf", "-00001-of-00002.gguf", "m-0001-of-0002.gguf", "m-00001-of-0000x.gguf", ".gguf", ""}) {
    EXPECT_FALSE(Shard::of(no)) << no;
  }
}

TEST(ModelName, refuses_every_name_that_could_leave_the_store) {
  for (const char* bad :
       {"", ":", "a:", "../a", "a/../b", "/a", "a//b", "a:..", ".a", "a:.b", "a\\b", "a b", "a%2e", "a/"}) {
    EXPECT_THROW(ModelName::parse(bad), Error) << bad;
  }
  EXPECT_THROW(ModelName::parse(std::string("a\0b", 3)), Error);
  EXPECT_EQ(ModelName::parse("qwen/qwen3:0.6b").name, "qwen/qwen3");
  EXPECT_EQ(ModelName::parse("gemma3").tag, "latest");
}

TEST(ChooseFiles, takes_the_preferred_quantisation_and_all_its_shards) {
  const auto names = [](const std::vector<RemoteFile>& files) {
    std::vector<std::string> out;
    for (const auto& file : files) out.push_back(file.name);
    return out;
  };
  const auto listing = [](std::initializer_list<const char*> files) {
    std::vector<RemoteFile> out;
    for (const char* file : files) out.push_back({.name = file, .url = "", .sha256 = "", .headers = {}});
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(choose_files(listing({"m-Q8_0.gguf", "m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf",
                                        "mmproj-f16.gguf"}),
                               "")),
            (Names{"m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"}));
  EXPECT_EQ(names(choose_files(listing({"config.json", "model.safetensors", "tokenizer.json", "README.md"}), "")),
            (Names{"config.json", "model.safetensors", "tokenizer.json"}));
  EXPECT_EQ(names(choose_files(listing({"config.json", "consolidated.safetensors", "model.safetensors.index.json",
                                        "model-00001-of-00001.safetensors", "onnx/model.safetensors"}),
                               "")),
            (Names{"config.json", "model.safetensors.index.json", "model-00001-of-00001.safetensors"}));
  EXPECT_THROW(choose_files(listing({"m-00001-of-00002.gguf"}), ""), Error);
  EXPECT_THROW(choose_files(listing({"README.md"}), ""), Error);
  EXPECT_THROW(choose_files(listing({"a.gguf"}), "b.gguf"), Error);
}

}  // namespace shenbi::formats
