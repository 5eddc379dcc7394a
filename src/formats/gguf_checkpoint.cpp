// One GGUF file, or the shards of a split one, as a Checkpoint. Shard 1 carries the metadata of the model; every shard
// says its own number (split.no), how many there are (split.count) and how many tensors all hold together.

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "formats/gguf.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace {

std::optional<uint64_t> find_uint(const GgufContents& contents, std::string_view key) {
  const auto found = contents.metadata.find(key);
  if (found == contents.metadata.end()) return std::nullopt;
  if (const auto* value = std::get_if<uint64_t>(&found->second)) return *value;
  // split.tensors.count is written as i32.
  if (const auto* value = std::get_if<int64_t>(&found->second); value && *value >= 0)
    return static_cast<uint64_t>(*value);
  return std::nullopt;
}

class GgufCheckpoint final : public Checkpoint {
 public:
  explicit GgufCheckpoint(const std::filesystem::path& path) {
    path_ = path;
    GgufContents first = load(path);
    const uint64_t shards = find_uint(first, "split.count").value_or(0);
    const auto total = find_uint(first, "split.tensors.count");
    metadata_ = std::move(first.metadata);
    tensors_ = std::move(first.tensors);
    if (shards > 1) load_other_shards(shards, total);
    index_tensors();
  }

  CheckpointKind kind() const noexcept override { return CheckpointKind::kGguf; }
  std::optional<std::string> side_file(std::string_view) const override { return std::nullopt; }

 private:
  GgufContents load(const std::filesystem::path& path) {
    files_.push_back(MappedFile::open(path));
    return parse_gguf(files_.back()->bytes(), path.string());
  }

  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(Code::kCorruptFile, fmt::format("{}: {}", path_.string(), problem));
  }

  void load_other_shards(uint64_t shards, std::optional<uint64_t> total) {
    if (shards > limits::kMaxShards)
      fail(fmt::format("split.count is {}, the limit is {}", shards, limits::kMaxShards));
    const uint64_t number = get_uint("split.no").value_or(0);
    const auto first = gguf_shard_path(path_, 0, shards);
    if (!first) {
      fail(fmt::format("split.count is {}, but the file name does not end in -{:05}-of-{:05}.gguf", shards, number + 1,
                       shards));
    }
    if (number != 0 || first->filename() != path_.filename()) {
      throw Error(Code::kInvalidArgument, fmt::format("{}: this is shard {} of {}; open the first one, {}",
                                                      path_.string(), number + 1, shards, first->filename().string()));
    }
    for (uint64_t index = 1; index < shards; ++index) append(load_shard(index, shards));
    if (total && *total != tensors_.size()) {
      fail(fmt::format("split.tensors.count is {}, the {} shards hold {}", *total, shards, tensors_.size()));
    }
  }

  GgufContents load_shard(uint64_t index, uint64_t shards) {
    const auto path = *gguf_shard_path(path_, index, shards);
    GgufContents shard = load(path);
    const auto number = find_uint(shard, "split.no"), count = find_uint(shard, "split.count");
    if (number != index || count != shards) {
      throw Error(
          Code::kCorruptFile,
          fmt::format("{}: expected split.no {} and split.count {}, found {} and {}", path.string(), index, shards,
                      number ? fmt::to_string(*number) : "none", count ? fmt::to_string(*count) : "none"));
    }
    return shard;
  }

  void append(GgufContents shard) {
    if (tensors_.size() + shard.tensors.size() > limits::kMaxTensors) {
      fail(fmt::format("the shards hold more than {} tensors", limits::kMaxTensors));
    }
    std::move(shard.tensors.begin(), shard.tensors.end(), std::back_inserter(tensors_));
  }
};

bool all_digits(std::string_view text) noexcept { return text.find_first_not_of("0123456789") == text.npos; }

}  // namespace

std::optional<std::filesystem::path> gguf_shard_path(const std::filesystem::path& first, uint64_t index,
                                                     uint64_t count) {
  static constexpr size_t kTail = std::string_view("-00001-of-00002.gguf").size();
  const std::string name = first.filename().string();
  if (name.size() < kTail) return std::nullopt;
  const std::string_view tail = std::string_view(name).substr(name.size() - kTail);
  const bool matches = tail[0] == '-' && all_digits(tail.substr(1, 5)) && tail.substr(6, 4) == "-of-" &&
                       tail.substr(10) == fmt::format("{:05}.gguf", count);
  if (!matches) return std::nullopt;
  const std::string stem = name.substr(0, name.size() - kTail);
  return first.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", stem, index + 1, count);
}

std::shared_ptr<const Checkpoint> open_gguf(const std::filesystem::path& path) {
  return std::make_shared<GgufCheckpoint>(path);
}

}  // namespace shenbi::formats
