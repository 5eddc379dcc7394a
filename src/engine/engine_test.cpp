// The engine on real (tiny, random-weight) decoders: whatever runs beside a sequence, however its prompt is cut,
// whatever the prefix tree holds and however many threads work, its greedy tokens are the same.

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace shenbi::engine {
namespace {

// One token a printable letter, enough for any of the fixtures' vocabularies.
std::shared_ptr<const tokenizers::Tokenizer> letter_tokenizer(size_t vocab) {
  std::vector<std::string> names = {"<unk>", "<s>", "</s>"};
  while (names.size() < vocab) names.push_back(std::string(1, static_cast<char>('!' + names.size() - 3)));
  tokenizers::GgufVocabulary v;
  v.model = "llama";
  for (const std::string& name : names) v.tokens.push_back(name);
  v.scores.assign(vocab, 0.0f);
  v.kinds.assign(vocab, 1);
  v.kinds[0] = 2;
  v.kinds[1] = v.kinds[2] = 3;
  v.unknown = 0;
  v.bos = 1;
  v.eos = 2;
  return tokenizers::Tokenizer::from_gguf(v);
}

std::shared_ptr<const Model> tiny_model(const std::string& family, ThreadTeam& team) {
  auto model = std::make_shared<Model>();
  model->name = family;
  model->checkpoint =
      formats::Checkpoint::open(std::string(SHENBI_SOURCE_DIR) + "/tests/golden/models/" + family + "/model");
  model->decoder = models::Decoder::load(model->checkpoint, {}, team);
  model->tokenizer = letter_tokenizer(model->decoder->spec().vocab_size);
  return model;
}

std::vector<int32_t> prompt(const Model& model, size_t length, uint64_t seed) {
  const Philox random(seed);
  const uint64_t vocab = model.decoder->spec().vocab_size;
  std::vector<int32_t> ids(length);
  for (size_t i = 0; i < length; ++i) ids[i] = static_cast<int32_t>((random.block(i)[0] * vocab) >> 32);
  return ids;
}

struct Result {
  std::vector<int32_t> ids;
  std::string text;
  FinishReason finish = FinishReason::kNone;
};

Request greedy(std::vector<int32_t> ids, uint32_t tokens, Result& result) {
  Request request;
  request.prompt = std::move(ids);
  request.max_tokens = tokens;
  request.sampling.temperature = 0;
  request.ignore_end = true;
  request.on_token = [&result](const TokenEvent& event) {
    if (event.id >= 0) result.ids.push_back(event.id);
    result.text += event.text;
    result.finish = event.finish;
  };
  return request;
}

constexpr uint32_t kTokens = 20;
const std::vector<size_t> kLengths = {1, 7, 33, 40, 64};

// Prompts share a beginning of 32 tokens where they are long enough, so that the prefix tree has something to give.
std::vector<int32_t> shared_prompt(const Model& model, size_t i) {
  auto ids = prompt(model, kLengths[i], 100 + i);
  const auto common = prompt(model, 32, 99);
  if (ids.size() > 32) std::copy(common.begin(), common.end(), ids.begin());
  return ids;
}

std::vector<std::vector<int32_t>> run_all(const std::string& family, int threads, const EngineOptions& options,
                                          bool together, bool twice = false) {
  ThreadTeam team(threads, false);
  const auto model = tiny_model(family, team);
  Engine engine(model, team, options);
  std::vector<Result> results(kLengths.size());
  for (int round = 0; round < (twice ? 2 : 1); ++round) {
    for (Result& result : results) result = {};
    for (size_t i = 0; i < kLengths.size(); ++i) {
      engine.submit(greedy(shared_prompt(*model, i), kTokens, results[i]));
      if (!together) engine.run();
    }
    engine.run();
  }
  if (twice) {
    EXPECT_GT(engine.stats().cached_tokens, 0u);
  }
  std::vector<std::vector<int32_t>> out;
  for (const Result& result : results) {
    EXPECT_EQ(result.finish, FinishReason::kLength);
    out.push_back(result.ids);
  }
  return out;
}

class SameTokens : public ::testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(SameTokens, for_any_batch_chunk_thread_count_and_cache_state) {
  const std::string family = GetParam();
  const auto alone = run_all(family, 1, {.max_sequences = 1}, false);
  for (const auto& ids : alone) ASSERT_EQ(ids.size(), kTokens);
  EXPECT_EQ(run_all(family, 1, {.max_sequences = 8}, true), alone) << "all at once";
  EXPECT_EQ(run_all(family, 2, {.max_sequences = 8}, true), alone) << "two threads";
  EXPECT_EQ(run_all(family, 3, {.max_sequences = 3, .step_tokens = 5}, true), alone) << "three threads, chunks of five";
  EXPECT_EQ(run_all(family, 2, {.max_sequences = 8}, true, true), alone) << "prompts from the prefix tree";
}

INSTANTIATE_TEST_SUITE_P(Families, SameTokens, ::testing::Values("llama", "gemma3", "qwen3_moe", "bloom"));

TEST(Engine, a_full_cache_preempts_the_youngest_and_changes_no_token) {
  const auto alone = run_all("llama", 1, {.max_sequences = 1}, false);
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  // Six pages: the five sequences need 1 + 1 + 2 + 2 + 3.
  EngineOptions options{.max_sequences = 8, .kv_bytes = 6 * model->decoder->kv_page_bytes()};
  Engine engine(model, team, options);
  std::vector<Result> results(kLengths.size());
  for (size_t i = 0; i < kLengths.size(); ++i) engine.submit(greedy(shared_prompt(*model, i), kTokens, results[i]));
  engine.run();
  EXPECT_GT(engine.stats().preemptions, 0u);
  for (size_t i = 0; i < kLengths.size(); ++i) EXPECT_EQ(results[i].ids, alone[i]) << i;
}

TEST(Engine, a_prompt_as_long_as_the_context_is_an_error_that_names_both_numbers) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  Engine engine(model, team);
  Result result;
  const uint32_t context = engine.context_length();
  try {
    engine.submit(greedy(prompt(*model, context, 1), 1, result));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "prompt has " + std::to_string(context) + " tokens, the context is " +
                                             std::to_string(context) + ": at most " + std::to_string(context - 1) +
                                             " fit");
  }
  engine.submit(greedy(prompt(*model, context - 1, 1), 0, result));
  engine.run();
  EXPECT_EQ(result.finish, FinishReason::kLength);
  EXPECT_EQ(result.ids.size(), 1u);
}

TEST(Engine, refuses_tokens_outside_the_vocabulary_and_empty_prompts) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  Engine engine(model, team);
  EXPECT_THROW(engine.submit({.prompt = {}}), Error);
  EXPECT_THROW(engine.submit({.prompt = {-1}}), Error);
  EXPECT_THROW(engine.submit({.prompt = {static_cast<int32_t>(model->decoder->spec().vocab_size)}}), Error);
}

TEST(Engine, a_cancelled_sequence_ends_and_the_others_go_on_unchanged) {
  const auto alone = run_all("llama", 1, {.max_sequences = 1}, false);
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  Engine engine(model, team);
  std::vector<Result> results(2);
  const uint64_t first = engine.submit(greedy(shared_prompt(*model, 3), kTokens, results[0]));
  engine.submit(greedy(shared_prompt(*model, 4), kTokens, results[1]));
  for (int i = 0; i < 5; ++i) engine.step();
  engine.cancel(first);
  engine.run();
  EXPECT_EQ(results[0].finish, FinishReason::kCancelled);
  EXPECT_LT(results[0].ids.size(), kTokens);
  EXPECT_EQ(results[1].ids, alone[4]);
}

TEST(Engine, stops_at_a_string_and_gives_none_of_it_out) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  Engine engine(model, team);
  Result whole, cut;
  engine.submit(greedy(prompt(*model, 5, 1), kTokens, whole));
  engine.run();
  ASSERT_GT(whole.text.size(), 8u);
  const std::string stop = whole.text.substr(4, 3);
  Request request = greedy(prompt(*model, 5, 1), kTokens, cut);
  request.stop = {stop};
  engine.submit(std::move(request));
  engine.run();
  EXPECT_EQ(cut.finish, FinishReason::kStop);
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST(Engine, a_seed_gives_the_same_sampled_answer_beside_any_neighbour) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  const auto sampled = [&](bool with_neighbour) {
    Engine engine(model, team);
    Result result, other;
    Request request = greedy(prompt(*model, 9, 3), kTokens, result);
    request.sampling = {.temperature = 1.2f, .top_p = 0.95f, .seed = 5};
    if (with_neighbour) engine.submit(greedy(prompt(*model, 40, 4), kTokens, other));
    engine.submit(std::move(request));
    engine.run();
    return result.ids;
  };
  EXPECT_EQ(sampled(false), sampled(true));
}

TEST(Engine, logprobs_agree_with_the_top_list) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  Engine engine(model, team);
  size_t events = 0;
  Request request;
  request.prompt = prompt(*model, 4, 2);
  request.max_tokens = 6;
  request.sampling.temperature = 0;
  request.ignore_end = true;
  request.logprobs = true;
  request.top_logprobs = 3;
  request.on_token = [&](const TokenEvent& event) {
    ++events;
    ASSERT_NE(event.top, nullptr);
    ASSERT_EQ(event.top->size(), 3u);
    EXPECT_EQ(event.top->front().first, event.id);
    EXPECT_FLOAT_EQ(event.top->front().second, event.logprob);
  };
  engine.submit(std::move(request));
  engine.run();
  EXPECT_EQ(events, 6u);
}

}  // namespace shenbi::engine
