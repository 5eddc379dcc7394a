#pragma once
// The catalog as it is now: the one in the program with the user's file over it. The file may change while the program
// runs (`shenbi catalog update`); a broken one is told once in the log and passed over.

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "catalog/catalog.h"

namespace shenbi::catalog {

class Library {
 public:
  /// `file` need not exist.
  explicit Library(std::filesystem::path file);
  /// Looks at the file at most once a second. Thread-safe.
  std::shared_ptr<const Catalog> current();
  const std::filesystem::path& file() const noexcept { return file_; }

 private:
  void load();
  const std::filesystem::path file_;
  std::mutex mutex_;
  std::shared_ptr<const Catalog> current_;
  std::filesystem::file_time_type stamp_{};
  std::chrono::steady_clock::time_point look_again_{};
};

/// Where the user's file lies below the program's data folder.
std::filesystem::path user_file(const std::filesystem::path& data);

/// A file on this machine as a model of the catalog: it costs nothing.
struct LocalFile {
  std::string name, architecture;
  uint64_t context = 0;
  bool tools = false, thinking = false, embeddings_only = false;
};
Model local_model(const LocalFile& file);

}  // namespace shenbi::catalog
