#pragma once
// The command line of one command, behind a small face so that only arguments.cpp pays for the parser's headers.
//
//   args.positional("MODEL", options->model, "a store name, a .gguf file or a model folder").required();
//   args.option("-n,--tokens", options->tokens, "stop after this many tokens").range(0, 1e6);
//   args.flag("--json", options->json, "print JSON for programs");
//
// Values are written into the referenced variables when the command line is parsed; they keep their value when the
// option is not given, and the help text shows that default.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::cli {

/// What can be said about an option after it is declared.
class Option {
 public:
  explicit Option(void* option) : option_(option) {}
  Option& required();
  Option& range(double low, double high);
  Option& choices(const std::vector<std::string>& allowed);
  /// Consumes every following word, options included (for PROMPT words).
  Option& rest();

 private:
  void* option_;
};

class Arguments {
 public:
  explicit Arguments(void* app) : app_(app) {}

  Option positional(const std::string& name, std::string& value, const std::string& help);
  Option positional(const std::string& name, std::vector<std::string>& values, const std::string& help);
  Option option(const std::string& names, std::string& value, const std::string& help);
  Option option(const std::string& names, std::vector<std::string>& values, const std::string& help);
  Option option(const std::string& names, int64_t& value, const std::string& help);
  Option option(const std::string& names, uint32_t& value, const std::string& help);
  Option option(const std::string& names, uint64_t& value, const std::string& help);
  Option option(const std::string& names, float& value, const std::string& help);
  Option option(const std::string& names, double& value, const std::string& help);
  Option option(const std::string& names, std::vector<uint32_t>& values, const std::string& help);
  Option flag(const std::string& names, bool& value, const std::string& help);

  /// Lines shown under the options in the help: real commands a newcomer can copy.
  void example(const std::string& lines);
  /// Free text at the end of the help.
  void footer(const std::string& text);

 private:
  void* app_;
};

}  // namespace shenbi::cli
