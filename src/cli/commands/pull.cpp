// shenbi pull WHAT: bring a model into the store.

#include "formats/pull.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/folders.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress_bar.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string what, name;
  uint32_t connections = 4;
  bool if_missing = false, quiet = false;
};

int execute(const Options& options) {
  formats::ModelStore store(data_folder());
  if (options.if_missing && store.describe(options.name.empty() ? options.what : options.name)) return 0;
  const Interrupt interrupt;
  ProgressBar bar;
  formats::PullOptions pull_options;
  pull_options.cancelled = &interrupt.flag();
  pull_options.connections = options.connections;
  if (!options.quiet) {
    pull_options.progress = [&](const formats::Progress& p) { bar.update(p.file, p.done, p.total, p.finished); };
  }
  pull_options.notice = [](const std::string& text) { std::fprintf(stderr, "\n%s\n", text.c_str()); };
  const std::string name = formats::pull(options.what, options.name, store, pull_options);
  if (!options.quiet) std::fprintf(stderr, "%s is here. Try: shenbi run %s \"Hello\"\n", name.c_str(), name.c_str());
  return 0;
}

std::string help_of_sources() {
  std::string text = "Where models come from:\n";
  for (const auto& [stem, make] : formats::source_registry()) {
    const formats::Source source = make();
    text += fmt::format("  {:<44}{}\n", source.form, source.help);
  }
  text += "Known by a short name:\n";
  for (const auto& known : formats::known_models()) {
    text += fmt::format("  {:<44}{}, {}, {}\n", known.name, known.title, known.quantisation,
                        known.chat ? "chat" : "base model");
  }
  text += "Examples:\n  shenbi pull gemma3:270m\n  HF_ENDPOINT=https://hf-mirror.com shenbi pull qwen3:0.6b\n";
  return text;
}

}  // namespace

Command pull() {
  auto options = std::make_shared<Options>();
  return {.name = "pull",
          .summary = "Bring a model to this machine",
          .group = "Models",
          .declare =
              [options](Arguments& args) {
                args.positional("WHAT", options->what, "a known name, or SOURCE:REFERENCE (see below)").required();
                args.option("--name", options->name, "what to call it here, NAME:TAG");
                args.option("--connections", options->connections, "parallel connections for one file").range(1, 32);
                args.flag("--if-missing", options->if_missing, "do nothing if a model of that name is here already");
                args.flag("-q,--quiet", options->quiet, "no progress");
                args.footer(help_of_sources());
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
