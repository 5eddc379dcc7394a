#include "formats/tensor_writer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "formats/layout.h"
#include "formats/text.h"

namespace shenbi::formats {

void TensorWriter::refuse(std::string_view problem) const {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", file_.path().string(), problem));
}

void TensorWriter::refuse_tensor(std::string_view name, std::string_view problem) const {
  refuse(fmt::format("tensor '{}': {}", printable(name), problem));
}

void TensorWriter::require_open() const { SHENBI_CHECK(!begun_); }

void TensorWriter::declare(std::string_view name, const kernels::QuantType& type, std::vector<uint64_t> shape) {
  require_open();
  if (name.empty() || name.size() > limits::kMaxNameBytes || !is_plain_text(name)) refuse_tensor(name, "not a name");
  if (shape.size() > limits::kMaxTensorDims)
    refuse_tensor(name, fmt::format("{} dimensions are too many", shape.size()));
  Declared tensor{.name = std::string(name), .type = &type, .shape = std::move(shape)};
  check(tensor);
  if (columns(tensor.shape) % type.block_elements != 0) {
    refuse_tensor(name, fmt::format("rows of shape {} are not whole blocks of {} ({} elements)",
                                    shape_text(tensor.shape), type.name, type.block_elements));
  }
  const auto bytes = tensor_bytes(type, tensor.shape);
  const auto offset = checked_align(data_bytes_, alignment_);
  const auto end = bytes && offset ? checked_add(*offset, *bytes) : std::nullopt;
  if (!end) refuse_tensor(name, fmt::format("shape {} exceeds 64-bit sizes", shape_text(tensor.shape)));
  if (!names_.emplace(name).second) refuse_tensor(name, "declared twice");
  tensor.offset = *offset;
  tensor.bytes = *bytes;
  tensors_.push_back(std::move(tensor));
  data_bytes_ = *end;
}

void TensorWriter::begin() {
  if (begun_) return;
  file_.write(header());
  begun_ = true;
}

void TensorWriter::pad_to(uint64_t offset) {
  file_.write_zeros(offset - written_);
  written_ = offset;
}

void TensorWriter::append(std::span<const std::byte> bytes) {
  begin();
  while (!bytes.empty()) {
    if (current_ == tensors_.size()) refuse(fmt::format("{} bytes more than the declared tensors have", bytes.size()));
    const Declared& tensor = tensors_[current_];
    if (filled_ == 0) pad_to(tensor.offset);
    const auto part = bytes.first(std::min<uint64_t>(bytes.size(), tensor.bytes - filled_));
    file_.write(part);
    written_ += part.size();
    filled_ += part.size();
    bytes = bytes.subspan(part.size());
    if (filled_ == tensor.bytes) {
      ++current_;
      filled_ = 0;
    }
  }
}

void TensorWriter::finish() {
  begin();
  while (current_ < tensors_.size() && filled_ == 0 && tensors_[current_].bytes == 0) ++current_;
  if (current_ < tensors_.size()) {
    refuse(
        fmt::format("tensor '{}' has {} of its {} bytes", tensors_[current_].name, filled_, tensors_[current_].bytes));
  }
  // Some readers want the last tensor padded as well. The sum cannot wrap: declare() aligned the same number or a
  // larger one.
  if (const auto end = checked_align(data_bytes_, alignment_)) pad_to(*end);
  file_.commit();
}

}  // namespace shenbi::formats
