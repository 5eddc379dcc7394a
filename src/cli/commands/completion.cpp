// shenbi completion bash|zsh|fish: commands and options for the shell, taken from the commands themselves.

#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/command.h"

namespace shenbi::cli::commands {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string bash_script() {
  std::string names, cases;
  for (const auto& [stem, make] : command_registry()) {
    const Command command = make();
    names += (names.empty() ? "" : " ") + command.name;
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command.name, joined(option_names(command)));
  }
  return fmt::format(
      "_shenbi() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return; fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n"
      "  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  else COMPREPLY=($(compgen -f -- \"$current\")\n"
      "    $(compgen -W \"$(shenbi models 2>/dev/null | cut -d' ' -f1)\" -- \"$current\")); fi\n"
      "}}\ncomplete -o filenames -F _shenbi shenbi\n",
      names, cases);
}

std::string fish_script() {
  std::string out;
  for (const auto& [stem, make] : command_registry()) {
    const Command command = make();
    out += fmt::format("complete -c shenbi -n __fish_use_subcommand -a {} -d \"{}\"\n", command.name, command.summary);
    for (const std::string& option : option_names(command)) {
      if (option.starts_with("--")) {
        out += fmt::format("complete -c shenbi -n \"__fish_seen_subcommand_from {}\" -l {}\n", command.name,
                           option.substr(2));
      }
    }
  }
  return out;
}

}  // namespace

Command completion() {
  auto shell = std::make_shared<std::string>();
  return {.name = "completion",
          .summary = "Print the completion script for a shell",
          .group = "Look inside",
          .declare =
              [shell](Arguments& args) {
                args.positional("SHELL", *shell, "bash, zsh or fish").required().choices({"bash", "zsh", "fish"});
                args.example("  source <(shenbi completion bash)");
              },
          .execute =
              [shell] {
                // zsh runs bash completions through its own compatibility layer.
                if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
                std::cout << (*shell == "fish" ? fish_script() : bash_script());
                return 0;
              }};
}

}  // namespace shenbi::cli::commands
