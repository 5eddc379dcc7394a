// The engine on real (tiny, random-weight) decoders: whatever runs beside a sequence, however its prompt is cut,
// whatever the prefix tree holds and however many threads work, its greedy tokens are the same.

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/reason.h"
#include "engine/kv_cache.h"
#include "engine/test_letters.h"

namespace shenbi::engine {
namespace {

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
    EXPECT_EQ(std::string(error.what()),
              "prompt has " + std::to_string(context) + " tokens, this model's maximum context length is " +
                  std::to_string(context) + ": at most " + std::to_string(context - 1) + " fit");
    EXPECT_EQ(reason_of(error), Reason::kContextLength);
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

// --- what a server asks for besides ---

struct Served {
  ThreadTeam team{2, false};
  std::shared_ptr<const Model> model = tiny_model("llama", team);
};

TEST(Serving, log_probabilities_of_a_prompt_are_those_of_one_whole_pass) {
  Served s;
  const auto ids = prompt(*s.model, 70, 5);
  const auto& decoder = *s.model->decoder;
  const size_t vocab = decoder.spec().vocab_size;
  KvCache cache(decoder.kv_page_bytes(), 3);
  std::vector<uint32_t> pages;
  while (pages.size() < 3) pages.push_back(cache.allocate().value());
  std::vector<float> logits(ids.size() * vocab);
  models::Workspace workspace;
  const models::SequenceSlice slice{.tokens = ids, .pages = pages, .all_logits = true};
  decoder.forward({&slice, 1}, cache.pool(), workspace, s.team, logits.data());

  Engine engine(s.model, s.team, {.step_tokens = 48});
  Result plain, scored;
  engine.submit(greedy(ids, 3, plain));
  engine.run();
  std::vector<PromptToken> seen;
  Request request = greedy(ids, 3, scored);
  request.top_logprobs = 2;
  request.on_prompt = [&](const std::vector<PromptToken>& tokens) { seen = tokens; };
  engine.submit(std::move(request));
  engine.run();
  EXPECT_EQ(scored.ids, plain.ids);
  ASSERT_EQ(seen.size(), ids.size());
  for (size_t i = 1; i < ids.size(); ++i) {
    const auto row = std::span(logits).subspan((i - 1) * vocab, vocab);
    EXPECT_EQ(seen[i].id, ids[i]);
    EXPECT_FLOAT_EQ(seen[i].logprob, static_cast<float>(row[static_cast<size_t>(ids[i])] - log_sum_exp(row)));
    EXPECT_EQ(seen[i].top.size(), 2u);
  }
}

TEST(Serving, a_grammar_is_kept_to_and_ends_the_answer) {
  Served s;
  Engine engine(s.model, s.team);
  const std::vector<std::string> choices = {"abcabc", "cab"};
  const auto vocabulary = grammar::TokenVocabulary::make(*s.model->tokenizer, s.model->decoder->spec().vocab_size, {2});
  for (const float temperature : {0.0f, 1.0f}) {
    Result result;
    Request request = greedy(prompt(*s.model, 9, 1), 50, result);
    request.sampling.temperature = temperature;
    request.sampling.seed = 3;
    request.ignore_end = false;
    request.matcher = std::make_shared<grammar::Matcher>(grammar::Grammar::from_choices(choices), vocabulary);
    engine.submit(std::move(request));
    engine.run();
    EXPECT_NE(std::find(choices.begin(), choices.end(), result.text), choices.end()) << result.text;
    EXPECT_EQ(result.finish, FinishReason::kStop);
  }
}

TEST(Serving, embeddings_do_not_depend_on_the_chunks) {
  Served s;
  const auto embed = [&](uint32_t step_tokens, EmbeddingRequest::Pooling pooling) {
    Engine engine(s.model, s.team, {.step_tokens = step_tokens});
    std::vector<float> out;
    engine.submit(EmbeddingRequest{
        .tokens = prompt(*s.model, 50, 2), .pooling = pooling, .on_done = [&](std::vector<float> vector, const Error*) {
          out = std::move(vector);
        }});
    engine.run();
    return out;
  };
  for (const auto pooling : {EmbeddingRequest::Pooling::kMean, EmbeddingRequest::Pooling::kLast}) {
    const auto whole = embed(512, pooling);
    EXPECT_EQ(whole.size(), s.model->decoder->spec().embedding_size);
    EXPECT_EQ(whole, embed(7, pooling));
  }
  EXPECT_NE(embed(512, EmbeddingRequest::Pooling::kMean), embed(512, EmbeddingRequest::Pooling::kLast));
}

TEST(Serving, an_answer_goes_on_while_a_long_text_is_read) {
  Served s;
  Engine engine(s.model, s.team, {.step_tokens = 4});
  size_t tokens_meanwhile = 0;
  bool read = false;
  engine.submit(Request{
      .prompt = prompt(*s.model, 2, 1), .max_tokens = 40, .ignore_end = true, .on_token = [&](const TokenEvent&) {
        tokens_meanwhile += !read;
      }});
  engine.submit(
      EmbeddingRequest{.tokens = prompt(*s.model, 40, 2), .on_done = [&](auto, const Error*) { read = true; }});
  engine.run();
  EXPECT_TRUE(read);
  EXPECT_EQ(tokens_meanwhile, 9u)
      << "one beside each of ten chunks but the last, which is read before the answer's pass";
}

TEST(Serving, a_text_that_nobody_wants_any_more_is_read_no_further) {
  Served s;
  Engine engine(s.model, s.team, {.step_tokens = 4});
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  std::vector<std::string> said;
  const auto done = [&](std::vector<float> vector, const Error* failure) {
    said.push_back(failure ? std::string(code_info(failure->code()).name) : std::to_string(vector.size()));
  };
  engine.submit(EmbeddingRequest{.tokens = prompt(*s.model, 40, 2), .cancelled = cancelled, .on_done = done});
  engine.submit(EmbeddingRequest{.tokens = prompt(*s.model, 4, 2), .on_done = done});
  engine.step();
  *cancelled = true;
  engine.step();
  EXPECT_EQ(said, std::vector<std::string>{"cancelled"});
  engine.run();
  EXPECT_EQ(said, (std::vector<std::string>{"cancelled", std::to_string(s.model->decoder->spec().embedding_size)}));
  EXPECT_EQ(engine.stats().used_pages, 0u);
  EXPECT_EQ(engine.stats().prompt_tokens, 4u) << "of what was read to its end";
}

TEST(Serving, failing_all_fails_the_texts_too) {
  Served s;
  Engine engine(s.model, s.team, {.step_tokens = 4});
  std::vector<std::string> why;
  const auto done = [&](std::vector<float>, const Error* failure) {
    why.push_back(failure ? failure->what() : "read");
  };
  for (int i = 0; i < 2; ++i) engine.submit(EmbeddingRequest{.tokens = prompt(*s.model, 40, 2), .on_done = done});
  engine.step();
  engine.fail_all(Code::kUnavailable, "the end");
  engine.run();
  EXPECT_EQ(why, (std::vector<std::string>{"the end", "the end"}));
}

TEST(Serving, tenants_share_no_cached_prompt) {
  Served s;
  Engine engine(s.model, s.team);
  const auto cached = [&](const std::string& tenant) {
    Result result;
    uint32_t tokens = 0;
    Request request = greedy(prompt(*s.model, 70, 4), 1, result);
    request.tenant = tenant;
    request.on_token = [&](const TokenEvent& event) { tokens = event.cached_tokens; };
    engine.submit(std::move(request));
    engine.run();
    return tokens;
  };
  EXPECT_EQ(cached("a"), 0u);
  EXPECT_EQ(cached("a"), 64u);
  EXPECT_EQ(cached("b"), 0u);
}

TEST(Serving, lower_priority_numbers_run_first) {
  Served s;
  Engine engine(s.model, s.team, {.max_sequences = 1});
  std::vector<int> order;
  for (const int priority : {0, 5, -1, 0}) {
    Result ignored;
    Request request = greedy(prompt(*s.model, 5, 1), 1, ignored);
    request.priority = priority;
    request.on_token = [&order, priority](const TokenEvent&) { order.push_back(priority); };
    engine.submit(std::move(request));
  }
  engine.run();
  EXPECT_EQ(order, (std::vector<int>{-1, 0, 0, 5}));
}

TEST(Serving, who_waits_hears_how_many_come_first_and_again_when_that_changes) {
  Served s;
  Engine engine(s.model, s.team, {.max_sequences = 1});
  std::vector<std::vector<uint32_t>> heard(4);
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < heard.size(); ++i) {
    Result ignored;
    Request request = greedy(prompt(*s.model, 5, 1), 4, ignored);
    request.priority = i == 3 ? -1 : 0;  // comes last, goes first
    request.on_token = nullptr;
    request.on_wait = [&, i](uint32_t ahead) { heard[i].push_back(ahead); };
    numbers.push_back(engine.submit(std::move(request)));
    if (i == 2) engine.step();  // the first of them runs
  }
  engine.step();
  engine.cancel(numbers[1]);
  engine.run();
  EXPECT_EQ(heard[0], (std::vector<uint32_t>{}));
  EXPECT_EQ(heard[1], (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(heard[2], (std::vector<uint32_t>{1, 2, 1, 0}));
  EXPECT_EQ(heard[3], (std::vector<uint32_t>{0}));
}

TEST(Serving, a_short_prompt_does_not_wait_for_a_long_one) {
  Served s;
  Engine engine(s.model, s.team, {.step_tokens = 128});
  int steps = 0, short_done = 0, long_done = 0;
  Result ignored;
  Request big = greedy(prompt(*s.model, 120, 1), 1, ignored), small = greedy(prompt(*s.model, 20, 2), 1, ignored);
  big.on_token = [&](const TokenEvent&) { long_done = steps; };
  small.on_token = [&](const TokenEvent&) { short_done = steps; };
  engine.submit(std::move(big));
  engine.submit(std::move(small));
  do ++steps;
  while (engine.step());
  EXPECT_EQ(short_done, 1);
  EXPECT_EQ(long_done, 2);
}

}  // namespace shenbi::engine
