// The folder: finding, writing in the background, tidying.

#include "formats/cache_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <utility>

#include "base/checksum.h"
#include "base/error.h"
#include "base/folders.h"
#include "base/limits.h"
#include "base/log.h"
#include "formats/atomic_file.h"
#include "formats/cache_layout.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

// Both sums of a running list of values.
class KeySum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] = checksum(bytes, sums_[i]);
  }
  void add(uint64_t value) { add(std::as_bytes(std::span(&value, 1))); }
  std::string text() const { return fmt::format("{:016x}{:016x}", sums_[0], sums_[1]); }

 private:
  std::array<uint64_t, 2> sums_ = {1, 2};
};

fs::path path_of(const fs::path& folder, const CacheKey& key, std::string_view kind) {
  return folder / fmt::format("{}.{}", key.text, kind);
}

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// --- writing ---

struct CacheSource {
  std::string path;
  uint64_t bytes;
  int64_t modified_ns;
};

struct Plan {
  CacheHeader header = {};
  std::string model;
  std::vector<CacheRow> rows;
  std::vector<uint64_t> sums;
};

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

Plan make_plan(const CacheKey& key, const CacheSource& source, std::span<const CachePart> parts) {
  Plan plan{.model = source.path};
  plan.header.model_bytes = source.bytes;
  plan.header.model_ns = source.modified_ns;
  std::memcpy(plan.header.magic, kCacheMagic, sizeof kCacheMagic);
  SHENBI_CHECK(key.text.size() == sizeof plan.header.key);
  std::memcpy(plan.header.key, key.text.data(), sizeof plan.header.key);
  for (const CachePart& part : parts) {
    for (size_t at = 0; at < part.bytes.size(); at += kStretchBytes)
      plan.sums.push_back(checksum(part.bytes.subspan(at, std::min<size_t>(kStretchBytes, part.bytes.size() - at))));
  }
  plan.header.path_bytes = plan.model.size();
  plan.header.parts = parts.size();
  plan.header.stretches = plan.sums.size();
  uint64_t end = sizeof(CacheHeader) + plan.model.size() + parts.size() * sizeof(CacheRow) + plan.sums.size() * 8;
  for (const CachePart& part : parts) {
    const uint64_t offset = round_up(end, kPartAlignment);
    plan.rows.push_back({part.tag, offset, part.bytes.size()});
    end = offset + part.bytes.size();
  }
  plan.header.file_bytes = end;
  std::string index(reinterpret_cast<const char*>(&plan.header) + kCacheSummedFrom,
                    sizeof(CacheHeader) - kCacheSummedFrom);
  index += plan.model;
  for (const auto bytes : {bytes_of(plan.rows), bytes_of(plan.sums)})
    index.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  plan.header.index_sum = checksum(index);
  return plan;
}

// A cache must not be what fills a disk.
void require_room(const fs::path& folder, uint64_t bytes) {
  constexpr uint64_t kLeave = uint64_t{2} << 30;
  if (bytes > limits::kMaxCacheBytes)
    throw Error(Code::kOutOfMemory, fmt::format("{} bytes are more than all cache files may have", bytes));
  const uint64_t available = fs::space(folder).available;
  if (available < bytes || available - bytes < kLeave)
    throw Error(Code::kOutOfMemory, fmt::format("{} bytes would leave less than {} on the disk", bytes, kLeave));
}

class Writer final : public PendingCacheFile {
 public:
  Writer(CacheFolder folder, CacheKey key, std::string_view kind, CacheSource model, std::vector<CachePart> parts,
         std::shared_ptr<const void> owner)
      : folder_(std::move(folder)),
        key_(std::move(key)),
        path_(path_of(folder_.path(), key_, kind)),
        model_(std::move(model)),
        parts_(std::move(parts)),
        owner_(std::move(owner)),
        done_(std::async(std::launch::async, [this] { return run(); })) {}

  ~Writer() override {
    // A program that only answers one prompt still leaves the file behind, unless that would take long.
    constexpr uint64_t kSoonWritten = uint64_t{1} << 30;
    uint64_t bytes = 0;
    for (const CachePart& part : parts_) bytes += part.bytes.size();
    if (bytes > kSoonWritten) stop_ = true;
    wait();
  }
  bool wait() override {
    if (done_.valid()) written_ = done_.get();
    return written_;
  }

 private:
  bool run() noexcept {
    try {
      fs::create_directories(folder_.path());
      const Plan plan = make_plan(key_, model_, parts_);
      require_room(folder_.path(), plan.header.file_bytes);
      if (!write(plan)) return false;
      folder_.sweep();
      log_debug("{}: kept", path_.string());
      return true;
    } catch (const std::exception& error) {
      log_info("{}: not kept: {}", path_.string(), error.what());
      return false;
    }
  }

  bool write(const Plan& plan) {
    AtomicFile file(path_);
    file.write(std::as_bytes(std::span(&plan.header, 1)));
    file.write(plan.model);
    file.write(bytes_of(plan.rows));
    file.write(bytes_of(plan.sums));
    for (size_t i = 0; i < parts_.size(); ++i) {
      file.write_zeros(plan.rows[i].offset - file.size());
      constexpr size_t kPiece = size_t{16} << 20;  // between two looks at stop_
      for (size_t at = 0; at < parts_[i].bytes.size(); at += kPiece) {
        if (stop_) return false;
        file.write(parts_[i].bytes.subspan(at, std::min(kPiece, parts_[i].bytes.size() - at)));
      }
    }
    file.commit();
    return true;
  }

  CacheFolder folder_;
  CacheKey key_;
  fs::path path_;
  CacheSource model_;
  std::vector<CachePart> parts_;
  std::shared_ptr<const void> owner_;
  std::atomic<bool> stop_{false};
  bool written_ = false;
  std::future<bool> done_;  // last: its thread uses the rest
};

// --- tidying ---

// When a file was used last is its time of access, set by hand: the time of writing must stay, for a change of it tells
// those who have the file mapped that its bytes are other ones.
void set_used(const fs::path& path, timespec when) noexcept {
  const timespec times[2] = {when, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);  // a folder that cannot be written needs no tidying
}

timespec last_use(const fs::path& path) noexcept {
  struct stat info{};
  ::stat(path.c_str(), &info);
  return info.st_atim;
}

struct Kept {
  fs::path path;
  uint64_t bytes;
  timespec used;
};

// Whether the model that a file was made from is gone or changed. A file whose index cannot be read is nobody's.
bool is_orphan(const fs::path& path) noexcept {
  try {
    const auto file = MappedFile::open(path);
    const CacheIndex index = read_cache_index(path, file->bytes());
    const auto model = MappedFile::open(index.model);
    return model->bytes().size() != index.header.model_bytes || model->modified_ns() != index.header.model_ns;
  } catch (const std::exception&) {
    return true;
  }
}

bool is_old_leftover(const fs::directory_entry& entry) {
  return fs::file_time_type::clock::now() - entry.last_write_time() > std::chrono::hours(1);
}

}  // namespace

CacheKey cache_key(const Checkpoint& checkpoint) {
  constexpr size_t kSample = 256;
  KeySum sum;
  for (const auto& file : checkpoint.files()) {
    const auto all = file->bytes();
    const std::byte *begin = all.data(), *end = begin + all.size(), *first = end;
    for (const TensorEntry& tensor : checkpoint.tensors()) {
      const auto data = tensor.data;
      if (data.empty() || data.data() < begin || data.data() >= end) continue;
      first = std::min(first, data.data());
      sum.add(data.first(std::min(kSample, data.size())));
      sum.add(data.last(std::min(kSample, data.size())));
    }
    sum.add(all.size());
    sum.add(static_cast<uint64_t>(file->modified_ns()));
    sum.add(all.first(static_cast<size_t>(first - begin)));
  }
  return {sum.text()};
}

CacheFolder CacheFolder::of_user() {
  const char* choice = std::getenv("SHENBI_CACHE");
  return choice && std::string_view(choice) == "off" ? CacheFolder() : CacheFolder(data_folder() / "cache");
}

std::shared_ptr<const CacheFile> CacheFolder::find(const CacheKey& key, std::string_view kind, ThreadTeam* team) const {
  if (empty()) return nullptr;
  const fs::path path = path_of(folder_, key, kind);
  std::error_code none;
  if (!fs::exists(path, none)) return nullptr;
  try {
    auto file = CacheFile::open(path, key, team);
    set_used(path, {.tv_sec = 0, .tv_nsec = UTIME_NOW});
    return file;
  } catch (const Error& error) {
    log_warn("{}; made again", error.what());
    return nullptr;
  }
}

std::unique_ptr<PendingCacheFile> CacheFolder::keep(const CacheKey& key, std::string_view kind, const MappedFile& model,
                                                    std::vector<CachePart> parts,
                                                    std::shared_ptr<const void> owner) const {
  if (empty()) return nullptr;
  CacheSource source{fs::absolute(model.path()).string(), model.bytes().size(), model.modified_ns()};
  return std::make_unique<Writer>(*this, key, kind, std::move(source), std::move(parts), std::move(owner));
}

void CacheFolder::sweep() const noexcept {
  if (empty()) return;
  try {
    std::vector<Kept> kept;
    uint64_t total = 0;
    std::error_code ignored;  // another process may tidy at the same time
    for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
      const bool unfinished = entry.path().extension() == ".part";
      const timespec used = last_use(entry.path());
      if (unfinished ? is_old_leftover(entry) : is_orphan(entry.path())) {
        fs::remove(entry.path(), ignored);
      } else if (!unfinished) {
        set_used(entry.path(), used);  // looking at it was no use of it
        kept.push_back({entry.path(), entry.file_size(), used});
        total += kept.back().bytes;
      }
    }
    std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) {
      return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
    });
    for (const Kept& file : kept) {
      if (total <= limits::kMaxCacheBytes) break;
      fs::remove(file.path, ignored);
      total -= file.bytes;
    }
  } catch (const std::exception& error) {
    log_info("{}: {}", folder_.string(), error.what());
  }
}

}  // namespace shenbi::formats
