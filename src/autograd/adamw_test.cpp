#include "autograd/adamw.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "tensor/testing.h"

namespace shenbi::autograd {
namespace {

using tensor::DType;
using tensor::Tensor;

Tensor numbers(size_t count, uint64_t seed) {
  Tensor x = Tensor::uninitialized({count});
  const Philox random(seed);
  for (size_t i = 0; i < count; ++i) x.values<float>()[i] = random.normal(i);
  return x;
}

}  // namespace

TEST(AdamW, the_first_step_moves_by_the_learning_rate_against_the_sign_and_decays_first) {
  ThreadTeam team(1);
  Tensor value = Tensor::of({3}, std::vector<double>{1.0, -2.0, 3.0});
  AdamW optimizer({{value, 0.5}}, {.epsilon = 0});
  const Tensor gradient = Tensor::of({3}, std::vector<double>{10.0, -0.001, 5.0});
  optimizer.step(std::span(&gradient, 1), 0.1, 1.0, team);
  const std::vector<double> expected = {1.0 * 0.95 - 0.1, -2.0 * 0.95 + 0.1, 3.0 * 0.95 - 0.1};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(value.values<double>()[i], expected[i], 1e-15);
}

TEST(AdamW, steps_and_norms_are_the_same_bits_for_any_number_of_threads) {
  const Tensor gradient = numbers(100'003, 2);
  std::vector<Tensor> results;
  std::vector<double> norms;
  for (int threads : {1, 2, 3}) {
    ThreadTeam team(threads, false);
    Tensor value = numbers(100'003, 1);
    AdamW optimizer({{value, 0.1}}, {});
    for (int i = 0; i < 3; ++i) optimizer.step(std::span(&gradient, 1), 0.01, 0.5, team);
    results.push_back(value);
    norms.push_back(gradient_norm(std::span(&gradient, 1), team));
  }
  EXPECT_TRUE(tensor::same_bits(results[0], results[1]));
  EXPECT_TRUE(tensor::same_bits(results[0], results[2]));
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
  EXPECT_NEAR(norms[0], std::sqrt(100'003.0), 1.5);  // three standard deviations of a sum of squared normal numbers
}

TEST(AdamW, refuses_gradients_that_do_not_match_and_writes_nothing) {
  ThreadTeam team(1);
  Tensor value = Tensor::zeros({2});
  AdamW optimizer({{value, 0.0}}, {});
  const Tensor wrong = Tensor::zeros({3});
  EXPECT_THROW(optimizer.step(std::span(&wrong, 1), 0.1, 1.0, team), Error);
  EXPECT_THROW(optimizer.step({}, 0.1, 1.0, team), Error);
  EXPECT_EQ(optimizer.steps(), 0u);
}

TEST(CosineSchedule, rises_to_the_peak_and_falls_to_the_minimum) {
  const CosineSchedule schedule{.peak = 1.0, .minimum = 0.1, .warmup_steps = 4, .total_steps = 14};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.25);
  EXPECT_DOUBLE_EQ(schedule.at(3), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(4), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.55);
  EXPECT_DOUBLE_EQ(schedule.at(14), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(1000), 0.1);
  EXPECT_DOUBLE_EQ(clip_factor(4.0, 1.0), 0.25);
  EXPECT_DOUBLE_EQ(clip_factor(0.5, 1.0), 1.0);
}

}  // namespace shenbi::autograd
