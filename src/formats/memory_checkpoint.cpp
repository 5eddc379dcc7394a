#include "formats/memory_checkpoint.h"

#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"

namespace shenbi::formats {

namespace {

class MemoryCheckpoint final : public Checkpoint {
 public:
  MemoryCheckpoint(std::span<const std::byte> file, std::string_view name, std::string_view config_json) {
    path_ = name;
    if (file.size() >= 4 && std::memcmp(file.data(), "GGUF", 4) == 0) {
      GgufContents contents = parse_gguf(file, name);
      metadata_ = std::move(contents.metadata);
      tensors_ = std::move(contents.tensors);
    } else {
      kind_ = CheckpointKind::kSafetensors;
      tensors_ = parse_safetensors(file, name).tensors;
      if (!config_json.empty()) read_config(config_json);
    }
    index_tensors();
  }

  CheckpointKind kind() const noexcept override { return kind_; }
  std::optional<std::string> side_file(std::string_view) const override { return std::nullopt; }

 private:
  void read_config(std::string_view text) {
    Json config = parse_json(text, "config.json");
    if (!config.is_object()) throw Error(Code::kCorruptFile, "config.json: expected a JSON object");
    config_ = std::make_shared<const Json>(std::move(config));
    kind_ = CheckpointKind::kHuggingFaceFolder;
  }

  CheckpointKind kind_ = CheckpointKind::kGguf;
};

}  // namespace

std::shared_ptr<const Checkpoint> open_in_memory(std::span<const std::byte> file, std::string_view name,
                                                 std::string_view config_json) {
  return std::make_shared<MemoryCheckpoint>(file, name, config_json);
}

}  // namespace shenbi::formats
