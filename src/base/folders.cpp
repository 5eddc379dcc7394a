#include "base/folders.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cstdlib>

#include "base/error.h"

namespace shenbi {

std::filesystem::path data_folder() {
  const auto from = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto home = from("SHENBI_HOME"); !home.empty()) return home;
  if (const auto data = from("XDG_DATA_HOME"); !data.empty()) return data / "shenbi";
  if (const auto home = from("HOME"); !home.empty()) return home / ".local" / "share" / "shenbi";
  throw Error(Code::kInvalidArgument, "cannot tell where to keep models: set SHENBI_HOME (HOME is not set)");
}

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent) {
  std::string name = (parent / "shenbi-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw Error(Code::kNotFound, fmt::format("cannot make a folder in {}", parent.string()));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a leftover in the temporary folder harms nobody, and a destructor must not throw
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace shenbi
