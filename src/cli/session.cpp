#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/cpu.h"
#include "base/error.h"
#include "cli/input.h"

namespace shenbi::cli {

void declare_model_options(Arguments& args, ModelOptions& options) {
  args.positional("MODEL", options.model, kModelHelp).required();
  args.option("-t,--threads", options.threads, "threads; 0: as many CPUs as this process really gets").range(0, 1024);
  args.option("-c,--context", options.context,
              fmt::format("longest prompt and answer in tokens; 0: the model's own, at most {}", kDefaultContext));
  args.option(
          "--precision", options.precision,
          "activations in products with quantised weights; int16 is as exact as the weights and reads prompts slower")
      .choices({"int8", "int16"});
  args.flag("--whole-head", options.whole_head,
            "no second, coarse form of a large output head: the same answers, less memory, slower");
  args.flag("-q,--quiet", options.quiet, "nothing on stderr but errors");
}

namespace {

std::string describe_threads(int count) {
  const ThreadBudget budget = thread_budget();
  return fmt::format("{} thread{} ({}{})", count, count == 1 ? "" : "s", budget.reason,
                     count > budget.threads ? "; more threads than CPUs are slower" : "");
}

}  // namespace

std::unique_ptr<ThreadTeam> make_team(uint32_t threads, bool quiet) {
  const ThreadBudget budget = thread_budget();
  const int count = threads == 0 ? budget.threads : static_cast<int>(threads);
  if (!quiet) std::fprintf(stderr, "using %s\n", describe_threads(count).c_str());
  // Spinning at barriers pays only when every thread has a CPU to itself.
  return std::make_unique<ThreadTeam>(count, count <= budget.threads && budget.cgroup_quota == 0);
}

Session open_session(const ModelOptions& options) {
  Session session;
  const auto path = engine::resolve_model(options.model);
  session.team = make_team(options.threads, true);
  if (!options.quiet) session.threads_note = describe_threads(session.team->count());
  session.model = engine::load_model(
      path,
      {.context_length = options.context,
       .context_length_cap = options.context ? 0 : kDefaultContext,
       .precision = options.precision == "int16" ? kernels::Precision::kInt16 : kernels::Precision::kInt8,
       .coarse_head = options.whole_head ? models::CoarseHeadUse::kNever : models::CoarseHeadUse::kWhereItPays,
       .cache = formats::CacheFolder::of_user()},
      *session.team);
  return session;
}

void Session::announce() const {
  if (!threads_note.empty()) std::fprintf(stderr, "using %s\n", threads_note.c_str());
}

void SpeculationOption::declare(Arguments& args) {
  args.option(
          "--speculate", word,
          "ngram: guess tokens from what the prompt and the answer say already, where that is faster; always: guess "
          "wherever there is something to guess; the answers are the same")
      .choices({"ngram", "off", "always"});
}

engine::Speculation SpeculationOption::use() const {
  if (word == "off") return engine::Speculation::kOff;
  return word == "always" ? engine::Speculation::kAlways : engine::Speculation::kWhereItPays;
}

void declare_sampling_options(Arguments& args, SamplingOptions& options) {
  args.option("--temp,--temperature", options.temperature,
              "0: always the most probable token; default: the model's own");
  args.option("--top-k", options.top_k, "draw from the K most probable tokens only; 0: all").range(-1, kMaxTopK);
  args.option("--top-p", options.top_p, "draw from the most probable tokens that hold this share");
  args.option("--min-p", options.min_p, "leave out tokens less probable than this share of the best");
  args.option("--typical-p", options.typical_p, "locally typical sampling; 1: off");
  args.option("--repeat-penalty", options.repetition_penalty, "above 1: tokens seen before become less likely");
  args.option("--frequency-penalty", options.frequency_penalty, "subtracted for each time a token was generated");
  args.option("--presence-penalty", options.presence_penalty, "subtracted once a token was generated");
  args.option("--dry", options.dry_multiplier, "strength of the penalty on repeated runs of tokens; 0: off");
  args.option("--seed", options.seed, "the same seed gives the same answer; -1: a new one each time")
      .range(-1, kMaxSeed);
}

engine::SamplingParams sampling_params(const SamplingOptions& o, const engine::SamplingParams& defaults) {
  engine::SamplingParams params = defaults;
  const auto set = [](double given, float& field) {
    if (given != kModelDefault) field = static_cast<float>(given);  // NaN too: the check of the values names it
  };
  set(o.temperature, params.temperature);
  set(o.top_p, params.top_p);
  set(o.min_p, params.min_p);
  set(o.typical_p, params.typical_p);
  set(o.repetition_penalty, params.repetition_penalty);
  set(o.dry_multiplier, params.dry.multiplier);
  params.frequency_penalty = static_cast<float>(o.frequency_penalty);
  params.presence_penalty = static_cast<float>(o.presence_penalty);
  if (o.top_k >= 0) params.top_k = static_cast<uint32_t>(std::min<int64_t>(o.top_k, UINT32_MAX));
  if (o.seed >= 0) params.seed = static_cast<uint64_t>(o.seed);
  return params;
}

}  // namespace shenbi::cli
