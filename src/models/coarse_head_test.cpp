// The best logits of a decoder with a coarse head are those of one without, bit for bit.

#include "models/coarse_head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/folders.h"
#include "base/random.h"
#include "models/edited_checkpoint.h"
#include "models/fixture.h"

namespace shenbi::models {
namespace {

using testing::EditedCheckpoint;
using testing::Runner;

constexpr uint64_t kWidth = 96, kVocabulary = 3000;

std::vector<std::string> names_of(const formats::Checkpoint& model) {
  std::vector<std::string> names;
  for (const auto& entry : model.tensors()) names.push_back(entry.name);
  return names;
}

/// A Llama wide enough for a coarse head, with random weights. As in real models the final norm makes a few columns of
/// the head's input far larger than the others.
std::shared_ptr<EditedCheckpoint> wide_llama(const char* type) {
  auto model = std::make_shared<EditedCheckpoint>(formats::Checkpoint::open(testing::golden_folder() / "llama/model"));
  Json config = model->config();
  config["hidden_size"] = kWidth;
  config["vocab_size"] = kVocabulary;
  model->set_config(config);
  uint64_t seed = 0;
  for (const std::string& name : names_of(*model)) {
    auto shape = model->tensor(name).shape;
    const auto ends = [&](std::string_view end) { return name.ends_with(end); };
    const bool out_of_block = ends("o_proj.weight") || ends("down_proj.weight");
    (out_of_block || shape.size() == 1 ? shape.front() : shape.back()) = kWidth;
    if (ends("lm_head.weight") || ends("embed_tokens.weight")) shape.front() = kVocabulary;
    const Philox random(++seed);
    std::vector<float> values(shape.front() * (shape.size() > 1 ? shape.back() : 1));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = shape.size() > 1 ? 0.2f * random.normal(i) : i % 11 == 0 ? 12.0f : 1.0f;
    model->set_floats(name, shape, values);
  }
  model->quantize(*kernels::find_quant_type(type));
  return model;
}

std::shared_ptr<const Decoder> load(const std::shared_ptr<EditedCheckpoint>& model, CoarseHeadUse use, ThreadTeam& team,
                                    const formats::CacheFolder& cache = {}) {
  return Decoder::load(model, {.coarse_head = use, .cache = cache}, team);
}

std::vector<int32_t> some_tokens() {
  std::vector<int32_t> tokens(100);
  const Philox random(77);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(random.block(i)[0] % kVocabulary);
  return tokens;
}

/// The logits behind each token, of which only so many are asked for.
std::vector<std::vector<float>> step_by_step(const Decoder& decoder, std::span<const int32_t> tokens, uint32_t best,
                                             ThreadTeam& team) {
  Runner runner(decoder, team);
  std::vector<std::vector<float>> out;
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    SequenceSlice slice = runner.slice(0, tokens.subspan(i, 1), i, false);
    slice.best_logits = best;
    out.push_back(runner.run({slice}));
  }
  return out;
}

void expect_best(const std::vector<float>& got, const std::vector<float>& all, uint32_t best) {
  std::vector<float> ordered = all;
  const auto at = ordered.begin() + (std::min<size_t>(best, ordered.size()) - 1);
  std::nth_element(ordered.begin(), at, ordered.end(), std::greater<>());
  for (size_t i = 0; i < all.size(); ++i) {
    if (got[i] == all[i]) continue;
    EXPECT_EQ(got[i], -std::numeric_limits<float>::infinity());
    EXPECT_LT(all[i], *at);
  }
}

struct CoarseHeads : ::testing::TestWithParam<const char*> {};

TEST_P(CoarseHeads, the_best_logits_are_those_of_the_whole_head) {
  const auto model = wide_llama(GetParam());
  const auto tokens = some_tokens();
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads, false);
    const auto whole = load(model, CoarseHeadUse::kNever, team),
               coarse = load(model, CoarseHeadUse::kWherePossible, team);
    EXPECT_FALSE(whole->has_coarse_head());
    EXPECT_TRUE(coarse->has_coarse_head());
    const auto truth = step_by_step(*whole, tokens, 1, team);
    for (const uint32_t best : {1u, 5u, 40u}) {
      const auto got = step_by_step(*coarse, tokens, best, team);
      size_t left_out = 0;
      for (size_t t = 0; t < truth.size(); ++t) {
        expect_best(got[t], truth[t], best);
        left_out += static_cast<size_t>(std::count(got[t].begin(), got[t].end(), -HUGE_VALF));
      }
      EXPECT_GT(left_out, best == 1 ? truth.size() * kVocabulary / 2 : 0);
    }
    EXPECT_EQ(step_by_step(*coarse, tokens, 0, team), truth);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, CoarseHeads, ::testing::Values("F32", "Q8_0", "BF16"),
                         [](const auto& info) { return std::string(info.param); });

TEST(CoarseHead, is_kept_between_loads) {
  const TemporaryFolder home;
  const formats::CacheFolder cache(home.path() / "cache");
  ThreadTeam team(2, false);
  const auto checkpoint = formats::Checkpoint::open(testing::golden_folder() / "llama/model");
  std::vector<float> weights(kVocabulary * kWidth);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = Philox(3).normal(i);
  int made = 0;
  const CoarseSource source{.checkpoint = *checkpoint,
                            .folder = cache,
                            .type = *kernels::find_quant_type("F32"),
                            .rows = [&] { return std::as_bytes(std::span(weights)); },
                            .energy = [&] { return ++made, std::vector<float>(kWidth, 1.0f); },
                            .vocab_size = kVocabulary,
                            .columns = kWidth};
  const auto first = load_coarse_head(source, team);
  ASSERT_TRUE(first && first->pending);
  EXPECT_TRUE(first->pending->wait());
  const auto second = load_coarse_head(source, team);
  ASSERT_TRUE(second && second->kept);
  EXPECT_EQ(made, 1);
  const auto parts = first->matrix.parts(), kept = second->matrix.parts();
  for (size_t i = 0; i < parts.size(); ++i)
    EXPECT_TRUE(std::equal(parts[i].begin(), parts[i].end(), kept[i].begin(), kept[i].end())) << "part " << i;
}

TEST(CoarseHead, is_not_for_small_vocabularies_unless_asked_for) {
  ThreadTeam team(1, false);
  const auto model = wide_llama("Q8_0");
  EXPECT_FALSE(load(model, CoarseHeadUse::kWhereItPays, team)->has_coarse_head());
  EXPECT_TRUE(load(model, CoarseHeadUse::kWherePossible, team)->has_coarse_head());
}

}  // namespace
}  // namespace shenbi::models
