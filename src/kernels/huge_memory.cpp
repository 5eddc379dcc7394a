#include "kernels/huge_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <limits>
#include <mutex>

#include "base/error.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kSharedBelow = size_t{4}
                                << 20;  // own mappings above: at most half of one huge page is lost at the end
constexpr size_t kChunk = size_t{32} << 20;
constexpr size_t kAlignment = 64;
constexpr size_t kSmallPage = 4096;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// A mapping that starts on a 2 MB border: ask for 2 MB more, give the ends back.
std::shared_ptr<uint8_t> map(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() / 2) {
    throw Error(Code::kOutOfMemory, fmt::format("weights: {} bytes cannot be allocated", bytes));
  }
  const size_t length = round_up(bytes, kSmallPage), asked = length + kHugePage;
  void* raw = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) throw Error(Code::kOutOfMemory, fmt::format("weights: no memory for {} bytes", bytes));
  const uintptr_t base = reinterpret_cast<uintptr_t>(raw), begin = round_up(base, kHugePage);
  if (begin > base) ::munmap(raw, begin - base);
  if (base + asked > begin + length) ::munmap(reinterpret_cast<void*>(begin + length), base + asked - begin - length);
  ::madvise(reinterpret_cast<void*>(begin), length, MADV_HUGEPAGE);  // a hint: without it everything works, slower
  return {reinterpret_cast<uint8_t*>(begin), [length](uint8_t* p) { ::munmap(p, length); }};
}

// The chunk that small requests are cut from, oldest first.
struct Arena {
  std::mutex mutex;
  std::weak_ptr<uint8_t> chunk;  // owned by its users alone
  size_t used = 0;
};

}  // namespace

std::shared_ptr<uint8_t> allocate_huge(size_t bytes) {
  if (bytes >= kSharedBelow) return map(bytes);
  static Arena arena;
  const std::lock_guard lock(arena.mutex);
  auto chunk = arena.chunk.lock();
  if (!chunk || arena.used + bytes > kChunk) {
    chunk = map(kChunk);
    arena.chunk = chunk;
    arena.used = 0;
  }
  uint8_t* place = chunk.get() + arena.used;
  arena.used += round_up(bytes, kAlignment);
  return {std::move(chunk), place};
}

}  // namespace shenbi::kernels
