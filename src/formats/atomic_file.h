#pragma once
// A file that appears under its name only when it is complete: written beside it under a temporary name, flushed to the
// disk, then renamed. Whoever looks sees the old file or the new one, also after a crash.
//
//   AtomicFile file("model.gguf");
//   file.write(bytes);          // any number of times
//   file.commit();              // without it the temporary file is removed
//
// Throws Error{kOutOfMemory} when the disk is full, Error{kInvalidArgument} where the place cannot be written.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::formats {

class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span<const char>(text.data(), text.size()))); }
  void write_zeros(uint64_t count);
  uint64_t size() const noexcept { return size_; }
  const std::filesystem::path& path() const noexcept { return path_; }
  void commit();

 private:
  void flush();
  void write_through(std::span<const std::byte> bytes);
  [[noreturn]] void fail(std::string_view doing, int error_number) const;

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace shenbi::formats
