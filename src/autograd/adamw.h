#pragma once
// AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101) over a list of tensors, with what a training step needs around it:
// the norm of all gradients, clipping, a schedule. It lies beside the tape because, like the tape, it knows no op and
// no model: a list of parameters and, in the same order, their gradients. Every update is the same whatever the number
// of threads.
//
//   AdamW optimizer({{weight, 0.1}, {norm, 0.0}}, {.beta2 = 0.95});
//   const CosineSchedule schedule{.peak = 1e-3, .minimum = 1e-4, .warmup_steps = 100, .total_steps = 2000};
//   const double norm = gradient_norm(gradients, team);
//   optimizer.step(gradients, schedule.at(0), clip_factor(norm, 1.0), team);

#include <cstddef>
#include <span>
#include <vector>

#include "base/thread_team.h"
#include "tensor/tensor.h"

namespace shenbi::autograd {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
};

class AdamW {
 public:
  struct Parameter {
    tensor::Tensor value;     ///< written by step(); f32 or f64
    double weight_decay = 0;  ///< by custom 0 for norms and biases
  };

  /// Moments start at zero, in the dtype of the parameter.
  AdamW(std::vector<Parameter> parameters, const AdamWOptions& options);

  /// One update with gradients times `gradient_factor` (see clip_factor). The gradients have the order, shapes and
  /// dtypes of the parameters, else Error{kInvalidArgument} and nothing is written. Not thread-safe.
  void step(std::span<const tensor::Tensor> gradients, double learning_rate, double gradient_factor, ThreadTeam& team);

  size_t steps() const noexcept { return steps_; }

 private:
  struct State {
    Parameter parameter;
    tensor::Tensor mean, square;  ///< running means of the gradient and of its square
  };
  AdamWOptions options_;
  std::vector<State> states_;
  size_t steps_ = 0;
};

/// Square root of the sum of the squares of all numbers, in double. Blocks of fixed size are added in order, so it does
/// not depend on the number of threads.
double gradient_norm(std::span<const tensor::Tensor> gradients, ThreadTeam& team);

/// What gradients are multiplied by so that their norm does not exceed max_norm: 1 when it does not.
double clip_factor(double norm, double max_norm) noexcept;

/// Rises linearly over the warm-up, then falls along half a cosine to the minimum and stays there.
struct CosineSchedule {
  double peak = 0, minimum = 0;
  size_t warmup_steps = 0, total_steps = 0;
  /// Learning rate of step 0, 1, ...; the first step of a warm-up of n has peak / n.
  double at(size_t step) const noexcept;
};

}  // namespace shenbi::autograd
