// shenbi fidelity MODEL --file F: how far the fast path is from f32 arithmetic on the same weights.

#include "eval/fidelity.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  std::string file;
  uint32_t tokens = 0;
  bool json = false;
};

int execute(const Options& options) {
  const std::string text = read_file(options.file);
  const Session session = open_session(options.model);
  session.announce();
  auto ids = session.model->tokenizer->encode(text);
  if (options.tokens > 0 && ids.size() > options.tokens) ids.resize(options.tokens);
  const auto progress = [&](size_t done, size_t total) {
    if (!options.model.quiet) std::fprintf(stderr, "\r%zu of %zu tokens", done, total);
  };
  const auto f = eval::fidelity(*session.model, ids, *session.team, progress);
  if (!options.model.quiet) std::fputc('\n', stderr);
  if (options.json) {
    std::cout << Json{{"positions", f.positions},
                      {"mean_kl", f.mean_kl},
                      {"standard_error", f.standard_error},
                      {"max_kl", f.max_kl},
                      {"top1_agreement", f.top1_agreement},
                      {"reference_nll", f.reference_nll},
                      {"fast_nll", f.fast_nll}}
                     .dump()
              << '\n';
    return 0;
  }
  std::cout << fmt::format(
      "{} positions: mean KL {:.5f} +- {:.5f} nats (largest {:.4f}), top-1 agreement {:.2f} %, nats a token {:.4f} "
      "(f32 {:.4f})\n",
      f.positions, f.mean_kl, f.standard_error, f.max_kl, 100 * f.top1_agreement, f.fast_nll, f.reference_nll);
  return 0;
}

}  // namespace

Command fidelity() {
  auto options = std::make_shared<Options>();
  return {.name = "fidelity",
          .summary = "Measure how far the fast arithmetic is from f32",
          .group = "Measure",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.option("-f,--file", options->file, "the text, - for standard input").required();
                args.option("--tokens", options->tokens, "only the first N tokens; 0: all");
                args.flag("--json", options->json, "print JSON");
                args.example("  shenbi fidelity gemma3:270m --file text.txt --tokens 600");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
