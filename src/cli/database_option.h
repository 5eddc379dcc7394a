#pragma once
// --database: where keys, budgets, usage and conversations are. One option for every command that opens it.

#include <cstdlib>
#include <string>

#include "base/folders.h"
#include "cli/arguments.h"

namespace shenbi::cli {

class DatabaseOption {
 public:
  void declare(Arguments& args) {
    args.option("--database", given_,
                "postgresql://USER@HOST/NAME, or a file; default: $SHENBI_DATABASE, else a file of this machine");
  }
  /// What store::Database takes.
  std::string place() const {
    if (!given_.empty()) return given_;
    const char* set = std::getenv("SHENBI_DATABASE");
    return set && *set ? set : (data_folder() / "shenbi.db").string();
  }

 private:
  std::string given_;
};

}  // namespace shenbi::cli
