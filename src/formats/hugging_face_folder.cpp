// A Hugging Face folder as a Checkpoint, and a lone .safetensors file as the simplest case of it.

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "formats/folder_jail.h"
#include "formats/safetensors.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIndexName = "model.safetensors.index.json";

class SafetensorsCheckpoint : public Checkpoint {
 public:
  CheckpointKind kind() const noexcept override { return CheckpointKind::kSafetensors; }
  std::optional<std::string> side_file(std::string_view) const override { return std::nullopt; }

  void add_file(const fs::path& path) {
    files_.push_back(MappedFile::open(path));
    auto contents = parse_safetensors(files_.back()->bytes(), path.string());
    if (tensors_.size() + contents.tensors.size() > limits::kMaxTensors) {
      throw Error(Code::kCorruptFile,
                  fmt::format("{}: more than {} tensors in all files", path.string(), limits::kMaxTensors));
    }
    std::move(contents.tensors.begin(), contents.tensors.end(), std::back_inserter(tensors_));
  }
  void finish(const fs::path& path) {
    path_ = path;
    index_tensors();
  }
};

/// Bytes a side file may have, by what it is.
uint64_t side_file_limit(std::string_view name) {
  if (name.ends_with(".jinja")) return limits::kMaxTemplateBytes;
  if (name.starts_with("config") || name.starts_with("generation_config")) return limits::kMaxConfigBytes;
  return limits::kMaxTokenizerBytes;
}

class FolderCheckpoint final : public SafetensorsCheckpoint {
 public:
  explicit FolderCheckpoint(const fs::path& folder) : folder_(folder) {
    read_config();
    if (const auto whole = find_in_folder(folder, "model.safetensors")) {
      add_file(*whole);
    } else if (const auto index = read_in_folder(folder, kIndexName, limits::kMaxIndexBytes)) {
      add_shards(parse_safetensors_index(*index, (folder / kIndexName).string()));
    } else {
      add_only_file();
    }
    finish(folder);
    for (const auto& [tensor, shard] : expected_) require_in_shard(tensor, shard);
  }

  CheckpointKind kind() const noexcept override { return CheckpointKind::kHuggingFaceFolder; }
  std::optional<std::string> side_file(std::string_view name) const override {
    return read_in_folder(folder_, name, side_file_limit(name));
  }

 private:
  void read_config() {
    const auto text = read_in_folder(folder_, "config.json", limits::kMaxConfigBytes);
    if (!text) throw Error(Code::kNotFound, fmt::format("{}: no config.json{}", folder_.string(), gguf_hint()));
    const std::string name = (folder_ / "config.json").string();
    Json config = parse_json(*text, name);
    if (!config.is_object()) throw Error(Code::kCorruptFile, fmt::format("{}: expected a JSON object", name));
    config_ = std::make_shared<const Json>(std::move(config));
  }

  /// People often give the folder where they should give the GGUF file in it.
  std::string gguf_hint() const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".gguf") continue;
      return fmt::format("; to use its GGUF file, open '{}'", printable(entry.path().filename().string()));
    }
    return ", so not a model folder";
  }

  void add_shards(std::map<std::string, std::string, std::less<>> weight_map) {
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : weight_map) shards.insert(shard);
    for (const std::string& shard : shards) {
      const auto path = find_in_folder(folder_, shard);
      if (!path) {
        throw Error(Code::kNotFound,
                    fmt::format("{}: the index names the shard '{}', which is missing", folder_.string(), shard));
      }
      file_of_shard_[shard] = files_.size();
      add_file(*path);
    }
    expected_ = std::move(weight_map);
  }

  void require_in_shard(std::string_view tensor, const std::string& shard) const {
    const TensorEntry* entry = find(tensor);
    if (entry && lies_in(*entry, *files_[file_of_shard_.at(shard)])) return;
    throw Error(Code::kCorruptFile, fmt::format("{}: the index places tensor '{}' in '{}', which does not hold it",
                                                folder_.string(), tensor, shard));
  }

  static bool lies_in(const TensorEntry& entry, const MappedFile& file) {
    const auto bytes = file.bytes();
    return entry.data.data() >= bytes.data() && entry.data.data() <= bytes.data() + bytes.size();
  }

  /// Neither of the usual names: a folder with one .safetensors means that one.
  void add_only_file() {
    std::vector<std::string> found;
    bool has_pickle = false;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const fs::path name = entry.path().filename();
      if (name.extension() == ".safetensors") found.push_back(name.string());
      has_pickle = has_pickle || name.extension() == ".bin" || name.extension() == ".pt" || name.extension() == ".pth";
    }
    if (found.size() == 1) return add_file(*find_in_folder(folder_, found.front()));
    if (!found.empty()) {
      throw Error(Code::kCorruptFile,
                  fmt::format("{}: {} .safetensors files, but no {}", folder_.string(), found.size(), kIndexName));
    }
    if (has_pickle) {
      throw Error(Code::kUnsupported,
                  fmt::format("{}: only pickled weights (.bin, .pt), which can hold code: convert them to safetensors",
                              folder_.string()));
    }
    throw Error(Code::kNotFound, fmt::format("{}: no .safetensors file", folder_.string()));
  }

  fs::path folder_;
  std::map<std::string, size_t> file_of_shard_;  // index in files_
  std::map<std::string, std::string, std::less<>> expected_;
};

}  // namespace

std::map<std::string, std::string, std::less<>> parse_safetensors_index(std::string_view text,
                                                                        std::string_view file_name) {
  const auto fail = [&](std::string_view problem) {
    throw Error(Code::kCorruptFile, fmt::format("{}: {}", file_name, problem));
  };
  const Json index = parse_json(text, file_name);
  if (!index.is_object()) fail("expected a JSON object");
  const auto weight_map = index.find("weight_map");
  if (weight_map == index.end() || !weight_map->is_object()) fail("'weight_map' is missing or not an object");
  if (weight_map->empty()) fail("'weight_map' is empty");
  if (weight_map->size() > limits::kMaxTensors) {
    fail(fmt::format("'weight_map' has {} tensors, the limit is {}", weight_map->size(), limits::kMaxTensors));
  }
  std::map<std::string, std::string, std::less<>> shards;
  std::set<std::string_view> distinct;
  for (const auto& [tensor, shard] : weight_map->items()) {
    if (tensor.empty() || tensor.size() > limits::kMaxNameBytes || !is_plain_text(tensor)) {
      fail(fmt::format("the tensor name '{}' is not a name", printable(tensor)));
    }
    if (!shard.is_string())
      fail(fmt::format("tensor '{}': the shard is {}, expected a string", tensor, shard.type_name()));
    const auto& name = shard.get_ref<const std::string&>();
    if (!is_plain_file_name(name)) {
      fail(fmt::format("tensor '{}': the shard '{}' is not a plain file name", tensor, printable(name)));
    }
    distinct.insert(name);
    if (distinct.size() > limits::kMaxShards) fail(fmt::format("more than {} shards", limits::kMaxShards));
    shards.emplace(tensor, name);
  }
  return shards;
}

std::shared_ptr<const Checkpoint> open_safetensors(const fs::path& path) {
  auto checkpoint = std::make_shared<SafetensorsCheckpoint>();
  checkpoint->add_file(path);
  checkpoint->finish(path);
  return checkpoint;
}

std::shared_ptr<const Checkpoint> open_hugging_face_folder(const fs::path& folder) {
  return std::make_shared<FolderCheckpoint>(folder);
}

}  // namespace shenbi::formats
