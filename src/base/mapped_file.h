#pragma once
// A read-only memory map of a whole file.
//
//   auto file = MappedFile::open("model.gguf");
//   std::span<const std::byte> all = file->bytes();
//
// The bytes stay valid as long as the object lives. Thread-safe to read. The map is private and read-only.

#include <cstddef>
#include <cstdint>
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

  /// True while the file behind the map still has at least the size it had when it was opened. A file cut short
  /// under the map would raise SIGBUS; loaders ask before each long read.
  bool still_whole() const noexcept;

  /// When the file was last written, in nanoseconds since 1970, as of its opening.
  int64_t modified_ns() const noexcept { return modified_ns_; }

 private:
  MappedFile(std::filesystem::path path, int fd, const std::byte* data, size_t size, int64_t modified_ns)
      : path_(std::move(path)), fd_(fd), data_(data), size_(size), modified_ns_(modified_ns) {}

  std::filesystem::path path_;
  int fd_;
  const std::byte* data_;
  size_t size_;
  int64_t modified_ns_;
};

}  // namespace shenbi
