#pragma once
// Files that callers keep here: inputs and outputs of batches, and what they like. The row says that a file exists; its
// bytes lie in a folder beside the database, under the file's own id. They are written to a name that nobody reads,
// synced, renamed, and only then does the row come: what has a row is whole, and what has none is swept away at the
// next start.
//
// Where several programs share the database the bytes lie there too, in parts, and the folder holds copies.
//
//   StoredFile file = files.add({.owner = caller.id, .purpose = "batch", .name = "a.jsonl"}, bytes);
//   files.get(caller.id, file.id);              // Error{kNotFound} naming the id: also for somebody else's
//   files.open(file)->read(0, file.bytes);
//
// Thread-safe. A full disk is Error{kOutOfMemory}; nothing is left behind.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

namespace shenbi::server {

struct StoredFile {
  std::string id, owner;
  std::string purpose;  ///< "batch", "batch_output", "media_output", "user_data"
  std::string name;     ///< as its owner calls it: for showing, never a path
  uint64_t bytes = 0;
  double created = 0, expires = 0;  ///< seconds since 1970; expires 0: never
};

/// The bytes of a file. It may be deleted meanwhile and is read on all the same.
class FileReader {
 public:
  /// Throws Error{kCorruptFile} if there is no such file.
  explicit FileReader(const std::filesystem::path& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  uint64_t bytes() const noexcept { return bytes_; }
  /// Throws Error{kCorruptFile} if the file has become shorter.
  std::string read(uint64_t offset, uint64_t count) const;

 private:
  std::string name_;
  int fd_ = -1;
  uint64_t bytes_ = 0;
};

/// A file that is being written. Unless keep() is called it leaves nothing behind.
class FileDraft {
 public:
  explicit FileDraft(const std::filesystem::path& folder);
  ~FileDraft();
  FileDraft(const FileDraft&) = delete;
  FileDraft& operator=(const FileDraft&) = delete;
  const std::string& id() const noexcept { return id_; }
  uint64_t bytes() const noexcept { return bytes_; }
  void write(std::string_view bytes);
  /// Synced and under its final name. A row may now refer to it.
  void publish();
  void keep() noexcept { kept_ = true; }

 private:
  std::string id_;
  std::filesystem::path folder_, path_;
  int fd_ = -1;
  uint64_t bytes_ = 0;
  bool kept_ = false;
};

class Files {
 public:
  /// Sweeps what an interrupted upload or deletion has left in `folder`.
  Files(store::Database& database, std::filesystem::path folder);

  /// `wanted` without id, bytes and times. Throws Error{kInvalidArgument} beyond the limits of one owner.
  StoredFile add(StoredFile wanted, std::string_view content, int64_t lives_for_s = 0);

  StoredFile get(const std::string& owner, const std::string& id) const;
  struct Page {
    std::vector<StoredFile> files;
    bool more = false;
  };
  /// `after`: the id of the last one of the page before, "" for the first page. `purpose` "": all.
  Page list(const std::string& owner, const std::string& purpose, const std::string& after, int64_t limit,
            bool newest_first) const;
  /// Throws Error{kInvalidArgument} while a batch needs it.
  void remove(const std::string& owner, const std::string& id);
  std::shared_ptr<const FileReader> open(const StoredFile& file) const;

  // --- for batches ---

  /// Makes a published draft's bytes readable for other programs, before its row comes.
  void share(const FileDraft& draft);
  /// Where drafts are made.
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// The row of a published draft, and its time to live. Part of the caller's transaction.
  void insert(StoredFile file, int64_t lives_for_s);
  /// A held file is not deleted and does not expire. Parts of the caller's transaction.
  void hold(const std::string& id);
  void release(const std::string& id);

  /// Removes what has expired.
  void purge();

 private:
  void remove_content(const std::string& id) const;
  void fetch(const StoredFile& file) const;
  void sweep(std::chrono::hours age) const;
  store::Database& database_;
  std::filesystem::path folder_;
};

}  // namespace shenbi::server
