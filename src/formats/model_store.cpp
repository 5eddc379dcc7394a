#include "formats/model_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "formats/cache_folder.h"
#include "formats/text.h"
#include "net/sha256.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

bool is_plain_part(std::string_view part) {
  return !part.empty() && part.size() <= 128 && part.front() != '.' &&
         std::all_of(part.begin(), part.end(), [](unsigned char c) {
           return std::isalnum(c) || std::string_view("._-").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// Held for the moments in which a decision (nobody uses this blob) and its deed must be one for all processes.
class StoreLock {
 public:
  explicit StoreLock(const fs::path& root) {
    fs::create_directories(root);
    fd_ = ::open((root / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    int failed = fd_ < 0 ? -1 : ::flock(fd_, LOCK_EX);
    while (fd_ >= 0 && failed != 0 && errno == EINTR) failed = ::flock(fd_, LOCK_EX);  // Ctrl-C is looked at elsewhere
    if (failed != 0)
      throw Error(Code::kNotFound, fmt::format("{}: {}", (root / "lock").string(), std::strerror(errno)));
  }
  ~StoreLock() { ::close(fd_); }
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int fd_ = -1;
};

// Puts `folder` at `target`; what was there goes to `old`. A reader sees the one or the other, never nothing.
void replace_folder(const fs::path& folder, const fs::path& target, const fs::path& old) {
  if (::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    fs::rename(folder, old);
    return;
  }
  if (fs::exists(target)) fs::rename(target, old);  // a file system without exchange
  fs::rename(folder, target);
}

// What was written survives a power cut: the file's bytes, and then the name that leads to them.
void sync_path(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(Code::kNotFound, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  const int failed = ::fsync(fd);
  ::close(fd);
  if (failed != 0) throw Error(Code::kNotFound, fmt::format("{}: fsync: {}", path.string(), std::strerror(errno)));
}

Json to_json(const StoredModel& model) {
  Json files = Json::array();
  for (const StoredFile& file : model.files) {
    files.push_back({{"name", file.name}, {"sha256", file.sha256}, {"bytes", file.bytes}});
  }
  return {{"name", model.name},
          {"source", model.source},
          {"licence", model.licence},
          {"created", model.created},
          {"files", files}};
}

StoredModel from_json(const Json& json, const std::string& source) {
  try {
    StoredModel model{.name = json.at("name"),
                      .source = json.at("source"),
                      .licence = json.at("licence"),
                      .created = json.at("created"),
                      .files = {}};
    for (const Json& file : json.at("files")) {
      model.files.push_back({.name = file.at("name"), .sha256 = file.at("sha256"), .bytes = file.at("bytes")});
    }
    return model;
  } catch (const Json::exception& error) {
    throw Error(Code::kCorruptFile, fmt::format("{}: {}", source, error.what()));
  }
}

}  // namespace

ModelName ModelName::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  ModelName out{std::string(text.substr(0, colon)),
                colon == text.npos ? "latest" : std::string(text.substr(colon + 1))};
  bool fine = is_plain_part(out.tag);
  for (size_t at = 0; fine && at <= out.name.size();) {
    const size_t slash = std::min(out.name.find('/', at), out.name.size());
    fine = is_plain_part(std::string_view(out.name).substr(at, slash - at));
    at = slash + 1;
  }
  if (!fine || text.size() > 255) {
    throw Error(Code::kInvalidArgument,
                fmt::format("'{}' is no model name: letters, digits and . _ - / with a tag after a colon", text));
  }
  return out;
}

uint64_t StoredModel::bytes() const noexcept {
  uint64_t sum = 0;
  for (const StoredFile& file : files) sum += file.bytes;
  return sum;
}

// A '/' in a name becomes '+' on disk (no name may hold one), so that every model is exactly two levels below models/.
fs::path ModelStore::folder_of(const ModelName& name) const {
  std::string flat = name.name;
  std::replace(flat.begin(), flat.end(), '/', '+');
  return root_ / "models" / flat / name.tag;
}

void check_file_name(std::string_view name) {
  const bool fine = !name.empty() && name.size() <= 200 && name.front() != '.' && name != "manifest.json" &&
                    name.find('/') == name.npos && is_plain_text(name);
  if (!fine) throw Error(Code::kInvalidArgument, fmt::format("'{}' is no name for a model's file", printable(name)));
}

std::optional<StoredModel> ModelStore::describe(std::string_view name) const {
  const fs::path manifest = folder_of(ModelName::parse(name)) / "manifest.json";
  if (!fs::exists(manifest)) return std::nullopt;
  return from_json(read_json_file(manifest.string(), limits::kMaxConfigBytes), manifest.string());
}

std::optional<fs::path> ModelStore::find(std::string_view name) const {
  const auto model = describe(name);
  if (!model) return std::nullopt;
  const fs::path folder = folder_of(ModelName::parse(name));
  const StoredFile* gguf = nullptr;
  for (const StoredFile& file : model->files) {
    const bool is_gguf = file.name.ends_with(".gguf");
    if (is_gguf && (!gguf || file.name < gguf->name)) gguf = &file;
  }
  return gguf ? folder / gguf->name : folder;
}

std::vector<StoredModel> ModelStore::list() const {
  std::vector<StoredModel> out;
  std::error_code missing;
  for (const auto& name : fs::directory_iterator(root_ / "models", missing)) {
    for (const auto& tag : fs::directory_iterator(name.path(), missing)) {
      const fs::path manifest = tag.path() / "manifest.json";
      try {
        out.push_back(from_json(read_json_file(manifest.string(), limits::kMaxConfigBytes), manifest.string()));
      } catch (const Error& error) {
        log_warn("model store: {}", printable(error.what(), 500));
      }
    }
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return out;
}

fs::path ModelStore::blob_path(std::string_view sha256) const {
  if (!net::is_sha256_hex(sha256))
    throw Error(Code::kInvalidArgument, fmt::format("'{}' is no SHA-256 digest", sha256));
  return root_ / "blobs" / fmt::format("sha256-{}", sha256);
}

bool ModelStore::has_blob(std::string_view sha256) const { return fs::exists(blob_path(sha256)); }

TemporaryFolder ModelStore::unfinished() const {
  fs::create_directories(root_ / "unfinished");
  return TemporaryFolder(root_ / "unfinished");
}

void ModelStore::sweep() const {
  using Clock = fs::file_time_type::clock;
  std::error_code ignored;  // what cannot be deleted now is deleted another day
  for (const auto& entry : fs::directory_iterator(root_ / "unfinished", ignored)) {
    const bool download = entry.path().filename().string().starts_with("download-");
    const auto age = Clock::now() - entry.last_write_time(ignored);
    if (age > std::chrono::hours(24 * (download ? 30 : 7))) fs::remove_all(entry.path(), ignored);
  }
  const StoreLock lock(root_);
  const std::time_t long_ago = std::time(nullptr) - 30 * 24 * 3600;
  for (const auto& blob : fs::directory_iterator(root_ / "blobs", ignored)) {
    struct stat status{};
    // The time of change is also when the last model let go of it.
    if (::stat(blob.path().c_str(), &status) == 0 && status.st_nlink == 1 && status.st_ctime < long_ago) {
      fs::remove(blob.path(), ignored);
    }
  }
}

fs::path ModelStore::unfinished_download(std::string_view key) const {
  SHENBI_CHECK(net::is_sha256_hex(key));
  fs::create_directories(root_ / "unfinished");
  return root_ / "unfinished" / fmt::format("download-{}", key);
}

void ModelStore::link_blob(std::string_view sha256, const fs::path& link) const {
  std::error_code failed;
  fs::create_hard_link(blob_path(sha256), link, failed);
  if (failed && failed != std::errc::file_exists) {
    throw Error(Code::kNotFound, fmt::format("{}: {}", blob_path(sha256).string(), failed.message()));
  }
}

bool ModelStore::hold(std::string_view sha256, const fs::path& folder) const {
  const fs::path link = folder / sha256;
  {
    const StoreLock lock(root_);
    if (!has_blob(sha256)) return false;
    link_blob(sha256, link);
  }
  if (net::sha256_of_file(link) == sha256) return true;
  fs::remove(link);
  return false;
}

std::string ModelStore::adopt(const fs::path& file, bool move, std::string_view expected, const fs::path& hold_in) {
  std::optional<TemporaryFolder> own;
  fs::path ready = file;
  if (!move) {
    fs::create_directories(root_ / "unfinished");
    own.emplace(root_ / "unfinished");
    ready = own->path() / "blob";
    std::error_code failed;
    fs::copy_file(file, ready, failed);
    if (failed) {
      throw Error(failed == std::errc::no_space_on_device ? Code::kOutOfMemory : Code::kNotFound,
                  fmt::format("{}: cannot be copied: {}", file.string(), failed.message()));
    }
  }
  const std::string digest = net::sha256_of_file(ready);
  if (!expected.empty() && digest != expected) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: SHA-256 is {}, expected {}", file.filename().string(), digest, expected));
  }
  const TemporaryFolder checking = unfinished();
  if (hold(digest, hold_in.empty() ? checking.path() : hold_in)) {
    if (move) fs::remove(ready);
    return digest;  // models that have these bytes go on sharing them
  }
  const fs::path blob = blob_path(digest);
  fs::create_directories(blob.parent_path());
  sync_path(ready);
  fs::permissions(ready,
                  fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read | fs::perms::owner_write);
  {
    const StoreLock lock(root_);
    fs::rename(ready, blob);  // over a damaged one, if there is one
    if (!hold_in.empty()) link_blob(digest, hold_in / digest);
  }
  sync_path(blob.parent_path());
  return digest;
}

void ModelStore::publish(const StoredModel& model) {
  const ModelName name = ModelName::parse(model.name);
  const TemporaryFolder workshop = unfinished();
  const fs::path folder = workshop.path() / "model";
  fs::create_directory(folder);
  for (const StoredFile& file : model.files) {
    check_file_name(file.name);
    if (fs::exists(folder / file.name)) {
      throw Error(Code::kInvalidArgument, fmt::format("two files of '{}' are called '{}'", model.name, file.name));
    }
    link_blob(file.sha256, folder / file.name);
  }
  StoredModel stored = model;
  stored.name = name.text();
  std::ofstream out(folder / "manifest.json");
  out << to_json(stored).dump(2) << '\n';
  if (!out.flush()) throw Error(Code::kNotFound, fmt::format("{}: cannot be written", folder.string()));
  out.close();
  sync_path(folder / "manifest.json");
  sync_path(folder);

  const fs::path target = folder_of(name);
  const StoreLock lock(root_);
  fs::create_directories(target.parent_path());
  std::optional<StoredModel> old;
  try {
    old = describe(model.name);
  } catch (const Error&) {
    // An unreadable manifest is what is being replaced; which blobs it had is not known any more.
  }
  replace_folder(folder, target, workshop.path() / "old");
  sync_path(target.parent_path());
  std::error_code ignored;  // the workshop is removed as a whole anyway
  fs::remove_all(workshop.path() / "old", ignored);
  if (old) remove_unused_blobs(*old);
}

// A blob with one link left is in no model's folder any more, and in no pull's. The caller holds the lock.
void ModelStore::remove_unused_blobs(const StoredModel& model) const {
  for (const StoredFile& file : model.files) {
    const fs::path blob = blob_path(file.sha256);
    std::error_code missing;
    if (fs::hard_link_count(blob, missing) == 1 && !missing) fs::remove(blob, missing);
  }
}

void ModelStore::remove(std::string_view name) {
  const TemporaryFolder grave = unfinished();
  const StoreLock lock(root_);
  const auto model = describe(name);
  if (!model) throw Error(Code::kNotFound, fmt::format("no model '{}' here (see: shenbi models)", name));
  const fs::path folder = folder_of(ModelName::parse(name));
  // First out of sight by one rename, then away: an interrupted removal leaves no half model.
  fs::rename(folder, grave.path() / "old");
  fs::remove_all(grave.path() / "old");
  std::error_code not_empty;
  fs::remove(folder.parent_path(), not_empty);
  remove_unused_blobs(*model);
  CacheFolder(root_ / "cache").sweep();
}

void ModelStore::copy(std::string_view from, std::string_view to) {
  auto model = describe(from);
  if (!model) throw Error(Code::kNotFound, fmt::format("no model '{}' here (see: shenbi models)", from));
  model->name = std::string(to);
  publish(*model);
}

std::vector<std::string> ModelStore::verify(std::string_view name) const {
  const auto model = describe(name);
  if (!model) throw Error(Code::kNotFound, fmt::format("no model '{}' here (see: shenbi models)", name));
  std::vector<std::string> problems;
  const fs::path folder = folder_of(ModelName::parse(name));
  for (const StoredFile& file : model->files) {
    std::error_code missing;
    if (!fs::exists(folder / file.name, missing)) {
      problems.push_back(fmt::format("{}: the file is missing", file.name));
    } else if (const std::string digest = net::sha256_of_file(folder / file.name); digest != file.sha256) {
      problems.push_back(fmt::format("{}: SHA-256 is {}, the manifest says {}", file.name, digest, file.sha256));
    }
  }
  return problems;
}

}  // namespace shenbi::formats
