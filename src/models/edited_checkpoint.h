#pragma once
// For tests: a checkpoint with changes that no file has to be written for.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "formats/checkpoint.h"

namespace shenbi::models::testing {

class EditedCheckpoint : public formats::Checkpoint {
 public:
  explicit EditedCheckpoint(std::shared_ptr<const formats::Checkpoint> original) : original_(std::move(original)) {
    path_ = original_->path();
    tensors_ = original_->tensors();
    metadata_ = original_->metadata();
    config_ = std::make_shared<Json>(original_->config());
    index();
  }
  formats::CheckpointKind kind() const noexcept override { return original_->kind(); }
  std::optional<std::string> side_file(std::string_view name) const override { return original_->side_file(name); }

  void set_config(Json config) { config_ = std::make_shared<Json>(std::move(config)); }
  void set_metadata(const std::string& key, formats::MetadataValue value) { metadata_[key] = std::move(value); }
  void remove(const std::string& name) {
    std::erase_if(tensors_, [&](const formats::TensorEntry& entry) { return entry.name == name; });
    index();
  }
  formats::TensorEntry& tensor(const std::string& name) { return tensors_.at(by_name_.at(name)); }

  /// A tensor of another shape.
  void set_floats(const std::string& name, std::vector<uint64_t> shape, const std::vector<float>& values) {
    formats::TensorEntry& entry = tensor(name);
    const auto bytes = std::as_bytes(std::span(values));
    entry.type = kernels::find_quant_type("F32");
    entry.shape = std::move(shape);
    entry.data = owned_.emplace_back(bytes.begin(), bytes.end());
  }

  /// Stores all matrices whose rows are whole blocks as `type`.
  void quantize(const kernels::QuantType& type) {
    for (formats::TensorEntry& entry : tensors_) {
      if (entry.shape.size() < 2 || entry.shape.back() % type.block_elements != 0) continue;
      std::vector<float> values(entry.elements());
      entry.type->decode(entry.data.data(), values.size() / entry.type->block_elements, values.data());
      const size_t blocks = values.size() / type.block_elements;
      auto& bytes = owned_.emplace_back(blocks * type.block_bytes);
      type.encode(values.data(), blocks, nullptr, bytes.data());
      entry.type = &type;
      entry.data = bytes;
    }
  }

 private:
  void index() {
    by_name_.clear();
    index_tensors();
  }

  std::shared_ptr<const formats::Checkpoint> original_;
  std::vector<std::vector<std::byte>> owned_;
};

}  // namespace shenbi::models::testing
