#include "formats/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const fs::path& path) {
  throw Error(errno == ENOSPC || errno == EDQUOT ? Code::kOutOfMemory : Code::kNotFound,
              fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

bool is_file_at(int fd, const fs::path& path) {
  struct stat open_file{}, named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 && open_file.st_ino == named.st_ino &&
         open_file.st_dev == named.st_dev;
}

}  // namespace

DownloadFolder::DownloadFolder(fs::path path, const std::atomic<bool>* cancelled) : path_(std::move(path)) {
  const fs::path file = path_ / "lock";
  for (bool told = false;;) {
    fs::create_directories(path_);
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) continue;  // its owner deleted the folder between the two lines above
    if (fd < 0) fail(file);
    // The lock counts only if the file is still the one that others would open.
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && is_file_at(fd, file)) {
      lock_ = fd;
      return;
    }
    ::close(fd);
    if (!told) log_warn("another program downloads the same file, waiting for it");
    told = true;
    if (cancelled && *cancelled) throw Error(Code::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

DownloadFolder::~DownloadFolder() { ::close(lock_); }

uint64_t DownloadFolder::allocated_bytes() const noexcept {
  struct stat status{};
  return ::stat(blob().c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_blocks) * 512 : 0;
}

void DownloadFolder::discard() noexcept {
  std::error_code ignored;  // what stays is swept later
  fs::remove_all(path_, ignored);
}

PartialFile::PartialFile(const DownloadFolder& folder, uint64_t bytes, std::string version)
    : path_(folder.blob()), state_path_(folder.state()), version_(std::move(version)), bytes_(bytes) {
  have_.assign(bytes / kChunkBytes + (bytes % kChunkBytes != 0), 0);
  load_state();
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    const int reason = errno;
    if (fd_ >= 0) ::close(fd_);
    errno = reason;
    fail(path_);
  }
}

PartialFile::~PartialFile() { ::close(fd_); }

uint64_t PartialFile::chunk_size(size_t chunk) const {
  return std::min(kChunkBytes, bytes_ - static_cast<uint64_t>(chunk) * kChunkBytes);
}

std::optional<PartialFile::Piece> PartialFile::take() {
  std::lock_guard lock(mutex_);
  while (next_ < have_.size() && have_[next_] == chunk_size(next_)) ++next_;
  if (next_ == have_.size()) return std::nullopt;
  const size_t chunk = next_++;
  const uint64_t start = chunk * kChunkBytes;
  return Piece{chunk, start + have_[chunk], start + chunk_size(chunk)};
}

void PartialFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset + at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(path_);
    at += static_cast<size_t>(n);
  }
}

void PartialFile::keep(size_t chunk, uint64_t end) {
  // Data before the note that it is there: after a power cut the note must not be ahead of the data.
  if (::fdatasync(fd_) != 0) fail(path_);
  std::lock_guard lock(mutex_);
  have_[chunk] = end - chunk * kChunkBytes;
  save_state();
}

uint64_t PartialFile::done_bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t sum = 0;
  for (const uint64_t bytes : have_) sum += bytes;
  return sum;
}

void PartialFile::load_state() {
  std::error_code missing;
  // A blob that somebody cut or deleted would come back as zeros.
  if (version_.empty() || fs::file_size(path_, missing) != bytes_ || missing) return;
  try {
    const Json state = read_json_file(state_path_.string(), limits::kMaxConfigBytes);
    if (state.at("version") != version_ || state.at("bytes") != bytes_) return;  // another file now: from the start
    const std::vector<uint64_t> have = state.at("have");
    if (have.size() != have_.size()) return;
    for (size_t i = 0; i < have.size(); ++i) have_[i] = have[i] <= chunk_size(i) ? have[i] : 0;
  } catch (const std::exception&) {
    // An unreadable state only means that nothing is known to be there.
  }
}

void PartialFile::save_state() const {
  const fs::path next = state_path_.string() + ".new";
  std::ofstream out(next);
  out << Json{{"version", version_}, {"bytes", bytes_}, {"have", have_}}.dump();
  if (!out.flush()) fail(next);
  out.close();
  fs::rename(next, state_path_);
}

}  // namespace shenbi::formats
