// shenbi cp FROM TO: a second name for a model; the bytes are shared.

#include <memory>

#include "base/folders.h"
#include "cli/command.h"
#include "formats/model_store.h"

namespace shenbi::cli::commands {

Command cp() {
  struct Options {
    std::string from, to;
  };
  auto options = std::make_shared<Options>();
  return {.name = "cp",
          .summary = "Give a model a second name (costs no space)",
          .group = "Models",
          .declare =
              [options](Arguments& args) {
                args.positional("FROM", options->from, "a model of this machine").required();
                args.positional("TO", options->to, "the new name, NAME:TAG").required();
              },
          .execute =
              [options] {
                formats::ModelStore(data_folder()).copy(options->from, options->to);
                return 0;
              }};
}

}  // namespace shenbi::cli::commands
