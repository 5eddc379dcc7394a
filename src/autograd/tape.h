#pragma once
// Reverse-mode differentiation as a tape: ops append nodes while they compute, backward() walks the list from its end.
// The tape knows no op: a node is the indices of its inputs and a function that turns the gradient of the output into
// the gradients of the inputs (a vector-Jacobian product).
//
//   ThreadTeam team(2);
//   Tape tape(team);
//   Variable w = tape.leaf(weight);                     // its gradient is wanted
//   Variable x = tape.constant(input);
//   Variable loss = ops::mean(ops::linear(x, w));
//   tape.backward(loss);
//   Tensor dw = tape.gradient(w);
//
// Without gradients: Tape tape(team, {.record = false}); leaf() then is constant(), and no op keeps anything.
//
// One tape is one expression: it is walked once, and what its nodes kept is freed during the walk. Nothing is global: a
// tape belongs to one thread at a time, and tapes on different threads (with teams of their own) do not meet.
// A Variable must not outlive its tape.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_team.h"
#include "tensor/tensor.h"

namespace shenbi::autograd {

using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

class Tape;

/// A tensor and its place on a tape. A cheap handle; default-constructed it is "absent", as an optional bias is passed.
class Variable {
 public:
  Variable() = default;

  bool defined() const noexcept { return tape_ != nullptr; }
  const Tensor& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  DType dtype() const noexcept { return value_.dtype(); }
  /// False for constants and what is computed from constants alone.
  bool needs_gradient() const noexcept { return node_ >= 0; }
  /// Precondition: defined().
  Tape& tape() const noexcept { return *tape_; }

 private:
  friend class Tape;
  Variable(Tape& tape, Tensor value, int32_t node) : tape_(&tape), value_(std::move(value)), node_(node) {}

  Tape* tape_ = nullptr;
  Tensor value_;
  int32_t node_ = -1;
};

struct TapeOptions {
  bool record = true;  ///< false: no gradients
  /// An op with less work than this (scalar operations, roughly) stays on the calling thread: waking the team costs
  /// about as much. The result does not depend on it.
  size_t serial_below = 1 << 15;
};

class Tape {
 public:
  explicit Tape(ThreadTeam& team, const TapeOptions& options = {}) : team_(team), options_(options) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Variable constant(Tensor value) { return Variable(*this, std::move(value), -1); }
  Variable leaf(Tensor value);

  /// Gradients of the inputs, in their order. An empty Tensor says: no gradient for this one (it does not need one).
  using Vjp = std::function<std::vector<Tensor>(const Tensor& gradient)>;

  /// For ops: a value computed from `inputs` (absent ones may be among them). `op` is a literal, for error messages. If
  /// no input needs a gradient the result is a constant and `vjp` is dropped. Throws Error{kInvalidArgument} if an
  /// input is of another tape.
  Variable record(std::string_view op, Tensor value, std::initializer_list<Variable> inputs, Vjp vjp);
  Variable record(std::string_view op, Tensor value, std::span<const Variable> inputs, Vjp vjp);

  /// Walks back from `output`. The first form wants a single number and starts with gradient 1.
  /// Throws Error{kInvalidArgument} if the tape was walked already or the gradient has another shape than the output.
  void backward(const Variable& output);
  void backward(const Variable& output, const Tensor& gradient);

  /// The gradient of a leaf after backward(): zeros if the output does not depend on it.
  Tensor gradient(const Variable& leaf) const;

  ThreadTeam& team() const noexcept { return team_; }
  const TapeOptions& options() const noexcept { return options_; }
  size_t size() const noexcept { return nodes_.size(); }

 private:
  struct Node {
    std::string_view op;
    Shape shape;
    DType dtype;
    std::vector<int32_t> inputs;
    Vjp vjp;  ///< empty: a leaf
    Tensor gradient;
  };
  void pass_back(Node& node);

  ThreadTeam& team_;
  TapeOptions options_;
  std::vector<Node> nodes_;
  bool walked_ = false;
};

}  // namespace shenbi::autograd
