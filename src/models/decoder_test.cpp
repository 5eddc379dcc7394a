// The fused path of every family: what the composition gives (whose proof is composed_test.cpp), and the same bits
// whatever the batch, the cut and the threads.

#include <gtest/gtest.h>

#include "models/composed.h"
#include "models/decoder.h"
#include "models/fixture.h"

namespace shenbi::models {
namespace {

using testing::Fixture;
using testing::Reference;
using testing::Runner;

class Decoders : public ::testing::TestWithParam<Fixture> {
 protected:
  std::shared_ptr<const Decoder> load(ThreadTeam& team) const {
    return Decoder::load(formats::Checkpoint::open(GetParam().model), {.context_length = GetParam().context}, team);
  }
};

/// What the composition gives when keys and values are rounded as the cache rounds them.
std::vector<float> composed_logits(const ComposedDecoder& decoder, const std::vector<int32_t>& tokens) {
  ThreadTeam team(1);
  autograd::Tape tape(team, {.record = false});
  nn::Sequences sequences = nn::Sequences::one(tokens.size());
  sequences.bf16_cache = true;
  const tensor::Tensor logits = decoder.forward(nn::bind(tape, decoder.parameters()), tokens, sequences).value();
  const auto values = logits.values<float>();
  return {values.begin(), values.end()};
}

TEST_P(Decoders, fused_path_gives_the_logits_of_the_composition) {
  ThreadTeam team(1);
  const auto decoder = load(team);
  const auto composed =
      ComposedDecoder::from(describe(formats::Checkpoint::open(GetParam().model), GetParam().context));
  for (const Reference& reference : GetParam().references) {
    Runner runner(*decoder, team);
    const auto logits = runner.run({runner.slice(0, reference.tokens, 0)});
    // Another order of summation moves a few keys across the edge between two bf16 numbers, 2^-8 apart.
    EXPECT_LT(testing::difference(logits, composed_logits(composed, reference.tokens)), 1e-3)
        << reference.tokens.size() << " tokens";
  }
}

TEST_P(Decoders, logits_are_the_same_bits_for_any_cut_and_any_number_of_threads) {
  const Reference& reference = GetParam().references.back();
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

TEST_P(Decoders, logits_are_the_same_bits_alone_and_in_a_batch) {
  ThreadTeam team(2, false);
  const auto decoder = load(team);
  const auto& references = GetParam().references;
  const auto count = static_cast<uint32_t>(references.size());
  std::vector<std::vector<float>> alone;
  for (const Reference& reference : references)
    alone.push_back(Runner(*decoder, team).run_in_chunks(reference.tokens, {1000}));

  // All but the last token of each together as prompts; then the last tokens together, as decode steps.
  Runner runner(*decoder, team, count);
  const size_t vocab = decoder->spec().vocab_size;
  for (const bool prompt : {true, false}) {
    std::vector<SequenceSlice> slices;
    std::vector<float> expected;
    for (uint32_t s = 0; s < count; ++s) {
      const std::span<const int32_t> tokens = references[s].tokens;
      const size_t start = prompt ? 0 : tokens.size() - 1, end = prompt ? tokens.size() - 1 : tokens.size();
      slices.push_back(runner.slice(s, tokens.subspan(start, end - start), static_cast<uint32_t>(start)));
      expected.insert(expected.end(), alone[s].begin() + static_cast<ptrdiff_t>(start * vocab),
                      alone[s].begin() + static_cast<ptrdiff_t>(end * vocab));
    }
    EXPECT_EQ(runner.run(slices), expected) << (prompt ? "prompts" : "decode steps");
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Decoders, ::testing::ValuesIn(testing::all_fixtures()),
                         [](const auto& info) { return info.param.label(); });

}  // namespace
}  // namespace shenbi::models
