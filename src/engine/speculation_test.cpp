// Speculation changes no token: whatever is guessed, sequences beside it, chunks of prompts, grammars, penalties,
// budgets and full caches give what they give without.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/test_letters.h"

namespace shenbi::engine {
namespace {

std::shared_ptr<const Model> tiny_model(const std::string& family, ThreadTeam& team) {
  auto model = std::make_shared<Model>();
  model->name = family;
  model->checkpoint =
      formats::Checkpoint::open(std::string(SHENBI_SOURCE_DIR) + "/tests/golden/models/" + family + "/model");
  model->decoder =
      models::Decoder::load(model->checkpoint, {.coarse_head = models::CoarseHeadUse::kWherePossible}, team);
  model->tokenizer = letter_tokenizer(model->decoder->spec().vocab_size, false);
  return model;
}

// Everything that an answer's events said.
struct Said {
  std::vector<int32_t> ids;
  std::vector<std::string> texts;
  std::vector<float> logprobs;
  std::vector<Sampler::TopLogprobs> tops;
  FinishReason finish = FinishReason::kNone;
  std::string stop;
  bool operator==(const Said&) const = default;
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint64_t below(uint64_t most) { return (random_.block(at_++)[0] * most) >> 32; }
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  Philox random_;
  uint64_t at_ = 0;
};

// Prompts that repeat themselves, so that there is something to guess.
std::vector<int32_t> repeating_prompt(Dice& dice, size_t vocab) {
  std::vector<int32_t> ids(1 + dice.below(60));
  const size_t period = 2 + dice.below(9);
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = i < period || dice.one_in(12) ? static_cast<int32_t>(3 + dice.below(vocab - 3)) : ids[i - period];
  }
  return ids;
}

struct Traffic {
  const Model& model;
  std::shared_ptr<const grammar::TokenVocabulary> vocabulary =
      grammar::TokenVocabulary::make(*model.tokenizer, model.decoder->spec().vocab_size, {2});

  // The request that this seed stands for; every kind of them comes up.
  Request request(uint64_t seed) const {
    Dice dice(seed);
    Request r;
    r.prompt = repeating_prompt(dice, model.decoder->spec().vocab_size);
    r.max_tokens = 1 + static_cast<uint32_t>(dice.below(40));
    r.ignore_end = dice.one_in(2);
    r.sampling.temperature = dice.one_in(2) ? 0.0f : 0.05f + 0.2f * static_cast<float>(dice.below(4));
    r.sampling.seed = seed;
    if (dice.one_in(3)) r.sampling.top_k = 1 + static_cast<uint32_t>(dice.below(8));
    if (dice.one_in(3)) r.sampling.top_p = 0.9f;
    if (dice.one_in(4)) r.sampling.repetition_penalty = 1.1f;
    if (dice.one_in(4)) r.sampling.frequency_penalty = 0.3f;
    if (dice.one_in(4)) r.sampling.dry.multiplier = 0.5f;
    if (dice.one_in(4)) r.sampling.logit_bias[5] = 1.5f;
    r.logprobs = dice.one_in(4);
    if (dice.one_in(5)) r.top_logprobs = 3;
    if (dice.one_in(6)) r.stop = {std::string(1, static_cast<char>('a' + dice.below(20)))};
    if (dice.one_in(8)) r.on_prompt = [](const auto&) {};
    if (dice.one_in(4)) add_grammar(r, dice);
    if (dice.one_in(5)) {
      r.thinking = ThinkingLimit{
          .tokens = dice.below(12), .begin = "(", .end = ")", .closing = {3 + ')' - '!', 3 + '.' - '!'}, .open = true};
    }
    return r;
  }

  void add_grammar(Request& r, Dice& dice) const {
    const std::string loops = "root ::= (\"abcd\" [a-f] \"xyz\" | [k-p]+ \"/\")+";
    r.matcher = std::make_shared<grammar::Matcher>(grammar::Grammar::from_gbnf(loops), vocabulary);
    r.jump_ahead = dice.one_in(2);
  }
};

struct Outcome {
  std::vector<Said> said;
  EngineStats stats;
  uint32_t pages_of_tree = 0;
};

// Twenty requests, new ones while others run; every seventh is cancelled from its own callback after some tokens.
Outcome run(const std::shared_ptr<const Model>& model, ThreadTeam& team, EngineOptions options, uint64_t seed) {
  constexpr size_t kRequests = 20;
  const Traffic traffic{*model};
  Engine engine(model, team, options);
  Outcome outcome;
  outcome.said.resize(kRequests);
  std::vector<uint64_t> numbers(kRequests);
  for (size_t i = 0; i < kRequests; ++i) {
    Request r = traffic.request(seed + i);
    r.on_token = [&, i](const TokenEvent& event) {
      Said& said = outcome.said[i];
      said.ids.push_back(event.id);
      said.texts.emplace_back(event.text);
      said.logprobs.push_back(event.logprob);
      said.tops.push_back(event.top ? *event.top : Sampler::TopLogprobs{});
      said.finish = event.finish;
      said.stop = event.stop_string;
      if (i % 7 == 6 && said.ids.size() == 5) engine.cancel(numbers[i]);
    };
    numbers[i] = engine.submit(std::move(r));
    if (i % 3 == 2) engine.step();
  }
  engine.run();
  outcome.stats = engine.stats();
  return outcome;
}

class SameAnswers : public ::testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(SameAnswers, of_random_traffic_with_and_without_speculation) {
  ThreadTeam team(2, false);
  const auto model = tiny_model(GetParam(), team);
  const uint64_t page = model->decoder->kv_page_bytes();
  uint64_t drafted = 0, accepted = 0, preempted = 0;
  for (uint64_t seed = 0; seed < 200; seed += 100) {
    const Outcome plain = run(model, team, {.max_sequences = 1, .speculation = Speculation::kOff}, seed);
    EXPECT_EQ(plain.stats.drafted_tokens, 0u);
    const std::vector<EngineOptions> all = {
        {.max_sequences = 1, .speculation = Speculation::kAlways},
        {.max_sequences = 6, .speculation = Speculation::kAlways},
        {.max_sequences = 6, .step_tokens = 9, .speculation = Speculation::kAlways},
        {.max_sequences = 6, .kv_bytes = 8 * page, .speculation = Speculation::kAlways},
        {.max_sequences = 3, .speculation = Speculation::kWhereItPays},
    };
    for (const EngineOptions& options : all) {
      const Outcome guessed = run(model, team, options, seed);
      for (size_t i = 0; i < plain.said.size(); ++i)
        EXPECT_TRUE(guessed.said[i] == plain.said[i]) << GetParam() << ", request " << seed + i;
      EXPECT_EQ(guessed.stats.used_pages, 0u);
      EXPECT_EQ(guessed.stats.waiting + guessed.stats.running, 0u);
      drafted += guessed.stats.drafted_tokens;
      accepted += guessed.stats.accepted_tokens;
      preempted += guessed.stats.preemptions;
    }
  }
  EXPECT_GT(accepted, 100u) << "there was something to guess";
  EXPECT_GT(drafted, accepted + 100) << "and to guess wrong";
  EXPECT_GT(preempted, 0u) << "and a cache that was full";
}

INSTANTIATE_TEST_SUITE_P(Families, SameAnswers, ::testing::Values("llama", "gemma3", "qwen3_moe", "bloom"));

TEST(Speculation, prompts_find_what_answers_with_guesses_left_in_the_cache) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  const auto ids = [&](Speculation speculation) {
    Engine engine(model, team, {.speculation = speculation});
    std::vector<int32_t> prompt(20, 7), all;
    for (int turn = 0; turn < 3; ++turn) {  // each prompt is all that was said before
      prompt.insert(prompt.end(), {9, 10, 9});
      Request request{.prompt = prompt, .max_tokens = 25, .ignore_end = true};
      request.sampling.temperature = 0;
      request.on_token = [&](const TokenEvent& event) { prompt.push_back(event.id); };
      engine.submit(std::move(request));
      engine.run();
    }
    EXPECT_GT(engine.stats().cached_tokens, 90u);
    EXPECT_EQ(engine.stats().generated_tokens, 3u * 24);
    all.push_back(static_cast<int32_t>(engine.stats().cached_tokens));
    all.insert(all.end(), prompt.begin(), prompt.end());
    return all;
  };
  EXPECT_EQ(ids(Speculation::kAlways), ids(Speculation::kOff));
}

TEST(Speculation, guesses_run_on_through_text_that_a_grammar_leaves_no_choice_about) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  const auto vocabulary = grammar::TokenVocabulary::make(*model->tokenizer, model->decoder->spec().vocab_size, {2});
  EngineStats plain, guessed;
  const auto ids = [&](Speculation speculation, uint64_t seed, EngineStats& stats) {
    Engine engine(model, team, {.speculation = speculation});
    Said said;
    Request request{.prompt = {5, 6, 7}, .max_tokens = 80};
    request.sampling = {.temperature = 0.1f, .logit_bias = {{2, -100.0f}}, .seed = seed};  // no end token
    request.matcher =
        std::make_shared<grammar::Matcher>(grammar::Grammar::from_gbnf("root ::= (\"abcdefgh\" [k-n])+"), vocabulary);
    request.on_token = [&](const TokenEvent& event) { said.ids.push_back(event.id); };
    engine.submit(std::move(request));
    engine.run();
    stats = engine.stats();
    return said.ids;
  };
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(ids(Speculation::kAlways, seed, guessed), ids(Speculation::kOff, seed, plain)) << seed;
    EXPECT_LT(guessed.steps, plain.steps);
    EXPECT_GT(guessed.accepted_tokens, 20u);
  }
}

TEST(Speculation, takes_fewer_passes_where_an_answer_repeats_itself) {
  ThreadTeam team(1);
  const auto model = tiny_model("llama", team);
  const auto steps = [&](Speculation speculation) {
    Engine engine(model, team, {.speculation = speculation});
    Request request{.prompt = {5, 6, 7}, .max_tokens = 40, .ignore_end = true};
    request.sampling.temperature = 0;
    request.sampling.logit_bias[9] = 1000;
    engine.submit(std::move(request));
    engine.run();
    return engine.stats().steps;
  };
  EXPECT_EQ(steps(Speculation::kOff), 40u);
  EXPECT_LT(steps(Speculation::kAlways), 20u);
}

}  // namespace shenbi::engine
