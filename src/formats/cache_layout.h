#pragma once
// How a kept file lies on the disk (formats/cache_folder.h tells why). Inner header of formats.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "formats/cache_folder.h"

namespace shenbi::formats {

inline constexpr char kCacheMagic[8] = {'S', 'h', 'e', 'n', 'b', 'i', 'C', '1'};  // the digit is the layout's version
inline constexpr uint64_t kPartAlignment = 4096;              ///< a page: parts are mapped, and kernels want 64
inline constexpr uint64_t kStretchBytes = uint64_t{1} << 20;  ///< under one checksum; the grain of checking in parallel

struct CacheHeader {
  char magic[8];
  uint64_t index_sum;  ///< of all that follows, up to the first part
  char key[32];
  uint64_t file_bytes, path_bytes, parts, stretches;
  uint64_t model_bytes;  ///< of the model's first file, and when it was written: another one is another model
  int64_t model_ns;
};
static_assert(sizeof(CacheHeader) == 96);
inline constexpr size_t kCacheSummedFrom = 16;  ///< behind index_sum

struct CacheRow {
  uint64_t tag, offset, bytes;
};

struct CacheIndex {
  CacheHeader header;
  std::string model;  ///< path of the model's first file
  std::vector<CacheRow> rows;
  std::vector<uint64_t> sums;
};

enum class IndexSum : uint8_t { kProven, kIgnored };  ///< ignored: for the fuzzer, which could not guess it

/// Reads and checks everything but the parts themselves. Every row then lies inside `bytes`, and no two overlap.
/// Throws Error{kCorruptFile}.
CacheIndex read_cache_index(const std::filesystem::path& path, std::span<const std::byte> bytes,
                            IndexSum sum = IndexSum::kProven);

}  // namespace shenbi::formats
