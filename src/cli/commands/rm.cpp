// shenbi rm NAME: delete a model from the store.

#include <memory>

#include "base/folders.h"
#include "cli/command.h"
#include "formats/model_store.h"

namespace shenbi::cli::commands {

Command rm() {
  auto name = std::make_shared<std::string>();
  return {
      .name = "rm",
      .summary = "Delete a model from this machine",
      .group = "Models",
      .declare = [name](Arguments& args) { args.positional("NAME", *name, "as `shenbi models` lists it").required(); },
      .execute =
          [name] {
            formats::ModelStore(data_folder()).remove(*name);
            return 0;
          }};
}

}  // namespace shenbi::cli::commands
