#include "autograd/adamw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace shenbi::autograd {
namespace {

using tensor::DType;
using tensor::Tensor;

// Elements of a partial sum of the norm: 128 KB of f32, so that a lane's work is worth its start.
constexpr size_t kNormBlock = 32768;

/// The numbers of one step that are the same for every element.
struct Update {
  double beta1, beta2, epsilon;
  double gradient_factor;
  double keep;       ///< 1 - learning_rate * weight_decay
  double step_size;  ///< learning_rate / (1 - beta1^t)
  double root;       ///< sqrt(1 - beta2^t)
};

template <class T>
void update(T* value, T* mean, T* square, const T* gradient, size_t begin, size_t end, const Update& u) noexcept {
  const T beta1 = static_cast<T>(u.beta1), beta2 = static_cast<T>(u.beta2);
  const T rest1 = static_cast<T>(1 - u.beta1), rest2 = static_cast<T>(1 - u.beta2);
  const T factor = static_cast<T>(u.gradient_factor), keep = static_cast<T>(u.keep);
  const T step = static_cast<T>(u.step_size), root = static_cast<T>(u.root), epsilon = static_cast<T>(u.epsilon);
  for (size_t i = begin; i < end; ++i) {
    const T g = gradient[i] * factor;
    mean[i] = beta1 * mean[i] + rest1 * g;
    square[i] = beta2 * square[i] + rest2 * g * g;
    value[i] = value[i] * keep - step * mean[i] / (std::sqrt(square[i]) / root + epsilon);
  }
}

template <class T>
double sum_of_squares(const Tensor& x, size_t begin, size_t end) {
  const auto values = x.values<T>();
  double sum = 0;
  for (size_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return sum;
}

bool is_arithmetic(DType dtype) noexcept { return dtype == DType::kF32 || dtype == DType::kF64; }

}  // namespace

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& options) : options_(options) {
  for (Parameter& parameter : parameters) {
    if (!parameter.value.defined() || !is_arithmetic(parameter.value.dtype()))
      throw Error(Code::kInvalidArgument,
                  fmt::format("adamw: parameter {} must be f32 or f64", parameter.value.text()));
    const Tensor& value = parameter.value;
    State state{.mean = Tensor::zeros(value.shape(), value.dtype()),
                .square = Tensor::zeros(value.shape(), value.dtype())};
    state.parameter = std::move(parameter);
    states_.push_back(std::move(state));
  }
}

void AdamW::step(std::span<const Tensor> gradients, double learning_rate, double gradient_factor, ThreadTeam& team) {
  if (gradients.size() != states_.size())
    throw Error(Code::kInvalidArgument,
                fmt::format("adamw: {} gradients for {} parameters", gradients.size(), states_.size()));
  for (size_t i = 0; i < states_.size(); ++i) {
    const Tensor& value = states_[i].parameter.value;
    if (!gradients[i].defined() || gradients[i].shape() != value.shape() || gradients[i].dtype() != value.dtype())
      throw Error(Code::kInvalidArgument,
                  fmt::format("adamw: gradient {} for parameter {}", gradients[i].text(), value.text()));
  }
  const double t = static_cast<double>(++steps_);
  Update u{.beta1 = options_.beta1,
           .beta2 = options_.beta2,
           .epsilon = options_.epsilon,
           .gradient_factor = gradient_factor};
  u.step_size = learning_rate / (1 - std::pow(options_.beta1, t));
  u.root = std::sqrt(1 - std::pow(options_.beta2, t));
  team.run([&](Lane& lane) {
    for (size_t i = 0; i < states_.size(); ++i) {
      State& s = states_[i];
      Update own = u;
      own.keep = 1 - learning_rate * s.parameter.weight_decay;
      const auto [begin, end] = lane.share(gradients[i].elements(), 64);
      const auto run = [&]<class T>(T) {
        update(s.parameter.value.values<T>().data(), s.mean.values<T>().data(), s.square.values<T>().data(),
               gradients[i].values<T>().data(), begin, end, own);
      };
      gradients[i].dtype() == DType::kF64 ? run(double{}) : run(float{});
    }
  });
}

double gradient_norm(std::span<const Tensor> gradients, ThreadTeam& team) {
  struct Block {
    const Tensor* tensor;
    size_t begin, end;
  };
  std::vector<Block> blocks;
  for (const Tensor& x : gradients) {
    if (!x.defined() || !is_arithmetic(x.dtype()))
      throw Error(Code::kInvalidArgument, fmt::format("gradient_norm: gradient {} must be f32 or f64", x.text()));
    for (size_t begin = 0; begin < x.elements(); begin += kNormBlock)
      blocks.push_back({&x, begin, std::min(begin + kNormBlock, x.elements())});
  }
  std::vector<double> sums(blocks.size());
  team.run([&](Lane& lane) {
    const auto [begin, end] = lane.share(blocks.size());
    for (size_t i = begin; i < end; ++i) {
      const auto [x, first, last] = blocks[i];
      sums[i] =
          x->dtype() == DType::kF64 ? sum_of_squares<double>(*x, first, last) : sum_of_squares<float>(*x, first, last);
    }
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) noexcept { return norm > max_norm ? max_norm / norm : 1.0; }

double CosineSchedule::at(size_t step) const noexcept {
  if (step < warmup_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  if (step >= total_steps) return minimum;
  const double part = static_cast<double>(step - warmup_steps) / static_cast<double>(total_steps - warmup_steps);
  return minimum + (peak - minimum) * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

}  // namespace shenbi::autograd
