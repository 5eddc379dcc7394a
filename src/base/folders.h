#pragma once
// Where things live on this machine. SHENBI_HOME overrides everything (tests point it at a temporary folder).

#include <filesystem>

namespace shenbi {

/// Models, database, caches: $SHENBI_HOME, else $XDG_DATA_HOME/shenbi, else ~/.local/share/shenbi. Not created here.
std::filesystem::path data_folder();

/// A folder that is removed with everything in it when the object dies. For tests and unfinished downloads.
class TemporaryFolder {
 public:
  /// Created below `parent` (default: the system's temporary folder) with a unique name.
  explicit TemporaryFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace shenbi
