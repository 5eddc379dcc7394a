#pragma once
// Models on this machine. One folder a model, one content-addressed pool of blobs that models share.
//
//   <data folder>/models/<name>/<tag>/     manifest.json and the model's files (hard links to blobs)
//   <data folder>/blobs/sha256-<digest>    the bytes, each once
//   <data folder>/unfinished/              downloads and folders in the making; nothing here is ever taken for a model
//   <data folder>/cache/                    what is made from models and can be made again (formats/cache_folder.h)
//
//   ModelStore store(data_folder());
//   if (auto path = store.find("gemma3:270m")) ...    // the .gguf file or the folder to open
//
// Every change is one rename: a model is there whole, or not at all. Several processes may use the store at once.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/folders.h"

namespace shenbi::formats {

/// "gemma3:270m" -> {"gemma3", "270m"}; without a tag "latest". Letters, digits and . _ - / in names (no "..", no
/// leading dot), so a name can never leave the store. Throws Error{kInvalidArgument} naming what is wrong.
struct ModelName {
  std::string name, tag;
  static ModelName parse(std::string_view text);
  std::string text() const { return name + ":" + tag; }
};

/// Throws Error{kInvalidArgument} unless `name` is one visible path element without control characters: what may be the
/// name of a model's file.
void check_file_name(std::string_view name);

struct StoredFile {
  std::string name;  ///< plain file name inside the model's folder
  std::string sha256;
  uint64_t bytes = 0;
};

struct StoredModel {
  std::string name;     ///< "gemma3:270m"
  std::string source;   ///< what it was pulled from
  std::string licence;  ///< notice shown at the pull, may be empty
  int64_t created = 0;  ///< Unix time
  std::vector<StoredFile> files;
  uint64_t bytes() const noexcept;
};

class ModelStore {
 public:
  explicit ModelStore(std::filesystem::path root) : root_(std::move(root)) {}

  /// What to open: the only .gguf (or the first shard), else the folder. Nothing if there is no such model.
  std::optional<std::filesystem::path> find(std::string_view name) const;
  std::optional<StoredModel> describe(std::string_view name) const;
  /// All models, by name. A folder whose manifest cannot be read is skipped with a warning.
  std::vector<StoredModel> list() const;

  /// Where the blob of this digest is or would be. `sha256` must be 64 hexadecimal digits.
  std::filesystem::path blob_path(std::string_view sha256) const;
  bool has_blob(std::string_view sha256) const;

  /// Moves (same file system) or copies a finished file into the pool and returns its digest. With `expected`, a
  /// different digest is Error{kCorruptFile} and the file is not added. With `hold_in`, as hold() does.
  std::string adopt(const std::filesystem::path& file, bool move, std::string_view expected = {},
                    const std::filesystem::path& hold_in = {});
  /// Links the blob as `folder`/<sha256>, so that it is not unused while that folder lives. False if it is not there,
  /// or if its bytes are not those of its digest any more (every byte is read).
  bool hold(std::string_view sha256, const std::filesystem::path& folder) const;

  /// A new folder below unfinished/, gone with the object.
  TemporaryFolder unfinished() const;
  /// The folder of one unfinished download, the same for the same key (a SHA-256) every time; its parent exists.
  std::filesystem::path unfinished_download(std::string_view key) const;
  /// Deletes what killed programs left in unfinished/ a week ago or earlier (downloads and blobs of no model: thirty
  /// days).
  void sweep() const;

  /// Makes the model visible under its name, replacing an older one. All blobs must be there.
  void publish(const StoredModel& model);
  /// Throws Error{kNotFound}. Blobs nobody else uses are deleted.
  void remove(std::string_view name);
  /// A second name for the same files; costs no space.
  void copy(std::string_view from, std::string_view to);

  /// Re-reads every byte; returns a line for each file whose digest is not what the manifest says.
  std::vector<std::string> verify(std::string_view name) const;

 private:
  std::filesystem::path folder_of(const ModelName& name) const;
  void remove_unused_blobs(const StoredModel& model) const;
  void link_blob(std::string_view sha256, const std::filesystem::path& link) const;
  std::filesystem::path root_;
};

}  // namespace shenbi::formats
