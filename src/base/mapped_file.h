#pragma once
// A read-only memory map of a whole file.
//
//   auto file = MappedFile::open("model.gguf");
//   std::span<const std::byte> all = file->bytes();
//
// The bytes stay valid as long as the object lives. Thread-safe to read. The map is private and read-only.
//
// A file that is cut short, or a disk that fails, under the map would end the program with SIGBUS at the next read.
// Here the read gives zeros instead: whoever computes with the bytes asks still_whole() before the result is used. A
// SIGBUS anywhere else is what it was before.

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>

namespace shenbi {

class MappedFile {
 public:
  /// Throws Error{kNotFound} if there is no such regular file, Error{kCorruptFile} if it is empty.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  const std::filesystem::path& path() const noexcept { return path_; }

  /// Tells the kernel that [offset, offset+length) will not be read again soon; its pages may leave memory.
  void forget(size_t offset, size_t length) const noexcept;

  /// True while the bytes are those of the file as it was opened: it has the same size and time of change, and no read
  /// met a page that was gone. Asks the file system (0.3 us): before a long read, and after every pass of a model.
  bool still_whole() const noexcept;

  /// When the file was last written, in nanoseconds since 1970, as of its opening.
  int64_t modified_ns() const noexcept { return int64_t{changed_.tv_sec} * 1'000'000'000 + changed_.tv_nsec; }

 private:
  MappedFile(std::filesystem::path path, int fd, const std::byte* data, size_t size, timespec changed);

  std::filesystem::path path_;
  int fd_;
  const std::byte* data_;
  size_t size_;
  timespec changed_;
  struct Watch;
  Watch* watch_;  // lives as long as the program
};

}  // namespace shenbi
