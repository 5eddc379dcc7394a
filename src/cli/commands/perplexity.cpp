// shenbi perplexity MODEL --file F: how well a model predicts a text.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"
#include "eval/perplexity.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  std::string file;
  uint32_t window = 0, stride = 0;
  bool json = false;
};

int execute(const Options& options) {
  const std::string text = read_file(options.file);
  const Session session = open_session(options.model);
  session.announce();
  const auto ids = session.model->tokenizer->encode(text);
  const auto progress = [&](size_t done, size_t total) {
    if (!options.model.quiet) std::fprintf(stderr, "\r%zu of %zu tokens", done, total);
  };
  const auto result = eval::perplexity(*session.model, ids, {.context = options.window, .stride = options.stride},
                                       *session.team, progress);
  if (!options.model.quiet) std::fputc('\n', stderr);
  if (options.json) {
    std::cout << Json{{"perplexity", result.perplexity},
                      {"mean_nll", result.mean_nll},
                      {"standard_error", result.standard_error},
                      {"tokens", result.scored_tokens}}
                     .dump()
              << '\n';
  } else {
    std::cout << fmt::format("perplexity {:.4f} (mean {:.5f} +- {:.5f} nats a token, {} tokens)\n", result.perplexity,
                             result.mean_nll, result.standard_error, result.scored_tokens);
  }
  return 0;
}

}  // namespace

Command perplexity() {
  auto options = std::make_shared<Options>();
  return {.name = "perplexity",
          .summary = "Measure how well a model predicts a text",
          .group = "Measure",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.option("-f,--file", options->file, "the text, - for standard input").required();
                args.option("--window", options->window, "tokens of a window; 0: 2048 or the model's context");
                args.option("--stride", options->stride, "tokens each window scores; 0: half the window");
                args.flag("--json", options->json, "print JSON");
                args.example("  shenbi perplexity gemma3:270m --file book.txt");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
