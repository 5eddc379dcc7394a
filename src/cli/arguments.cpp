#include "cli/arguments.h"

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace shenbi::cli {
namespace {

CLI::App& app(void* pointer) { return *static_cast<CLI::App*>(pointer); }
CLI::Option& option_of(void* pointer) { return *static_cast<CLI::Option*>(pointer); }

template <class T>
Option add(void* pointer, const std::string& names, T& value, const std::string& help) {
  CLI::Option* option = app(pointer).add_option(names, value, help);
  if constexpr (!std::is_same_v<T, std::vector<std::string>> && !std::is_same_v<T, std::vector<uint32_t>>) {
    option->capture_default_str();
  }
  return Option(option);
}

}  // namespace

Option& Option::required() {
  option_of(option_).required();
  return *this;
}
Option& Option::range(double low, double high) {
  option_of(option_).check(CLI::Range(low, high));
  return *this;
}
Option& Option::choices(const std::vector<std::string>& allowed) {
  option_of(option_).check(CLI::IsMember(allowed));
  return *this;
}
Option& Option::rest() {
  option_of(option_).expected(0, -1);
  return *this;
}

Option Arguments::positional(const std::string& name, std::string& value, const std::string& help) {
  return Option(app(app_).add_option(name, value, help));
}
Option Arguments::positional(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  return Option(app(app_).add_option(name, values, help));
}
Option Arguments::option(const std::string& names, std::string& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  return Option(app(app_).add_option(names, values, help)->allow_extra_args(false));
}
Option Arguments::option(const std::string& names, int64_t& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, uint32_t& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, uint64_t& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, float& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, double& value, const std::string& help) {
  return add(app_, names, value, help);
}
Option Arguments::option(const std::string& names, std::vector<uint32_t>& values, const std::string& help) {
  return Option(app(app_).add_option(names, values, help)->delimiter(','));
}
Option Arguments::flag(const std::string& names, bool& value, const std::string& help) {
  return Option(app(app_).add_flag(names, value, help));
}

void Arguments::example(const std::string& lines) { footer("Examples:\n" + lines); }
void Arguments::footer(const std::string& text) { app(app_).footer(text); }

std::vector<std::string> option_names(const Command& command) {
  CLI::App probe;
  Arguments arguments(&probe);
  command.declare(arguments);
  std::vector<std::string> names;
  for (const CLI::Option* option : probe.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

}  // namespace shenbi::cli
