// shenbi inspect FILE: what a model file holds.

#include "formats/inspect.h"

#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "cli/input.h"
#include "engine/model.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string model;
  uint64_t context = 0;
  bool json = false, tensors = false;
};

int execute(const Options& options) {
  const auto checkpoint = formats::Checkpoint::open(engine::resolve_model(options.model));
  const formats::Inspection found = formats::inspect(*checkpoint, options.context);
  if (options.json)
    std::cout << formats::to_json(found).dump(2) << '\n';
  else
    std::cout << formats::to_text(found, options.tensors);
  return 0;
}

}  // namespace

Command inspect() {
  auto options = std::make_shared<Options>();
  return {.name = "inspect",
          .summary = "Show what a model file holds and what memory it needs",
          .group = "Look inside",
          .declare =
              [options](Arguments& args) {
                args.positional("MODEL", options->model, kModelHelp).required();
                args.option("-c,--context", options->context,
                            "positions to count memory for; 0: the model's own, at most 8192");
                args.flag("--tensors", options->tensors, "list every tensor and every metadata entry");
                args.flag("--json", options->json, "print JSON");
                args.example("  shenbi inspect gemma3:270m\n  shenbi inspect model.safetensors --tensors");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
