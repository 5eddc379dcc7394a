#pragma once
// GGUF, versions 2 and 3, little-endian. The layout, front to back:
//
//   magic "GGUF" | u32 version | u64 tensor count | u64 metadata count
//   metadata:  string key | u32 value type | value            string = u64 length, bytes
//   tensors:   string name | u32 dims | u64 dims[], innermost first | u32 type | u64 offset
//   padding to general.alignment | data: each tensor at its offset, a multiple of the alignment
//
// parse_gguf() is the whole parser over bytes in memory; open_gguf() maps files and joins the shards of a split model.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"

namespace shenbi::formats {

/// The value types of the file format, with the numbers it uses for them.
enum class GgufValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

inline constexpr uint64_t kGgufDefaultAlignment = 32;

/// A metadata entry as the file has it, for copying: the value's bytes without the type.
struct GgufRawEntry {
  std::string_view key;
  GgufValueType type;
  std::span<const std::byte> value;
};

struct GgufContents {
  uint32_t version = 0;
  uint64_t alignment = kGgufDefaultAlignment;
  uint64_t data_offset = 0;                                    ///< where the data section begins
  std::map<std::string, MetadataValue, std::less<>> metadata;  ///< strings point into `file`
  std::vector<GgufRawEntry> raw;                               ///< the same entries in file order
  std::vector<TensorEntry> tensors;                            ///< in file order; data points into `file`
};

/// Parses one GGUF file. `file_name` is for errors. Throws Error{kCorruptFile, kUnsupported}.
/// Memory used is bounded by a small multiple of the file's own header, whatever counts it declares.
GgufContents parse_gguf(std::span<const std::byte> file, std::string_view file_name);

/// A Checkpoint over one file, or over all shards when `path` is the first of `x-00001-of-0000N.gguf`.
std::shared_ptr<const Checkpoint> open_gguf(const std::filesystem::path& path);

/// The path of shard `index` (0-based) of `count`, in the folder of `first`; `first` must end in -00001-of-NNNNN.gguf.
/// Nothing if it does not.
std::optional<std::filesystem::path> gguf_shard_path(const std::filesystem::path& first, uint64_t index,
                                                     uint64_t count);

}  // namespace shenbi::formats
