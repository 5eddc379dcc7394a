#pragma once
// The jail for file names that come from outside: they name files of one folder and nothing else.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace shenbi::formats {

/// True for a name without separators, "..", drive letters or control characters, of at most 255 bytes.
bool is_plain_file_name(std::string_view name) noexcept;

/// The path of the regular file `name` in `folder`, links resolved; nothing if there is none. A link may lead to
/// another file of the same folder, and in a hub cache (models--x/snapshots/REVISION) to models--x/blobs; anywhere else
/// is Error{kCorruptFile}, as is a name that is not plain and a file that is not regular.
std::optional<std::filesystem::path> find_in_folder(const std::filesystem::path& folder, std::string_view name);

/// Text of that file, or nothing. Error{kCorruptFile} if it has more than `max_bytes`.
std::optional<std::string> read_in_folder(const std::filesystem::path& folder, std::string_view name,
                                          uint64_t max_bytes);

}  // namespace shenbi::formats
