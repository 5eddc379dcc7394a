#pragma once
// A file that is being downloaded, kept between runs of the program. It lives in a folder of its own:
//
//   blob         the bytes, each in its final place; unfetched ones are holes
//   state.json   {"version": ..., "bytes": N, "have": [bytes of chunk 0, of chunk 1, ...]}
//   lock         held by the one process that works here
//
// Invariant: state.json never claims bytes that are not safely in blob, so a killed program loses at most the chunks in
// flight, and one that stops in order loses nothing.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shenbi::formats {

/// The folder of one download, for one process at a time. Waits for another process to be done with it, and throws
/// Error{kCancelled} if `cancelled` turns true meanwhile.
class DownloadFolder {
 public:
  DownloadFolder(std::filesystem::path path, const std::atomic<bool>* cancelled);
  ~DownloadFolder();
  DownloadFolder(const DownloadFolder&) = delete;
  DownloadFolder& operator=(const DownloadFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path blob() const { return path_ / "blob"; }
  std::filesystem::path state() const { return path_ / "state.json"; }
  /// Bytes of the disk that the folder's blob takes already.
  uint64_t allocated_bytes() const noexcept;
  /// Deletes the folder with everything in it.
  void discard() noexcept;

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// Methods are thread-safe.
class PartialFile {
 public:
  /// 8 MiB: a 253 MB model is 31 chunks, and a connection is long enough to reach its speed.
  static constexpr uint64_t kChunkBytes = 8u << 20;

  /// Goes on with what an earlier process left if it was of the same `version` and size, else starts over. Nothing is
  /// taken over when `version` is empty.
  PartialFile(const DownloadFolder& folder, uint64_t bytes, std::string version);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// What is still to fetch of one chunk: [begin, end).
  struct Piece {
    size_t chunk;
    uint64_t begin, end;
  };
  std::optional<Piece> take();
  void write(uint64_t offset, std::span<const std::byte> bytes);
  /// Notes that this chunk is there up to (not including) the byte `end` of the file.
  void keep(size_t chunk, uint64_t end);
  uint64_t done_bytes() const;

 private:
  uint64_t chunk_size(size_t chunk) const;
  void load_state();
  void save_state() const;

  std::filesystem::path path_, state_path_;
  std::string version_;
  uint64_t bytes_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::vector<uint64_t> have_;
  size_t next_ = 0;
};

}  // namespace shenbi::formats
