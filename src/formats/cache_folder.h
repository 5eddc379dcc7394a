#pragma once
// What can be made again from a model's own file, but costs time: packed weights, compiled vocabularies. Kept in files
// beside the models, mapped at the next start.
//
//   CacheFolder cache(data_folder() / "cache");
//   const CacheKey key = cache_key(*checkpoint);
//   if (auto file = cache.find(key, "weights-1", &team)) use(file->part(7));          // checked, mapped, not copied
//   else pending = cache.keep(key, "weights-1", *checkpoint->files()[0], parts, owner);   // in the background
//
// The key is made of what the model's files hold, so a changed file has another key and finds nothing. Every byte of a
// kept file lies under a checksum that find() proves; a damaged file is named in the log, and is nothing. Nothing here
// is ever the only copy: a folder that cannot be written, a full disk, a killed writer cost the next start time and
// nothing else. Losing the folder is harmless.
//
// Layout of a file, little-endian: the header below, the path of the model, a row for each part, a checksum for each
// stretch of kStretchBytes of each part, then the parts, each at a multiple of 4096.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/thread_team.h"
#include "formats/checkpoint.h"

namespace shenbi::formats {

/// 128 bits in hexadecimal digits: of all that a model's files hold beside the tensors, of their sizes and times, and
/// of the first and the last bytes of every tensor. Reading all of it would take longer than what is saved.
struct CacheKey {
  std::string text;
};
CacheKey cache_key(const Checkpoint& checkpoint);

/// A run of bytes with a name of the writer's choice.
struct CachePart {
  uint64_t tag;
  std::span<const std::byte> bytes;
};

/// A kept file, proven whole.
class CacheFile {
 public:
  /// Throws Error{kCorruptFile} naming what is wrong, Error{kNotFound}. The checksums are proven by the team where one
  /// is given.
  static std::shared_ptr<const CacheFile> open(const std::filesystem::path& path, const CacheKey& key,
                                               ThreadTeam* team = nullptr);

  /// The bytes under this tag, at a multiple of 4096 in memory; empty if there are none. Valid as long as the file.
  std::span<const std::byte> part(uint64_t tag) const noexcept;

  /// As Checkpoint::require_whole: Error{kCorruptFile} naming the file if it was cut short or changed under the map.
  void require_whole() const;

 private:
  CacheFile() = default;
  std::shared_ptr<const MappedFile> file_;
  std::unordered_map<uint64_t, std::span<const std::byte>> parts_;
};

/// A file that is being written by a thread of its own. Whoever owns the object owns the parts' memory as well.
class PendingCacheFile {
 public:
  virtual ~PendingCacheFile() = default;  ///< waits if that takes a moment, else gives up
  /// Waits for the end; whether the file is there now.
  virtual bool wait() = 0;
};

class CacheFolder {
 public:
  CacheFolder() = default;  ///< keeps nothing, finds nothing
  explicit CacheFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Below the data folder; nothing is kept if SHENBI_CACHE is "off".
  static CacheFolder of_user();

  bool empty() const noexcept { return folder_.empty(); }
  const std::filesystem::path& path() const noexcept { return folder_; }

  /// The file of this key and kind ("weights-1": what it is, and the version of its contents), if it is there and
  /// whole.
  std::shared_ptr<const CacheFile> find(const CacheKey& key, std::string_view kind, ThreadTeam* team = nullptr) const;

  /// Writes the parts (different tags) in the background; `owner` keeps them alive. `model` is the first file of what
  /// they were made from: when it is gone or changed, they go too. Null if nothing is kept. What cannot be written is
  /// said in the log at level info.
  std::unique_ptr<PendingCacheFile> keep(const CacheKey& key, std::string_view kind, const MappedFile& model,
                                         std::vector<CachePart> parts, std::shared_ptr<const void> owner) const;

  /// Deletes the files of models that are gone or changed, what killed writers left, and, beyond
  /// limits::kMaxCacheBytes together, the files that were not used for longest. Never throws.
  void sweep() const noexcept;

 private:
  std::filesystem::path folder_;
};

}  // namespace shenbi::formats
