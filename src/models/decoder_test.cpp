// The fused path of every family: what the composition gives (whose proof is composed_test.cpp), and the same bits
// whatever the batch, the cut and the threads.

#include <gtest/gtest.h>

#include "base/error.h"
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

TEST_P(Decoders, a_load_that_is_given_up_ends_before_its_next_matrix) {
  ThreadTeam team(1);
  const std::atomic<bool> cancelled = true;
  try {
    Decoder::load(formats::Checkpoint::open(GetParam().model),
                  {.context_length = GetParam().context, .cancelled = &cancelled}, team);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCancelled) << error.what();
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

std::shared_ptr<const Decoder> tiny_llama(ThreadTeam& team, const DecoderOptions& options = {}) {
  return Decoder::load(formats::Checkpoint::open(testing::golden_folder() / "llama/model"), options, team);
}

TEST(Decoder, gives_logits_of_the_rows_that_want_them) {
  ThreadTeam team(2, false);
  const auto decoder = tiny_llama(team);
  Runner runner(*decoder, team, 3);
  const std::vector<int32_t> tokens = {1, 2, 3};
  const auto all = runner.run({runner.slice(0, tokens, 0)});
  const std::vector<float> last(all.end() - decoder->spec().vocab_size, all.end());
  SequenceSlice inner = runner.slice(1, tokens, 0, false), wanted = runner.slice(2, tokens, 0, false);
  inner.wants_logits = false;
  EXPECT_EQ(runner.run({inner}), std::vector<float>());
  EXPECT_EQ(runner.run({inner, wanted}), last);
}

TEST(Decoder, refuses_tokens_positions_and_pages_that_do_not_exist) {
  ThreadTeam team(1);
  const auto decoder = tiny_llama(team, {.context_length = 8});
  EXPECT_EQ(decoder->spec().context_length, 8u);
  Runner runner(*decoder, team);
  const std::vector<int32_t> good(4, 1), wrong = {80}, negative = {-1};
  EXPECT_THROW(runner.run({runner.slice(0, wrong, 0)}), Error);
  EXPECT_THROW(runner.run({runner.slice(0, negative, 0)}), Error);
  EXPECT_THROW(runner.run({runner.slice(0, good, 5)}), Error);
  SequenceSlice bare = runner.slice(0, good, 0);
  bare.pages = {};
  EXPECT_THROW(runner.run({bare}), Error);
}

TEST(Decoder, refuses_a_context_longer_than_the_models) {
  ThreadTeam team(1);
  EXPECT_THROW(tiny_llama(team, {.context_length = 129}), Error);
  EXPECT_EQ(tiny_llama(team, {.context_length_cap = 1000})->spec().context_length, 128u);
  EXPECT_EQ(tiny_llama(team, {.context_length_cap = 100})->spec().context_length, 100u);
}

TEST(Decoder, stops_between_layers_when_cancelled) {
  ThreadTeam team(3, false);
  const auto decoder = tiny_llama(team);
  Runner runner(*decoder, team);
  const std::vector<int32_t> tokens = {1, 2, 3};
  const std::atomic<bool> cancelled = true;
  EXPECT_EQ(runner.run({runner.slice(0, tokens, 0)}, &cancelled), std::vector<float>());
  EXPECT_FALSE(runner.run({runner.slice(0, tokens, 0)}).empty());
}

TEST(Decoder, a_workspace_serves_one_decoder_after_another) {
  ThreadTeam team(1);
  const auto decoder = tiny_llama(team);
  const auto other = Decoder::load(formats::Checkpoint::open(testing::golden_folder() / "gpt2/model"), {}, team);
  const std::vector<int32_t> tokens = {1, 2, 3};
  Runner first(*decoder, team), second(*other, team);
  const auto a = first.run({first.slice(0, tokens, 0)}), b = second.run({second.slice(0, tokens, 0)});
  Workspace shared;
  EXPECT_EQ(first.run({first.slice(0, tokens, 0)}, nullptr, &shared), a);
  EXPECT_EQ(second.run({second.slice(0, tokens, 0)}, nullptr, &shared), b);
  EXPECT_EQ(first.run({first.slice(0, tokens, 0)}, nullptr, &shared), a);
}

}  // namespace
}  // namespace shenbi::models
