// shenbi bench MODEL: how fast a model runs here, and how near that is to the machine's limits.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "base/cpu.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/session.h"
#include "eval/op_profile.h"
#include "eval/speed.h"
#include "kernels/isa.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  uint32_t prompt = 512, tokens = 128, repeats = 3;
  std::vector<uint32_t> batches = {1};
  SpeculationOption speculation{.word = "off"};  // figures of plain passes can be compared
  bool json = false;
};

Json to_json(const eval::PhaseProfile& phase) {
  Json ops = Json::array();
  for (const eval::OpSpeed& op : phase.ops) {
    ops.push_back({{"op", op.op},
                   {"share_of_time", op.share},
                   {"gbps", op.gbps},
                   {"tops", op.tops},
                   {"share_of_limit", op.of_limit}});
  }
  return {{"tps", phase.tokens_per_second},
          {"bandwidth_gbps", phase.stream_gbps},
          {"int8_tops", phase.int8_tops},
          {"share_of_limit", phase.of_limit},
          {"ops", ops}};
}

void print(const char* name, const eval::PhaseProfile& phase, const char* limit) {
  std::cout << fmt::format(
      "{}, op by op ({:.1f} tokens/s, {:.0f} % of the {}; {:.1f} GB/s and {:.2f} TOPS just then)\n", name,
      phase.tokens_per_second, 100 * phase.of_limit, limit, phase.stream_gbps, phase.int8_tops);
  for (const eval::OpSpeed& op : phase.ops) {
    std::cout << fmt::format("  {:<18}{:>5.1f} % of the time{:>8.1f} GB/s{:>8.3f} TOPS{:>6.0f} % of the limit\n", op.op,
                             100 * op.share, op.gbps, op.tops, 100 * op.of_limit);
  }
}

Json to_json(const eval::Speed& speed, const eval::OpProfile& ops, const Session& session, double load_s) {
  Json decode = Json::object(), gbps = Json::object(), share = Json::object();
  Json guesses = Json::object();
  for (const auto& [batch, d] : speed.decode) {
    const std::string key = std::to_string(batch);
    decode[key] = d.tps;
    gbps[key] = d.gbps;
    share[key] = d.of_stream;
    guesses[key] = {{"drafted", d.drafted}, {"accepted", d.accepted}};
  }
  return {{"prefill_tps", speed.prefill_tps},
          {"decode_tps", decode},
          {"decode_gbps", gbps},
          {"decode_share_of_stream", share},
          {"speculation", guesses},
          {"bandwidth_gbps", speed.stream_gbps},
          {"int8_tops", speed.int8_tops},
          {"load_s", load_s},
          {"prefill", to_json(ops.prefill)},
          {"decode", to_json(ops.decode)},
          {"bytes_per_token", session.model->decoder->bytes_per_token()},
          {"weight_bytes", session.model->decoder->weight_bytes()},
          {"threads", session.team->count()},
          {"isa", kernels::isa_name(kernels::chosen_isa())},
          {"cpu", cpu_model_name()}};
}

int execute(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const Session session = open_session(options.model);
  session.announce();
  const double load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto speed = eval::measure_speed(session.model,
                                         {.prompt_tokens = options.prompt,
                                          .new_tokens = options.tokens,
                                          .batches = options.batches,
                                          .repeats = options.repeats,
                                          .speculation = options.speculation.use()},
                                         *session.team);
  // One sequence now holds prompt and answer, which a short context may not.
  const uint32_t room = session.model->decoder->spec().context_length - options.tokens;
  const auto ops = eval::profile_ops(*session.model, std::min(options.prompt, room), options.tokens, *session.team);
  if (options.json) {
    std::cout << to_json(speed, ops, session, load_s).dump() << '\n';
    return 0;
  }
  std::cout << fmt::format("{}, {} threads, {}\n", cpu_model_name(), session.team->count(),
                           kernels::isa_name(kernels::chosen_isa()));
  std::cout << fmt::format("load      {:8.2f} s\n", load_s);
  std::cout << fmt::format("prefill   {:8.1f} tokens/s  ({} tokens)\n", speed.prefill_tps, options.prompt);
  for (const auto& [batch, d] : speed.decode) {
    std::cout << fmt::format("decode {:>2} {:8.1f} tokens/s  ({:.1f} GB/s of weights, {:.0f} % of the read stream)\n",
                             batch, d.tps, d.gbps, 100 * d.of_stream);
    if (d.drafted > 0) std::cout << fmt::format("{:>27} of {} guessed tokens right\n", d.accepted, d.drafted);
  }
  std::cout << fmt::format("machine   {:8.1f} GB/s read stream, {:.2f} int8 TOPS\n", speed.stream_gbps,
                           speed.int8_tops);
  print("prefill", ops.prefill, "int8 peak");
  print("decode", ops.decode, "read stream");
  return 0;
}

}  // namespace

Command bench() {
  auto options = std::make_shared<Options>();
  return {.name = "bench",
          .summary = "Measure how fast a model runs on this machine",
          .group = "Measure",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.option("-p,--prompt", options->prompt, "tokens of the prompt that is timed").range(1, 1 << 20);
                args.option("-n,--tokens", options->tokens, "tokens each sequence generates").range(1, 1 << 20);
                args.option("--batch", options->batches, "how many sequences at once, e.g. 1,4,16 (default 1)");
                args.option("--repeats", options->repeats, "each figure is the median of so many runs").range(1, 100);
                options->speculation.declare(args);
                args.flag("--json", options->json, "print JSON");
                args.example("  shenbi bench gemma3:270m --batch 1,4,16");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
