// A decoder that takes its packed weights from an earlier load computes the same bits.

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/folders.h"
#include "models/decoder.h"
#include "models/fixture.h"

namespace shenbi::models {
namespace {

namespace fs = std::filesystem;
using testing::Fixture;
using testing::Runner;

struct Kept : ::testing::TestWithParam<Fixture> {
  TemporaryFolder home;
  formats::CacheFolder cache{home.path() / "cache"};

  // The decoder's end waits for the file.
  std::vector<float> logits(const formats::CacheFolder& folder, int threads) const {
    ThreadTeam team(threads, false);
    const auto decoder = Decoder::load(formats::Checkpoint::open(GetParam().model),
                                       {.context_length = GetParam().context, .cache = folder}, team);
    return Runner(*decoder, team).run_in_chunks(GetParam().references.back().tokens, {7, 1, 16});
  }
  fs::path only_file() const {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(cache.path())) {
      EXPECT_TRUE(found.empty());
      found = entry.path();
    }
    return found;
  }
};

TEST_P(Kept, weights_give_the_same_bits_as_packing_and_damaged_ones_are_packed_again) {
  const auto fresh = logits({}, 1);
  EXPECT_EQ(logits(cache, 2), fresh);  // packs and keeps
  const fs::path file = only_file();
  const auto written = fs::file_size(file);
  EXPECT_EQ(logits(cache, 1), fresh);

  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(written - 1));
  bytes.put('\x55').flush();
  bytes.seekp(static_cast<std::streamoff>(written - 2));
  bytes.put('\x55').flush();
  EXPECT_EQ(logits(cache, 1), fresh);
  EXPECT_EQ(only_file(), file);
  EXPECT_EQ(fs::file_size(file), written);
}

TEST_P(Kept, weights_that_are_cut_short_under_the_decoder_are_named) {
  ThreadTeam team(1, false);
  const auto load = [&] {
    return Decoder::load(formats::Checkpoint::open(GetParam().model),
                         {.context_length = GetParam().context, .cache = cache}, team);
  };
  load();  // packs and keeps
  const auto decoder = load(), other = load();
  EXPECT_NO_THROW(decoder->require_whole()) << "that others use the file too is no change of it";
  fs::resize_file(only_file(), 1);
  try {
    decoder->require_whole();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCorruptFile);
    EXPECT_NE(std::string(error.what()).find(only_file().string()), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW(load()->require_whole()) << "the damaged file is nothing: packed again";
}

/// The GGUF ones: quantised and float, dense and with experts, tied and untied heads.
std::vector<Fixture> gguf_fixtures() {
  auto fixtures = testing::all_fixtures();
  std::erase_if(fixtures, [](const Fixture& fixture) { return fixture.model.extension() != ".gguf"; });
  return fixtures;
}

INSTANTIATE_TEST_SUITE_P(Gguf, Kept, ::testing::ValuesIn(gguf_fixtures()),
                         [](const auto& info) { return info.param.label(); });

}  // namespace
}  // namespace shenbi::models
