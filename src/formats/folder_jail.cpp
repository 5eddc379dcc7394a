#include "formats/folder_jail.h"

#include <fmt/format.h>

#include <fstream>

#include "base/error.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace fs = std::filesystem;

bool is_plain_file_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 255 || name == "." || name == "..") return false;
  return name.find_first_of("/\\:") == name.npos && is_plain_text(name);
}

namespace {

/// Where a link in `folder` may lead.
bool may_lead_to(const fs::path& folder, const fs::path& target) {
  const fs::path home = fs::canonical(folder);
  if (target.parent_path() == home) return true;
  const bool is_hub_snapshot = home.parent_path().filename() == "snapshots";
  return is_hub_snapshot && target.parent_path() == home.parent_path().parent_path() / "blobs";
}

}  // namespace

std::optional<fs::path> find_in_folder(const fs::path& folder, std::string_view name) {
  if (!is_plain_file_name(name)) {
    throw Error(Code::kCorruptFile, fmt::format("{}: '{}' is not a plain file name", folder.string(), printable(name)));
  }
  const fs::path path = folder / name;
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(path, failed))) return std::nullopt;
  const fs::path real = fs::canonical(path, failed);
  if (failed) throw Error(Code::kCorruptFile, fmt::format("{}: a link that leads nowhere", path.string()));
  if (fs::is_symlink(path) && !may_lead_to(folder, real)) {
    throw Error(Code::kCorruptFile, fmt::format("{}: a link that leads out of the folder", path.string()));
  }
  if (!fs::is_regular_file(real)) throw Error(Code::kCorruptFile, fmt::format("{}: not a regular file", path.string()));
  return real;
}

std::optional<std::string> read_in_folder(const fs::path& folder, std::string_view name, uint64_t max_bytes) {
  const auto path = find_in_folder(folder, name);
  if (!path) return std::nullopt;
  const uint64_t size = fs::file_size(*path);
  if (size > max_bytes) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {} bytes, the limit for this file is {}", (folder / name).string(), size, max_bytes));
  }
  std::string text(size, '\0');
  std::ifstream in(*path, std::ios::binary);
  if (!in.read(text.data(), static_cast<std::streamsize>(size))) {
    throw Error(Code::kNotFound, fmt::format("{}: cannot be read", (folder / name).string()));
  }
  return text;
}

}  // namespace shenbi::formats
