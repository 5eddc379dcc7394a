#pragma once
// A command of the program. One file in cli/commands/ defines one; the folder is the registry.
//
//   Command tokenize() {
//     auto options = std::make_shared<Options>();
//     return {.name = "tokenize", .summary = "Show the token ids of a text", .group = "Look inside",
//             .declare = [options](Arguments& args) { ... },
//             .execute = [options] { ...; return 0; }};
//   }
//
// Answers go to stdout, everything else to stderr. execute() returns the exit status or throws Error, whose code
// decides it.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"

namespace shenbi::cli {

struct Command {
  std::string name;
  std::string summary;  ///< one line, starts with a verb
  std::string group;    ///< heading in the overall help
  std::function<void(Arguments&)> declare;
  std::function<int()> execute;
};

/// {file stem, function}. Generated.
const std::vector<std::pair<std::string_view, Command (*)()>>& command_registry();

/// "--tokens", "-n", ... of a command, for shell completion.
std::vector<std::string> option_names(const Command& command);

}  // namespace shenbi::cli
