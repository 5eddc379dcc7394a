// shenbi bench MODEL: how fast a model runs here, and how near that is to the machine's limits.

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <memory>

#include "base/cpu.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/session.h"
#include "eval/speed.h"
#include "kernels/isa.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  uint32_t prompt = 512, tokens = 128, repeats = 3;
  std::vector<uint32_t> batches = {1};
  bool json = false;
};

Json to_json(const eval::Speed& speed, const Session& session, double load_s) {
  Json decode = Json::object(), gbps = Json::object(), share = Json::object();
  for (const auto& [batch, d] : speed.decode) {
    const std::string key = std::to_string(batch);
    decode[key] = d.tps;
    gbps[key] = d.gbps;
    share[key] = d.of_stream;
  }
  return {{"prefill_tps", speed.prefill_tps},
          {"decode_tps", decode},
          {"decode_gbps", gbps},
          {"decode_share_of_stream", share},
          {"bandwidth_gbps", speed.stream_gbps},
          {"int8_tops", speed.int8_tops},
          {"load_s", load_s},
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
                                          .repeats = options.repeats},
                                         *session.team);
  if (options.json) {
    std::cout << to_json(speed, session, load_s).dump() << '\n';
    return 0;
  }
  std::cout << fmt::format("{}, {} threads, {}\n", cpu_model_name(), session.team->count(),
                           kernels::isa_name(kernels::chosen_isa()));
  std::cout << fmt::format("load      {:8.2f} s\n", load_s);
  std::cout << fmt::format("prefill   {:8.1f} tokens/s  ({} tokens)\n", speed.prefill_tps, options.prompt);
  for (const auto& [batch, d] : speed.decode) {
    std::cout << fmt::format("decode {:>2} {:8.1f} tokens/s  ({:.1f} GB/s of weights, {:.0f} % of the read stream)\n",
                             batch, d.tps, d.gbps, 100 * d.of_stream);
  }
  std::cout << fmt::format("machine   {:8.1f} GB/s read stream, {:.2f} int8 TOPS\n", speed.stream_gbps,
                           speed.int8_tops);
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
                args.flag("--json", options->json, "print JSON");
                args.example("  shenbi bench gemma3:270m --batch 1,4,16");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
