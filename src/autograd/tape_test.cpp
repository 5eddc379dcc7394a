#include "autograd/tape.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/error.h"

namespace shenbi::autograd {
namespace {

// The tape knows no op, so the test brings two of its own.
Variable twice_product(const Variable& a, const Variable& b) {
  const double x = a.value().item(), y = b.value().item();
  return a.tape().record("twice_product", Tensor::scalar(2 * x * y), {a, b}, [x, y](const Tensor& g) {
    return std::vector<Tensor>{Tensor::scalar(2 * y * g.item()), Tensor::scalar(2 * x * g.item())};
  });
}
// Hands the same gradient tensor to both inputs, as an addition does.
Variable sum(const Variable& a, const Variable& b) {
  return a.tape().record("sum", Tensor::scalar(a.value().item() + b.value().item()), {a, b},
                         [](const Tensor& g) { return std::vector<Tensor>{g, g}; });
}

}  // namespace

TEST(Tape, gradients_accumulate_over_every_use_of_a_value) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable x = tape.leaf(Tensor::scalar(3)), y = tape.leaf(Tensor::scalar(5));
  const Variable s = sum(x, sum(x, y));       // 2x + y = 11
  const Variable loss = twice_product(s, x);  // 2 x (2x + y) = 66
  EXPECT_EQ(loss.value().item(), 66);
  tape.backward(loss);
  EXPECT_EQ(tape.gradient(x).item(), 8 * 3 + 2 * 5);
  EXPECT_EQ(tape.gradient(y).item(), 2 * 3);
}

TEST(Tape, a_gradient_shared_by_two_inputs_is_not_written_through) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable x = tape.leaf(Tensor::scalar(1)), y = tape.leaf(Tensor::scalar(1));
  tape.backward(sum(sum(x, y), x));  // x receives two parts, the first of which y holds as well
  EXPECT_EQ(tape.gradient(x).item(), 2);
  EXPECT_EQ(tape.gradient(y).item(), 1);
}

TEST(Tape, constants_need_nothing_and_an_unused_leaf_has_gradient_zero) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable c = tape.constant(Tensor::scalar(4)), x = tape.leaf(Tensor::scalar(2));
  const Variable unused = tape.leaf(Tensor::zeros({3}));
  EXPECT_FALSE(sum(c, c).needs_gradient());
  EXPECT_EQ(tape.size(), 2u);  // the two leaves
  tape.backward(twice_product(c, x));
  EXPECT_EQ(tape.gradient(x).item(), 8);
  EXPECT_EQ(tape.gradient(unused).shape(), (Shape{3}));
  EXPECT_THROW(tape.gradient(c), Error);
}

TEST(Tape, without_recording_nothing_is_kept) {
  ThreadTeam team(1);
  Tape tape(team, {.record = false});
  const Variable x = tape.leaf(Tensor::scalar(2));
  EXPECT_EQ(twice_product(x, x).value().item(), 8);
  EXPECT_FALSE(x.needs_gradient());
  EXPECT_EQ(tape.size(), 0u);
}

TEST(Tape, refuses_a_second_walk_a_foreign_operand_and_a_gradient_of_another_shape) {
  ThreadTeam team(1);
  Tape tape(team), other(team);
  const Variable x = tape.leaf(Tensor::scalar(2)), foreign = other.leaf(Tensor::scalar(2));
  EXPECT_THROW(sum(x, foreign), Error);
  const Variable y = sum(x, x);
  EXPECT_THROW(tape.backward(y, Tensor::zeros({2})), Error);
  EXPECT_THROW(tape.backward(tape.leaf(Tensor::zeros({2}))), Error);
  EXPECT_THROW(tape.gradient(x), Error);
  tape.backward(y);
  EXPECT_THROW(tape.backward(y), Error);
}

TEST(Tape, an_op_that_returns_a_wrong_gradient_is_named) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable x = tape.leaf(Tensor::scalar(2));
  const Variable y = tape.record("crooked", Tensor::scalar(1), {x},
                                 [](const Tensor&) { return std::vector<Tensor>{Tensor::zeros({2})}; });
  try {
    tape.backward(y);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "crooked: gradient 0 of input leaf is f32 [2], expected []");
  }
}

TEST(Tape, tapes_on_different_threads_do_not_meet) {
  const auto work = [](double start, double& result) {
    ThreadTeam team(1);
    for (int round = 0; round < 200; ++round) {
      Tape tape(team);
      const Variable x = tape.leaf(Tensor::scalar(start));
      tape.backward(twice_product(x, sum(x, x)));
      result = tape.gradient(x).item();
    }
  };
  double a = 0, b = 0;
  std::thread first(work, 3, std::ref(a)), second(work, 5, std::ref(b));
  first.join(), second.join();
  EXPECT_EQ(a, 24);
  EXPECT_EQ(b, 40);
}

}  // namespace shenbi::autograd
