// shenbi quantize SOURCE TARGET --type MIX: a model file in fewer bits.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "cli/command.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "formats/quantize_file.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string source, target, type = "Q4_K_M";
  uint32_t threads = 0;
  bool quiet = false, allow_requantize = false;
};

std::string all_mixes() {
  std::string text;
  for (const auto& mix : kernels::quant_mixes()) text += fmt::format("{}{}", text.empty() ? "" : ", ", mix.name);
  return text;
}

int execute(const Options& options) {
  const kernels::QuantMix* mix = kernels::find_quant_mix(options.type);
  if (!mix) throw Error(Code::kInvalidArgument, fmt::format("--type {}: allowed: {}", options.type, all_mixes()));
  const auto team = make_team(options.threads, options.quiet);
  const auto source = formats::Checkpoint::open(engine::resolve_model(options.source));
  const auto show = [&](const formats::QuantizeProgress& p) {
    if (!options.quiet) {
      std::fprintf(stderr, "%4zu/%zu  %-48s %s -> %s\n", static_cast<size_t>(p.index), static_cast<size_t>(p.count),
                   p.tensor.c_str(), std::string(p.from).c_str(), std::string(p.to).c_str());
    }
  };
  const auto result = formats::quantize_file(*source, options.target, *mix, *team, options.allow_requantize, show);
  std::cout << fmt::format("{}: {} of weights, {} before\n", options.target, format_bytes(result.written_bytes),
                           format_bytes(result.source_bytes));
  return 0;
}

}  // namespace

Command quantize() {
  auto options = std::make_shared<Options>();
  return {.name = "quantize",
          .summary = "Store a model in fewer bits",
          .group = "Models",
          .declare =
              [options](Arguments& args) {
                args.positional("SOURCE", options->source, "a GGUF file in F32, F16 or BF16").required();
                args.positional("TARGET", options->target, "the .gguf file to write").required();
                args.option("--type", options->type, "which mix of types: " + all_mixes());
                args.option("-t,--threads", options->threads, "threads; 0: as many CPUs as this process really gets");
                args.flag("--allow-requantize", options->allow_requantize, "accept a source that is quantised already");
                args.flag("-q,--quiet", options->quiet, "nothing on stderr but errors");
                args.example("  shenbi quantize model-bf16.gguf model-q4_k_m.gguf --type Q4_K_M");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
