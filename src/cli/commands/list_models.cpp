// shenbi models: what is in the store.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/progress_bar.h"
#include "formats/model_store.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  bool json = false, verify = false;
};

int execute(const Options& options) {
  const formats::ModelStore store(data_folder());
  const auto models = store.list();
  if (options.verify) {
    size_t problems = 0;
    for (const auto& model : models) {
      for (const std::string& problem : store.verify(model.name)) {
        std::cout << fmt::format("{}: {}\n", model.name, problem);
        ++problems;
      }
    }
    std::cout << fmt::format("{} models checked, {} damaged files\n", models.size(), problems);
    return problems == 0 ? 0 : code_info(Code::kCorruptFile).exit_code;
  }
  if (options.json) {
    Json out = Json::array();
    for (const auto& model : models) {
      out.push_back({{"name", model.name},
                     {"bytes", model.bytes()},
                     {"source", model.source},
                     {"created", model.created},
                     {"path", store.find(model.name).value().string()}});
    }
    std::cout << out.dump(2) << '\n';
    return 0;
  }
  if (models.empty()) std::cout << "no models yet; try: shenbi pull gemma3:270m\n";
  for (const auto& model : models) {
    std::cout << fmt::format("{:<32}{:>12}  {:%Y-%m-%d}  {}\n", model.name, format_bytes(model.bytes()),
                             fmt::gmtime(static_cast<std::time_t>(model.created)), model.source);
  }
  return 0;
}

}  // namespace

Command list_models() {
  auto options = std::make_shared<Options>();
  return {.name = "models",
          .summary = "List the models on this machine",
          .group = "Models",
          .declare =
              [options](Arguments& args) {
                args.flag("--json", options->json, "print JSON");
                args.flag("--verify", options->verify, "read every byte and compare digests");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
