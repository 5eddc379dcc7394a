#pragma once
// Every parameter of a decoder under its canonical name (models/decoder_spec.h), wherever and however the file keeps
// it.
//
//   Model model = describe(checkpoint);                                       // family, spec, parameters
//   const Parameter* bias = model.parameters.find("layers.0.query.bias");     // null: the model has none
//   model.parameters.at("embedding.weight").decode(floats);
//
// A parameter is a list of row runs in tensors of the file, so that splitting a fused [Q; K; V] or stacking experts is
// the same for every storage type. Shapes are checked here, once: whoever reads a parameter may rely on what the spec
// says.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "models/architecture.h"
#include "models/decoder_spec.h"

namespace shenbi::models {

/// Consecutive rows of a tensor. Tensors of more than two axes count as matrices of their last axis.
struct RowRun {
  const formats::TensorEntry* tensor = nullptr;
  uint64_t first_row = 0;
  uint64_t rows = 0;
};

class Parameter {
 public:
  const std::vector<uint64_t>& shape() const noexcept { return shape_; }
  /// A vector counts as a matrix of one column.
  uint64_t columns() const noexcept { return shape_.size() == 1 ? 1 : shape_.back(); }
  uint64_t rows() const noexcept { return elements() / columns(); }
  uint64_t elements() const noexcept;
  const kernels::QuantType& type() const noexcept { return *runs_.front().tensor->type; }
  const std::vector<RowRun>& runs() const noexcept { return runs_; }

  /// Rows [begin, end) as the file's type: straight from the file's map where they lie there in one piece, else
  /// gathered into `scratch`. Throws Error{kUnsupported} if numbers would have to be added to them (decode() does
  /// that).
  std::span<const std::byte> bytes(uint64_t begin, uint64_t end, std::vector<std::byte>& scratch) const;
  std::span<const std::byte> bytes(std::vector<std::byte>& scratch) const { return bytes(0, rows(), scratch); }

  /// Rows [begin, end) as floats; `out` has room for (end - begin) * columns().
  void decode(uint64_t begin, uint64_t end, float* out) const;
  void decode(float* out) const { decode(0, rows(), out); }
  std::vector<float> floats() const;

 private:
  friend class ParameterResolver;
  uint64_t row_bytes() const;
  void copy_row(uint64_t row, std::byte* out) const;

  std::vector<uint64_t> shape_;
  std::vector<RowRun> runs_;
  bool transposed_ = false;  ///< the tensor is [columns, rows]; runs count its columns
  float plus_ = 0;
};

class Parameters {
 public:
  const Parameter* find(std::string_view name) const noexcept;
  /// For parameters that the spec demands: those are all here.
  const Parameter& at(std::string_view name) const;
  const std::map<std::string, Parameter, std::less<>>& all() const noexcept { return by_name_; }
  /// Tensors of the file that no parameter uses, known buffers aside.
  const std::vector<std::string>& unused() const noexcept { return unused_; }

 private:
  friend class ParameterResolver;
  std::map<std::string, Parameter, std::less<>> by_name_;
  std::vector<std::string> unused_;
};

/// A checkpoint understood: which family, its spec, and where each parameter lies.
struct Model {
  std::shared_ptr<const formats::Checkpoint> checkpoint;
  DecoderSpec spec;
  Parameters parameters;
};

/// `wanted_context`: positions the caller will use, 0 for the model's own. Throws Error{kUnsupported} naming an unknown
/// family, Error{kCorruptFile} naming a missing parameter, or tensor, expected and found shape.
Model describe(std::shared_ptr<const formats::Checkpoint> checkpoint, uint32_t wanted_context = 0);

/// A parameter that a spec has: required, or used if the file has it.
struct ParameterSpec {
  std::string name;
  std::vector<uint64_t> shape;
  bool required = true;
};
std::vector<ParameterSpec> parameters_of(const DecoderSpec& spec);

}  // namespace shenbi::models
