#include "server/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "server/ids.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using store::Row;
using store::Value;

const std::vector<store::Step> kFilesSchema = {
    "CREATE TABLE files (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,"
    " purpose TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,"
    " held INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX files_by_owner ON files (owner, number)",
    // Of files that several programs read. Parts without a file are what an interrupted upload has left.
    "CREATE TABLE file_parts (file TEXT NOT NULL, part INTEGER NOT NULL, created REAL NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (file, part)) STRICT"};

constexpr std::string_view kUnfinished = ".unfinished";
constexpr uint64_t kPartBytes = 1u << 20;      // what one statement carries
constexpr std::chrono::hours kLongUpload{24};  // a draft of another program is younger

[[noreturn]] void no_file(const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("file '{}' is not here", sanitize_utf8(id)));
}

// No space is something that passes; the rest is not.
[[noreturn]] void fail(const std::filesystem::path& path, std::string_view doing) {
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  throw Error(full ? Code::kOutOfMemory : Code::kInternal,
              fmt::format("{}: {}: {}", path.filename().string(), doing, std::strerror(errno)));
}

StoredFile file_of(const Row& row) {
  return {.id = row.text("id"),
          .owner = row.text("owner"),
          .purpose = row.text("purpose"),
          .name = row.text("name"),
          .bytes = static_cast<uint64_t>(row.integer("bytes")),
          .created = row.real("created"),
          .expires = row.real("expires")};
}

}  // namespace

// --- reading and writing ---

FileReader::FileReader(const std::filesystem::path& path) : name_(path.filename().string()) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat info{};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    const int why = fd_ < 0 ? errno : ENOENT;
    if (fd_ >= 0) ::close(fd_);
    const bool lost = why == ENOENT || why == ELOOP;  // else something that passes: too many open files
    throw Error(lost ? Code::kCorruptFile : Code::kOutOfMemory,
                fmt::format("{}: its content cannot be read: {}", name_, std::strerror(why)));
  }
  bytes_ = static_cast<uint64_t>(info.st_size);
}

FileReader::~FileReader() {
  if (fd_ >= 0) ::close(fd_);
}

std::string FileReader::read(uint64_t offset, uint64_t count) const {
  if (offset > bytes_ || count > bytes_ - offset) {
    throw Error(Code::kInternal, fmt::format("{}: {} bytes at {}, it has {}", name_, count, offset, bytes_));
  }
  std::string out(count, '\0');
  for (size_t done = 0; done < count;) {
    const ssize_t got = ::pread(fd_, out.data() + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw Error(Code::kCorruptFile, fmt::format("{}: ends at byte {} of {}", name_, offset + done, bytes_));
    }
    done += static_cast<size_t>(got);
  }
  return out;
}

FileDraft::FileDraft(const std::filesystem::path& folder)
    : id_("file-" + random_text(24)), folder_(folder), path_(folder / (id_ + std::string(kUnfinished))) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) fail(path_, "create");
}

FileDraft::~FileDraft() {
  if (fd_ >= 0) ::close(fd_);
  if (!kept_) ::unlink(path_.c_str());
}

void FileDraft::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path_, "write");
    bytes.remove_prefix(static_cast<size_t>(put));
    bytes_ += static_cast<uint64_t>(put);
  }
}

void FileDraft::publish() {
  if (::fsync(fd_) != 0) fail(path_, "sync");
  const auto name = folder_ / id_;
  if (::rename(path_.c_str(), name.c_str()) != 0) fail(path_, "rename");
  path_ = name;
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  if (!synced) fail(folder_, "sync");
}

// --- the rows ---

Files::Files(store::Database& database, std::filesystem::path folder)
    : database_(database), folder_(std::move(folder)) {
  database_.migrate("files", kFilesSchema);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (!error) std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
  if (error) throw Error(Code::kInvalidArgument, fmt::format("{}: {}", folder_.string(), error.message()));
  // Another program that shares the database may share the folder too, and be writing.
  sweep(database_.shared() ? kLongUpload : std::chrono::hours(0));
}

void Files::sweep(std::chrono::hours age) const {
  const auto young = std::filesystem::file_time_type::clock::now() - age;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("file-")) continue;  // not of our making
    std::error_code gone;
    if (age.count() > 0 && std::filesystem::last_write_time(entry.path(), gone) > young) continue;
    if (database_.query("SELECT 1 AS one FROM files WHERE id = ?", {name}).empty()) remove_content(name);
  }
}

void Files::share(const FileDraft& draft) {
  if (!database_.shared()) return;
  const FileReader reader(folder_ / draft.id());
  int64_t part = 0;
  for (uint64_t at = 0; at < reader.bytes(); at += kPartBytes) {
    database_.run(
        "INSERT INTO file_parts (file, part, created, bytes) VALUES (?, ?, ?, ?)",
        {draft.id(), part++, wall_clock(), store::Blob{reader.read(at, std::min(kPartBytes, reader.bytes() - at))}});
  }
}

// A copy of what another program has stored.
void Files::fetch(const StoredFile& file) const {
  FileDraft draft(folder_);
  for (int64_t part = 0; draft.bytes() < file.bytes; ++part) {
    const auto rows = database_.query("SELECT bytes FROM file_parts WHERE file = ? AND part = ?", {file.id, part});
    if (rows.empty()) throw Error(Code::kCorruptFile, fmt::format("{}: part {} is missing", file.id, part));
    draft.write(rows[0].text("bytes"));
  }
  draft.publish();
  std::filesystem::rename(folder_ / draft.id(), folder_ / file.id);
  draft.keep();
}

StoredFile Files::add(StoredFile wanted, std::string_view content, int64_t lives_for_s) {
  if (content.size() > limits::kMaxFileBytes) {
    throw Error(Code::kInvalidArgument,
                fmt::format("file: {} bytes, at most {} are taken", content.size(), limits::kMaxFileBytes));
  }
  FileDraft draft(folder_);
  draft.write(content);
  draft.publish();
  share(draft);
  wanted.id = draft.id();
  wanted.bytes = draft.bytes();
  database_.transaction([&] {
    const auto rows = database_.query(
        "SELECT count(*) AS files, coalesce(sum(bytes), 0) AS bytes FROM files WHERE owner = ? AND purpose NOT "
        "IN ('batch_output', 'media_output')",
        {wanted.owner});
    const auto files = static_cast<uint64_t>(rows[0].integer("files"));
    const auto bytes = static_cast<uint64_t>(rows[0].integer("bytes"));
    if (files >= limits::kMaxFiles || bytes + wanted.bytes > limits::kMaxStoredFileBytes) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("file: {} files of {} bytes are kept for this key already, at most {} of {}; delete some",
                              files, bytes, limits::kMaxFiles, limits::kMaxStoredFileBytes));
    }
    insert(wanted, lives_for_s);
  });
  draft.keep();
  return get(wanted.owner, wanted.id);
}

void Files::insert(StoredFile file, int64_t lives_for_s) {
  file.created = wall_clock();
  file.expires = lives_for_s > 0 ? file.created + static_cast<double>(lives_for_s) : 0;
  database_.run(
      "INSERT INTO files (id, owner, purpose, name, bytes, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
      {file.id, file.owner, file.purpose, file.name, static_cast<int64_t>(file.bytes), file.created, file.expires});
}

StoredFile Files::get(const std::string& owner, const std::string& id) const {
  const auto rows =
      database_.query("SELECT * FROM files WHERE id = ? AND owner = ? AND (expires = 0 OR expires > ? OR held > 0)",
                      {id, owner, wall_clock()});
  if (rows.empty()) no_file(id);
  return file_of(rows[0]);
}

Files::Page Files::list(const std::string& owner, const std::string& purpose, const std::string& after, int64_t limit,
                        bool newest_first) const {
  int64_t edge = newest_first ? INT64_MAX : 0;
  if (!after.empty()) {
    const auto rows = database_.query("SELECT number FROM files WHERE id = ? AND owner = ?", {after, owner});
    if (rows.empty()) no_file(after);
    edge = rows[0].integer("number");
  }
  const std::string_view sql =
      newest_first
          ? "SELECT * FROM files WHERE owner = ? AND (? = '' OR purpose = ?) AND (expires = 0 OR expires > ? OR "
            "held > 0) AND number < ? ORDER BY number DESC LIMIT ?"
          : "SELECT * FROM files WHERE owner = ? AND (? = '' OR purpose = ?) AND (expires = 0 OR expires > ? OR "
            "held > 0) AND number > ? ORDER BY number LIMIT ?";
  const auto rows = database_.query(sql, {owner, purpose, purpose, wall_clock(), edge, limit + 1});
  Page page{.files = {}, .more = rows.size() > static_cast<size_t>(limit)};
  for (size_t i = 0; i < std::min(rows.size(), static_cast<size_t>(limit)); ++i) page.files.push_back(file_of(rows[i]));
  return page;
}

void Files::remove(const std::string& owner, const std::string& id) {
  database_.transaction([&] {
    get(owner, id);  // or it is not here
    if (database_.query("SELECT held FROM files WHERE id = ?", {id})[0].integer("held") > 0) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("file '{}' is the input of a batch that is not finished; cancel the batch first", id));
    }
    database_.run("DELETE FROM files WHERE id = ?", {id});
  });
  remove_content(id);
}

std::shared_ptr<const FileReader> Files::open(const StoredFile& file) const {
  std::error_code error;
  if (database_.shared() && !std::filesystem::exists(folder_ / file.id, error)) fetch(file);
  auto reader = std::make_shared<const FileReader>(folder_ / file.id);
  if (reader->bytes() != file.bytes) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: has {} bytes on the disk, had {}", file.id, reader->bytes(), file.bytes));
  }
  return reader;
}

void Files::hold(const std::string& id) { database_.run("UPDATE files SET held = held + 1 WHERE id = ?", {id}); }
void Files::release(const std::string& id) {
  database_.run("UPDATE files SET held = held - 1 WHERE id = ? AND held > 0", {id});
}

void Files::purge() {
  const double now = wall_clock();
  for (const Row& row :
       database_.query("SELECT id FROM files WHERE expires > 0 AND expires <= ? AND held = 0", {now})) {
    const std::string id = row.text("id");
    if (database_.run("DELETE FROM files WHERE id = ? AND held = 0", {id}) > 0) remove_content(id);
  }
  if (!database_.shared()) return;
  database_.run("DELETE FROM file_parts WHERE created < ? AND file NOT IN (SELECT id FROM files)",
                {now - std::chrono::duration<double>(kLongUpload).count()});
  sweep(kLongUpload);
}

// The row is gone already: if this fails, the sweep at the next start does it.
void Files::remove_content(const std::string& id) const {
  if (database_.shared()) database_.run("DELETE FROM file_parts WHERE file = ?", {id});
  if (::unlink((folder_ / id).c_str()) != 0 && errno != ENOENT) {
    log_warn("{}: its content could not be deleted: {}", id, std::strerror(errno));
  }
}

}  // namespace shenbi::server
