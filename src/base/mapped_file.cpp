// How a lost page is survived: every map has a Watch, a row of a list that only grows, so that a signal handler may
// walk it at any moment without a lock. SIGBUS at an address within a watched map puts zero pages over the rest of that
// map, from the page that failed on (behind the new end of a shortened file nothing can be read any more), sets the
// row's flag and returns; the instruction that failed is then repeated and reads zeros. The handler calls mmap alone, a
// bare system call on Linux, and touches only lock-free atomics.

#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/error.h"

namespace shenbi {

struct MappedFile::Watch {
  std::atomic<uintptr_t> begin{0}, end{0};  // both 0: free
  std::atomic<bool> damaged{false};
  Watch* next = nullptr;  // never changes once the row is in the list

  static std::atomic<Watch*> first;
  static Watch* take(uintptr_t begin, uintptr_t end);
  static void give_back(Watch* watch) noexcept;
  static void on_bus_error(int signal, siginfo_t* info, void* context);
};

std::atomic<MappedFile::Watch*> MappedFile::Watch::first{nullptr};

namespace {

const size_t kPageBytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
std::mutex taking;                // of rows; the handler does not need it
struct sigaction handler_before;  // written once, before the handler is in place

}  // namespace

void MappedFile::Watch::on_bus_error(int signal, siginfo_t* info, void* context) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Watch* watch = first.load(); watch; watch = watch->next) {
    if (at < watch->begin.load() || at >= watch->end.load()) continue;
    const uintptr_t page = at / kPageBytes * kPageBytes;
    const int before = errno;
    void* zeros = ::mmap(reinterpret_cast<void*>(page), watch->end.load() - page, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    errno = before;
    if (zeros == MAP_FAILED) break;
    watch->damaged.store(true);
    return;
  }
  if (handler_before.sa_flags & SA_SIGINFO) return handler_before.sa_sigaction(signal, info, context);
  // Not ours: the instruction is repeated, and the signal does what it did before.
  ::sigaction(SIGBUS, &handler_before, nullptr);
}

MappedFile::Watch* MappedFile::Watch::take(uintptr_t begin, uintptr_t end) {
  const std::lock_guard lock(taking);
  static const bool installed = [] {
    struct sigaction ours{};
    ours.sa_sigaction = on_bus_error;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGBUS, nullptr, &handler_before);
    return ::sigaction(SIGBUS, &ours, nullptr) == 0;
  }();
  static_cast<void>(installed);
  Watch* watch = first.load();
  while (watch && watch->end.load() != 0) watch = watch->next;
  const bool added = !watch;
  if (added) watch = new Watch;  // kept for good: the handler may be looking at it
  watch->damaged = false;
  watch->begin = begin;
  watch->end = end;
  if (added) {
    watch->next = first.load();
    first.store(watch);
  }
  return watch;
}

void MappedFile::Watch::give_back(Watch* watch) noexcept {
  watch->end = 0;  // first: an empty range holds no address
  watch->begin = 0;
}

MappedFile::MappedFile(std::filesystem::path path, int fd, const std::byte* data, size_t size, timespec changed)
    : path_(std::move(path)), fd_(fd), data_(data), size_(size), changed_(changed) {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  watch_ = Watch::take(begin, begin + (size + kPageBytes - 1) / kPageBytes * kPageBytes);
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(Code::kNotFound, fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw Error(Code::kNotFound, fmt::format("{}: not a regular file", path.string()));
  }
  if (info.st_size == 0) {
    ::close(fd);
    throw Error(Code::kCorruptFile, fmt::format("{}: file is empty", path.string()));
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    ::close(fd);
    throw Error(Code::kOutOfMemory,
                fmt::format("{}: cannot map {} bytes: {}", path.string(), size, std::strerror(error)));
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, fd, static_cast<const std::byte*>(data), size, info.st_mtim));
}

MappedFile::~MappedFile() {
  Watch::give_back(watch_);
  ::munmap(const_cast<std::byte*>(data_), size_);
  ::close(fd_);
}

void MappedFile::forget(size_t offset, size_t length) const noexcept {
  // Only whole pages inside the range: a neighbour may still be reading the shared first and last page.
  const size_t begin = (offset + kPageBytes - 1) / kPageBytes * kPageBytes;
  const size_t end = (offset + length) / kPageBytes * kPageBytes;
  if (begin < end && end <= size_) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

bool MappedFile::still_whole() const noexcept {
  struct stat info{};
  // The size and time too: behind the new end, the rest of a page reads as zeros without any signal.
  return !watch_->damaged.load() && ::fstat(fd_, &info) == 0 && static_cast<size_t>(info.st_size) == size_ &&
         info.st_mtim.tv_sec == changed_.tv_sec && info.st_mtim.tv_nsec == changed_.tv_nsec;
}

}  // namespace shenbi
