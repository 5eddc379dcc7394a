// The program. Parses the command line, runs one command, and is the door where every Error becomes one line on stderr
// and an exit status (base/error.h has the table).

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <list>
#include <new>

#include "base/error.h"
#include "base/redact.h"
#include "cli/command.h"
#include "cli/version.h"
#include "formats/text.h"

namespace shenbi::cli {
namespace {

// One line, whatever a file name or a server put into the message.
int report(std::string_view kind, std::string_view text, int exit_status) {
  const std::string message = formats::printable(redacted(text), 4000);
  std::cout.flush();
  std::fprintf(stderr, "shenbi: %.*s: %.*s\n", static_cast<int>(kind.size()), kind.data(),
               static_cast<int>(message.size()), message.data());
  return exit_status;
}

int run_guarded(const Command& command) {
  try {
    return command.execute();
  } catch (const Error& error) {
    return report(code_info(error.code()).name, error.what(), code_info(error.code()).exit_code);
  } catch (const std::bad_alloc&) {
    return report("out_of_memory", "the machine has no more memory for this", code_info(Code::kOutOfMemory).exit_code);
  } catch (const std::filesystem::filesystem_error& error) {
    const Code code = error.code() == std::errc::no_space_on_device ? Code::kNoSpace : Code::kNotFound;
    return report(code_info(code).name, error.path1().string() + ": " + error.code().message(),
                  code_info(code).exit_code);
  } catch (const std::exception& error) {
    return report("internal", error.what(), code_info(Code::kInternal).exit_code);
  }
}

int main_guarded(int argc, char** argv) {
  // A reader that goes away (| head) is a failed write, not a signal that kills the program without a word.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Shenbi (神笔) runs large language models on your own machine."};
  app.name("shenbi");
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  app.footer(
      "`shenbi COMMAND --help` tells more. Start with: shenbi pull gemma3:270m && shenbi run gemma3:270m \"Hello\"");

  std::list<Command> commands;
  const Command* chosen = nullptr;
  for (const auto& [stem, make] : command_registry()) {
    const Command& command = commands.emplace_back(make());
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->group(command.group);
    Arguments arguments(sub);
    command.declare(arguments);
    sub->callback([&chosen, &command] { chosen = &command; });
  }
  const auto is_called = [&](const Command& command) { return command.name == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && std::none_of(commands.begin(), commands.end(), is_called)) {
    return report("invalid_argument", fmt::format("no command '{}' (shenbi --help lists them)", argv[1]),
                  code_info(Code::kInvalidArgument).exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return report("invalid_argument", error.what(), code_info(Code::kInvalidArgument).exit_code);
  }
  return run_guarded(*chosen);
}

}  // namespace
}  // namespace shenbi::cli

int main(int argc, char** argv) {
  const int status = shenbi::cli::main_guarded(argc, argv);
  std::cout.flush();
  return status == 0 && !std::cout ? shenbi::cli::kExitBrokenPipe : status;
}
