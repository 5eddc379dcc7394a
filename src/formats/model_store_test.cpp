#include "formats/model_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
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
  EXPECT_THROW(choose_files(listing({"README.md"}), ""), Error);
  EXPECT_THROW(choose_files(listing({"a.gguf"}), "b.gguf"), Error);
}

}  // namespace shenbi::formats
