#pragma once
// Bringing a model from somewhere into the store. One file a kind of source in formats/sources/ (the folder is the
// registry).
//
//   pull("hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", "qwen3:0.6b", store, {.progress = show});
//
// An interrupted pull leaves no model; the next pull of the same thing goes on where it stopped.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/model_store.h"

namespace shenbi::formats {

struct Progress {
  std::string file;
  uint64_t done = 0, total = 0;  ///< bytes; total 0 = unknown
  bool finished = false;
};

struct PullOptions {
  std::function<void(const Progress&)> progress;   ///< called from several threads, one at a time
  std::function<void(const std::string&)> notice;  ///< licence and other things people should read once
  const std::atomic<bool>* cancelled = nullptr;
  uint32_t connections = 4;  ///< parallel ranges of one large file
};

/// A file that can be fetched by URL.
struct RemoteFile {
  std::string name;  ///< plain name in the model's folder
  std::string url;
  uint64_t bytes = 0;                ///< 0: unknown
  std::string sha256;                ///< "": unknown
  std::vector<std::string> headers;  ///< "Authorization: Bearer ..."
};

/// What a source works with.
class PullContext {
 public:
  PullContext(ModelStore& store, const PullOptions& options) : store(store), options(options) {}

  /// Downloads into the pool, in parallel ranges with resume where the server allows it; checks size and digest. A blob
  /// that is already there is not fetched again.
  StoredFile download(const RemoteFile& file) const;
  /// Runs a program with these arguments (no shell); its output goes to stderr. Throws Error{kUpstream} with its last
  /// lines.
  void run_program(const std::vector<std::string>& arguments) const;
  /// Takes a file of this machine into the pool under a plain name (ModelStore::adopt).
  StoredFile adopt(const std::string& name, const std::filesystem::path& path, bool move,
                   std::string_view expected = {}) const;
  void check_cancelled() const;

  ModelStore& store;
  const PullOptions& options;

 private:
  TemporaryFolder held_ = store.unfinished();  // links to the blobs of this pull: nobody takes them for unused
};

/// What a source brings.
struct Collected {
  std::vector<StoredFile> files;
  std::string licence;
};

struct Source {
  std::string_view scheme;  ///< "hf"
  std::string_view form;    ///< "hf:ORG/REPO[/FILE][@REVISION]"
  std::string_view help;    ///< one line
  Collected (*collect)(const std::string& reference,
                       const PullContext& context) = nullptr;  ///< reference: after the colon
  std::string (*default_name)(const std::string& reference) = nullptr;
};

/// {file stem, function}. Generated.
const std::vector<std::pair<std::string_view, Source (*)()>>& source_registry();

/// A model that has a short name of its own.
struct KnownModel {
  std::string_view name, source, sha256;
  std::string_view title, quantisation;  ///< for people: "Qwen3 0.6B", "Q8_0"
  bool chat;                             ///< false: a base model
};
const std::vector<KnownModel>& known_models();

/// `what` is a short name ("gemma3:270m") or SCHEME:REFERENCE; `name` ("": derived) is what the model is called here.
/// Returns that name. Throws Error{kInvalidArgument} for unknown schemes, Error{kUpstream}, Error{kCorruptFile},
/// Error{kCancelled}.
std::string pull(const std::string& what, const std::string& name, ModelStore& store, const PullOptions& options);

/// "x-00002-of-00003.gguf" taken apart: {"x", 2, 3}.
struct Shard {
  std::string base;
  uint32_t number = 0, count = 0;
  static std::optional<Shard> of(const std::string& file);
};

/// Which of a repository's files make up one model to run: a named file, or the best GGUF (Q4_K_M, then Q8_0, ...;
/// every shard of a split one), or else config, tokenizer and safetensors. Throws Error{kNotFound} listing what there
/// is, or naming the shard that is missing.
std::vector<RemoteFile> choose_files(const std::vector<RemoteFile>& all, const std::string& wanted);

}  // namespace shenbi::formats
