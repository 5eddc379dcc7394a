// Quantised weights take other kernels (int8 activations, 16 bits into the head): the same bits there too.

#include <gtest/gtest.h>

#include "models/edited_checkpoint.h"
#include "models/fixture.h"

namespace shenbi::models {
namespace {

using testing::Runner;

struct Case {
  const char* fixture;
  const char* type;
};

class Quantised : public ::testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<const Decoder> load(ThreadTeam& team) const {
    auto checkpoint = std::make_shared<testing::EditedCheckpoint>(
        formats::Checkpoint::open(testing::golden_folder() / GetParam().fixture / "model"));
    checkpoint->quantize(*kernels::find_quant_type(GetParam().type));
    return Decoder::load(checkpoint, {}, team);
  }
  testing::Reference reference() const {
    return testing::references(testing::golden_folder() / GetParam().fixture).back();
  }
};

TEST_P(Quantised, logits_are_the_same_bits_for_any_cut_and_any_number_of_threads) {
  const testing::Reference reference = this->reference();
  ThreadTeam one(1);
  const auto decoder = load(one);
  const auto expected = Runner(*decoder, one).run_in_chunks(reference.tokens, {1000});
  for (const int threads : {1, 2, 3}) {
    ThreadTeam team(threads, false);
    for (const std::vector<size_t>& sizes : {std::vector<size_t>{1000}, {1}, {7, 1, 2, 16}})
      EXPECT_EQ(Runner(*decoder, team).run_in_chunks(reference.tokens, sizes), expected)
          << threads << " threads, cut " << sizes[0];
  }
}

TEST_P(Quantised, logits_stay_near_those_of_the_float_weights) {
  ThreadTeam team(1);
  const auto decoder = load(team);
  const testing::Reference reference = this->reference();
  const auto logits = Runner(*decoder, team).run_in_chunks(reference.tokens, {1000});
  double dot = 0, got = 0, want = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    dot += static_cast<double>(logits[i]) * reference.logits[i];
    got += static_cast<double>(logits[i]) * logits[i];
    want += static_cast<double>(reference.logits[i]) * reference.logits[i];
  }
  // Cosine. Q8_0 changes weights by 0.4 % of the block's largest, Q4_0 by 6 %; a few blocks and routers add to that.
  EXPECT_GT(dot / std::sqrt(got * want), GetParam().type[1] == '8' ? 0.99 : 0.85);
}

INSTANTIATE_TEST_SUITE_P(Models, Quantised,
                         ::testing::Values(Case{"llama", "Q8_0"}, Case{"llama", "Q4_0"}, Case{"gemma3", "Q8_0"},
                                           Case{"mixtral", "Q8_0"}, Case{"qwen2_moe", "Q8_0"},
                                           Case{"gpt_neox", "Q8_0"}),
                         [](const auto& info) { return std::string(info.param.fixture) + "_" + info.param.type; });

}  // namespace
}  // namespace shenbi::models
