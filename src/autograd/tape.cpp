#include "autograd/tape.h"

#include <fmt/format.h>

#include "base/error.h"

namespace shenbi::autograd {
namespace {

/// sum += addend, where the sum may still be shared with another node (an op may hand one tensor to two inputs).
void accumulate(Tensor& sum, Tensor addend) {
  if (!sum.defined()) {
    sum = std::move(addend);
    return;
  }
  if (!sum.is_unique()) sum = sum.clone();
  add_into(sum, addend);
}

}  // namespace

Variable Tape::leaf(Tensor value) {
  if (!options_.record) return constant(std::move(value));
  nodes_.push_back({.op = "leaf", .shape = value.shape(), .dtype = value.dtype()});
  return Variable(*this, std::move(value), static_cast<int32_t>(nodes_.size() - 1));
}

Variable Tape::record(std::string_view op, Tensor value, std::initializer_list<Variable> inputs, Vjp vjp) {
  return record(op, std::move(value), std::span<const Variable>(inputs.begin(), inputs.size()), std::move(vjp));
}

Variable Tape::record(std::string_view op, Tensor value, std::span<const Variable> inputs, Vjp vjp) {
  Node node{.op = op, .shape = value.shape(), .dtype = value.dtype()};
  bool needed = false;
  for (const Variable& input : inputs) {
    if (input.defined() && input.tape_ != this)
      throw Error(Code::kInvalidArgument, fmt::format("{}: the operands are on different tapes", op));
    needed |= input.needs_gradient();
    node.inputs.push_back(input.node_);
  }
  if (!needed) return constant(std::move(value));
  node.vjp = std::move(vjp);
  nodes_.push_back(std::move(node));
  return Variable(*this, std::move(value), static_cast<int32_t>(nodes_.size() - 1));
}

void Tape::backward(const Variable& output) {
  if (output.shape().elements() != 1)
    throw Error(Code::kInvalidArgument,
                fmt::format("backward: a single number is needed, not {}", output.value().text()));
  Tensor one = Tensor::scalar(1.0, output.dtype());
  backward(output, one.reshaped(output.shape()));
}

void Tape::backward(const Variable& output, const Tensor& gradient) {
  if (output.tape_ != this) throw Error(Code::kInvalidArgument, "backward: the output is on another tape");
  if (walked_) throw Error(Code::kInvalidArgument, "backward: the tape was walked already");
  if (gradient.shape() != output.shape() || gradient.dtype() != output.dtype())
    throw Error(Code::kInvalidArgument,
                fmt::format("backward: gradient {} for output {}", gradient.text(), output.value().text()));
  walked_ = true;
  if (!output.needs_gradient()) return;
  nodes_[static_cast<size_t>(output.node_)].gradient = gradient;
  for (size_t i = static_cast<size_t>(output.node_) + 1; i-- > 0;)
    if (nodes_[i].gradient.defined() && nodes_[i].vjp) pass_back(nodes_[i]);
}

void Tape::pass_back(Node& node) {
  // Moved out, so that what the node kept is freed before earlier nodes allocate.
  const Tensor gradient = std::move(node.gradient);
  node.gradient = {};
  const Vjp vjp = std::move(node.vjp);
  node.vjp = nullptr;
  std::vector<Tensor> parts = vjp(gradient);
  if (parts.size() != node.inputs.size())
    throw Error(Code::kInternal,
                fmt::format("{}: {} gradients for {} inputs", node.op, parts.size(), node.inputs.size()));
  for (size_t i = 0; i < parts.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    Node& input = nodes_[static_cast<size_t>(node.inputs[i])];
    if (!parts[i].defined() || parts[i].shape() != input.shape || parts[i].dtype() != input.dtype)
      throw Error(Code::kInternal, fmt::format("{}: gradient {} of input {} is {}, expected {}", node.op, i, input.op,
                                               parts[i].defined() ? parts[i].text() : "missing", input.shape.text()));
    accumulate(input.gradient, std::move(parts[i]));
  }
}

Tensor Tape::gradient(const Variable& leaf) const {
  if (leaf.tape_ != this || !leaf.needs_gradient() || nodes_[static_cast<size_t>(leaf.node_)].op != "leaf")
    throw Error(Code::kInvalidArgument, "gradient: not a leaf of this tape");
  if (!walked_) throw Error(Code::kInvalidArgument, "gradient: backward() has not run");
  const Node& node = nodes_[static_cast<size_t>(leaf.node_)];
  return node.gradient.defined() ? node.gradient : Tensor::zeros(node.shape, node.dtype);
}

}  // namespace shenbi::autograd
