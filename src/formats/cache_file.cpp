// Reading a kept file. The file is not trusted: every number in it is checked against its size before use.

#include <fmt/format.h>

#include <atomic>
#include <cstring>

#include "base/checksum.h"
#include "base/error.h"
#include "formats/cache_layout.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void damaged(const fs::path& path, std::string_view why) {
  throw Error(Code::kCorruptFile, fmt::format("{}: {}", path.string(), why));
}

struct Stretch {
  std::span<const std::byte> bytes;
  uint64_t sum;
};

// The stretches of all parts, in the order of their checksums.
std::vector<Stretch> stretches(std::span<const CacheRow> rows, std::span<const std::byte> all, const uint64_t* sums) {
  std::vector<Stretch> out;
  for (const CacheRow& row : rows) {
    for (uint64_t at = 0; at < row.bytes; at += kStretchBytes)
      out.push_back({all.subspan(row.offset + at, std::min(kStretchBytes, row.bytes - at)), sums[out.size()]});
  }
  return out;
}

bool all_match(const std::vector<Stretch>& stretches, ThreadTeam* team) {
  const auto matches = [](const Stretch& stretch) { return checksum(stretch.bytes) == stretch.sum; };
  if (!team) return std::all_of(stretches.begin(), stretches.end(), matches);
  std::atomic<bool> fine{true};
  team->run([&](Lane& lane) {
    const auto [begin, end] = lane.share(stretches.size());
    for (size_t i = begin; i < end; ++i)
      if (!matches(stretches[i])) fine = false;
  });
  return fine;
}

template <class T>
std::vector<T> copy_of(std::span<const std::byte> bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

}  // namespace

CacheIndex read_cache_index(const fs::path& path, std::span<const std::byte> all, IndexSum sum) {
  CacheIndex index;
  if (all.size() < sizeof(CacheHeader)) damaged(path, fmt::format("{} bytes are no cache file", all.size()));
  std::memcpy(&index.header, all.data(), sizeof(CacheHeader));
  const CacheHeader& header = index.header;
  if (std::memcmp(header.magic, kCacheMagic, sizeof kCacheMagic) != 0) damaged(path, "not a cache file");
  if (header.file_bytes != all.size())
    damaged(path, fmt::format("{} bytes, its header says {}", all.size(), header.file_bytes));
  uint64_t left = all.size() - sizeof(CacheHeader);
  const auto take = [&](uint64_t count, uint64_t size, std::string_view what) {
    if (count > left / size) damaged(path, fmt::format("{} {} do not fit in {} bytes", count, what, all.size()));
    const auto bytes = all.subspan(all.size() - left, count * size);
    left -= count * size;
    return bytes;
  };
  const auto model = take(header.path_bytes, 1, "bytes of a path");
  const auto rows = take(header.parts, sizeof(CacheRow), "parts");
  const auto sums = take(header.stretches, sizeof(uint64_t), "checksums");
  uint64_t behind = all.size() - left;
  if (sum == IndexSum::kProven &&
      checksum(all.subspan(kCacheSummedFrom, behind - kCacheSummedFrom)) != header.index_sum)
    damaged(path, "the checksum of its index is wrong");
  index.model.assign(reinterpret_cast<const char*>(model.data()), model.size());
  index.rows = copy_of<CacheRow>(rows);
  index.sums = copy_of<uint64_t>(sums);
  uint64_t needed = 0;
  for (const CacheRow& row : index.rows) {  // one behind the other
    if (row.offset % kPartAlignment != 0 || row.offset < behind || row.offset > all.size() ||
        row.bytes > all.size() - row.offset)
      damaged(path, fmt::format("part {:x} has {} bytes at {} of {}", row.tag, row.bytes, row.offset, all.size()));
    behind = row.offset + row.bytes;
    needed += (row.bytes + kStretchBytes - 1) / kStretchBytes;
  }
  if (needed != header.stretches)
    damaged(path, fmt::format("{} checksums, its parts need another number", header.stretches));
  return index;
}

std::shared_ptr<const CacheFile> CacheFile::open(const fs::path& path, const CacheKey& key, ThreadTeam* team) {
  std::shared_ptr<CacheFile> out(new CacheFile);
  out->file_ = MappedFile::open(path);
  const CacheIndex index = read_cache_index(path, out->file_->bytes());
  if (std::string_view(index.header.key, sizeof index.header.key) != key.text)
    damaged(path, "belongs to another model");
  const auto all = out->file_->bytes();
  if (!out->file_->still_whole()) damaged(path, "was cut short");
  if (!all_match(stretches(index.rows, all, index.sums.data()), team)) damaged(path, "a checksum is wrong");
  for (const CacheRow& row : index.rows) {
    if (!out->parts_.emplace(row.tag, all.subspan(row.offset, row.bytes)).second)
      damaged(path, fmt::format("two parts are called {:x}", row.tag));
  }
  return out;
}

void CacheFile::require_whole() const {
  if (!file_->still_whole()) damaged(file_->path(), "the file was cut short or changed while it was in use");
}

std::span<const std::byte> CacheFile::part(uint64_t tag) const noexcept {
  const auto found = parts_.find(tag);
  return found == parts_.end() ? std::span<const std::byte>() : found->second;
}

}  // namespace shenbi::formats
