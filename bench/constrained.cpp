// constrained_bench MODEL [--rounds 7] [--tokens 64] [--streams 16] [--case WORD]: what keeping to a grammar costs
// while a model writes.
//
// Each answer is written three times in turn, from the same prompt, with the same seed and the same number of tokens:
//   free     nothing is asked of it
//   masks    within the grammar, every token drawn: as many passes of the same size as `free`, so the ratio is the
//   price
//            of the masks alone
//   jump     within the grammar as requests run: what the grammar leaves no choice about is taken over without a pass
// Timed is everything behind the pass that reads the prompts. A ratio is time for a token divided by that of `free` in
// the same round; printed is the median of the rounds, with the lowest and the highest.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "engine/engine.h"
#include "grammar/grammar.h"

namespace {

using namespace shenbi;
using grammar::Grammar;
using grammar::Matcher;
using grammar::TokenVocabulary;
using Clock = std::chrono::steady_clock;

struct Settings {
  int rounds = 7, tokens = 64, streams = 16;
  std::string only;  // cases whose name holds this
};

struct Case {
  std::string name, prompt;
  std::shared_ptr<const Grammar> grammar;
};

std::shared_ptr<const Grammar> schema(const std::string& name) {
  const std::string path = fmt::format(SHENBI_BENCH_FOLDER "/schemas/{}.json", name);
  std::ifstream file(path);
  if (!file) throw Error(Code::kNotFound, fmt::format("{} is not there", path));
  return Grammar::from_json_schema(nlohmann::ordered_json::parse(file));
}

// Sentences of a support desk: they part in the middle, so that most of each is forced and some of it is chosen.
std::vector<std::string> sentences() {
  std::vector<std::string> all;
  for (const char* what : {"refund", "replacement", "repair", "discount", "new invoice", "change of address"}) {
    for (const char* when : {"within two working days", "as soon as the parcel has come back to us", "today"}) {
      for (const char* who : {"our colleagues in the warehouse", "the workshop", "our accounting department"}) {
        all.push_back(
            fmt::format("Thank you very much for your message. We are sorry for the trouble. The {} that you asked "
                        "for will be taken care of by {} {}, and you need not do anything else.",
                        what, who, when));
      }
    }
  }
  return all;
}

std::vector<Case> all_cases() {
  const std::string json = "Here is an invented example as JSON:\n";
  return {
      {"JSON object", json, Grammar::any_json_object()},
      {"schema, free text (answer)", json, schema("answer")},
      {"schema, small (person)", json, schema("person")},
      {"schema, large (order)", json, schema("order")},
      {"regex", "Lines of a log:\n",
       Grammar::from_regex(
           "(\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2} (INFO|WARN|ERROR) [a-z_]{3,16}: [A-Za-z0-9 ,.]{20,80}\n){20}")},
      {"choice of 54 sentences", "The answer to the customer: ", Grammar::from_choices(sentences())},
      {"GBNF", "A long sum: ",
       Grammar::from_gbnf("root ::= root \" + \" term | root \" - \" term | term \" + \" term\n"
                          "term ::= term \" * \" factor | factor\n"
                          "factor ::= [0-9]{1,6} | [a-z] [a-z0-9_]{0,12} | \"(\" root \")\"\n")},
  };
}

struct Sampling {
  const char* name;
  engine::SamplingParams params;
};

std::vector<Sampling> samplings() {
  engine::SamplingParams greedy{.temperature = 0}, plain{.temperature = 1},
      cut{.temperature = 1, .top_k = 64, .top_p = 0.95f};
  return {{"temperature 0", greedy}, {"temperature 1", plain}, {"temperature 1, top-k 64, top-p 0.95", cut}};
}

struct Timed {
  double seconds = 0;
  std::vector<uint32_t> tokens;  // of each stream
  uint64_t timed_tokens = 0, passes = 0;
  double per_token() const { return seconds / static_cast<double>(std::max<uint64_t>(1, timed_tokens)); }
};

class Bench {
 public:
  Bench(const std::string& path, const Settings& settings)
      : settings_(settings),
        team_(thread_budget().threads),
        model_(engine::load_model(engine::resolve_model(path), {.context_length_cap = 2048}, team_)),
        vocabulary_(TokenVocabulary::make(*model_->tokenizer, model_->decoder->spec().vocab_size, model_->stop_ids)),
        engine_(model_, team_, {.max_sequences = static_cast<uint32_t>(settings.streams), .step_tokens = 2048}) {}

  void run();

 private:
  enum class Mode { kFree, kMasks, kJump };
  Timed write(const Case& c, const Sampling& sampling, int streams, Mode mode, const std::vector<uint32_t>& lengths);
  void compare(const Case& c, const Sampling& sampling, int streams);

  Settings settings_;
  ThreadTeam team_;
  std::shared_ptr<const engine::Model> model_;
  std::shared_ptr<const TokenVocabulary> vocabulary_;
  engine::Engine engine_;
};

Timed Bench::write(const Case& c, const Sampling& sampling, int streams, Mode mode,
                   const std::vector<uint32_t>& lengths) {
  Timed timed;
  timed.tokens.resize(static_cast<size_t>(streams));
  for (int i = 0; i < streams; ++i) {
    engine::Request request;
    request.prompt = model_->tokenizer->encode(fmt::format("{}. {}", 101 + i, c.prompt), {});
    request.sampling = sampling.params;
    request.sampling.seed = 42 + static_cast<uint64_t>(i);
    request.tenant = fmt::format("{}", i);  // nothing is shared
    request.max_tokens = lengths.empty() ? static_cast<uint32_t>(settings_.tokens) : lengths[static_cast<size_t>(i)];
    request.ignore_end = mode == Mode::kFree;
    request.jump_ahead = mode == Mode::kJump;
    if (mode != Mode::kFree) request.matcher = std::make_shared<Matcher>(c.grammar, vocabulary_);
    request.on_token = [&count = timed.tokens[static_cast<size_t>(i)]](const engine::TokenEvent& event) {
      if (event.finish == engine::FinishReason::kFailed) throw Error(Code::kInternal, std::string(event.text));
      count += event.id >= 0;
    };
    engine_.submit(std::move(request));
  }
  const auto total = [&] {
    uint64_t sum = 0;
    for (const uint32_t count : timed.tokens) sum += count;
    return sum;
  };
  engine_.step();  // the prompts, and each stream's first token
  const uint64_t first = total(), passes = engine_.stats().steps;
  const auto begin = Clock::now();
  engine_.run();
  timed.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  // With a real-time priority (chrt -f 5) Linux takes the processors away for 50 ms of each second: it shall not have
  // to.
  std::this_thread::sleep_for(std::chrono::duration<double>(0.15 * timed.seconds));
  timed.timed_tokens = total() - first;
  timed.passes = engine_.stats().steps - passes;
  return timed;
}

std::string spread(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  return fmt::format("{:5.3f} ({:.3f} - {:.3f})", ratios[ratios.size() / 2], ratios.front(), ratios.back());
}

void Bench::compare(const Case& c, const Sampling& sampling, int streams) {
  std::vector<double> masks, jump;
  std::vector<double> free_ms;
  uint64_t tokens = 0, jump_tokens = 0, jump_passes = 0;
  const auto lengths = write(c, sampling, streams, Mode::kMasks, {}).tokens;  // also finds the masks for the first time
  const auto jump_lengths = write(c, sampling, streams, Mode::kJump, {}).tokens;
  for (int round = 0; round < settings_.rounds; ++round) {
    Timed with, without = write(c, sampling, streams, Mode::kFree, lengths);
    with = write(c, sampling, streams, Mode::kMasks, {});
    const Timed jumping = write(c, sampling, streams, Mode::kJump, {});
    const Timed again = write(c, sampling, streams, Mode::kFree, lengths);
    // Free before and after: what the machine did meanwhile cancels out to first order.
    const double free = (without.per_token() + again.per_token()) / 2;
    free_ms.push_back(1e3 * free * streams);
    masks.push_back(with.per_token() / free);
    jump.push_back(jumping.per_token() / free);
    tokens = with.timed_tokens, jump_tokens = jumping.timed_tokens, jump_passes = jumping.passes;
  }
  std::sort(free_ms.begin(), free_ms.end());
  fmt::print("{:<28}{:>3}{:>7}{:>9.2f} ms   {}   {}{:>8} of {}\n", c.name, streams, tokens, free_ms[free_ms.size() / 2],
             spread(masks), spread(jump), jump_passes, jump_tokens / static_cast<uint64_t>(streams));
  std::fflush(stdout);
}

void Bench::run() {
  fmt::print("{}, {} threads; {} rounds, at most {} tokens\n", cpu_model_name(), team_.count(), settings_.rounds,
             settings_.tokens);
  for (const Sampling& sampling : samplings()) {
    fmt::print("\n{:<28}{:>3}{:>7}{:>12}   {:<23}   {:<23}{:>14}\n", sampling.name, "at", "tokens", "free pass",
               "masks / free", "jump / free", "passes, tokens");
    for (const Case& c : all_cases()) {
      if (c.name.find(settings_.only) == c.name.npos) continue;
      for (const int streams : {1, settings_.streams}) compare(c, sampling, streams);
    }
  }
}

}  // namespace

int main(int count, char** arguments) try {
  Settings settings;
  if (count < 2 || count % 2 != 0)
    throw Error(Code::kInvalidArgument,
                "usage: constrained_bench MODEL [--rounds 7] [--tokens 64] [--streams 16] [--case WORD]");
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    if (name == "--case") {
      settings.only = arguments[i + 1];
      continue;
    }
    int* value = name == "--rounds"    ? &settings.rounds
                 : name == "--tokens"  ? &settings.tokens
                 : name == "--streams" ? &settings.streams
                                       : nullptr;
    if (value == nullptr) throw Error(Code::kInvalidArgument, fmt::format("unknown option {}", name));
    *value = std::atoi(arguments[i + 1]);
    if (*value < 1) throw Error(Code::kInvalidArgument, fmt::format("{} must be at least 1", name));
  }
  Bench(arguments[1], settings).run();
} catch (const shenbi::Error& error) {
  fmt::print(stderr, "constrained_bench: {}\n", error.what());
  return 1;
}
