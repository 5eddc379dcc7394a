// One table of cases, four proofs for each: equal to PyTorch in f64 and in f32, equal to finite differences, and the
// same bits for every number of threads. A new op is one row here and one function in tools/make_op_fixtures.py.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <functional>

#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/layout.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/reduce.h"
#include "ops/rope.h"
#include "ops/route.h"
#include "ops/softmax.h"
#include "tensor/testing.h"

namespace shenbi::ops {
namespace {

using autograd::DType;
using autograd::Tape;
using autograd::TapeOptions;
using autograd::Tensor;
using tensor::max_error;
using In = const std::vector<Variable>&;

struct Case {
  const char* name;
  std::function<Variable(In)> run;
};

Variable turn(const Variable& x, size_t pairs, bool adjacent, double magnitude) {
  static const std::vector<int32_t> positions = {0, 1, 2, 7, 500};
  static const std::vector<float> inverse = {1.0f, 0.25f, 0.0625f, 0.015625f};
  return rope(x, positions, {std::span(inverse).first(pairs), magnitude, adjacent});
}

Variable attend(In x, const AttentionOptions& options) { return attention(x[0], x[1], x[2], options); }

Variable experts(In x) {
  const Routing routing = route(x[1], {.num_used = 2});
  const Variable rows = embedding(x[0], routing.tokens);
  return combine(grouped_linear(rows, x[2], routing.ends), routing);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"add", [](In x) { return add(x[0], x[1]); }},
      {"multiply", [](In x) { return multiply(x[0], x[1]); }},
      {"multiply_rows", [](In x) { return multiply_rows(x[0], x[1]); }},
      {"scale", [](In x) { return scale(x[0], -2.5); }},
      {"silu", [](In x) { return silu(x[0]); }},
      {"gelu_erf", [](In x) { return gelu_erf(x[0]); }},
      {"gelu_tanh", [](In x) { return gelu_tanh(x[0]); }},
      {"relu", [](In x) { return relu(x[0]); }},
      {"relu_squared", [](In x) { return relu_squared(x[0]); }},
      {"sigmoid", [](In x) { return sigmoid(x[0]); }},
      {"softcap", [](In x) { return softcap(x[0], 3.0); }},
      {"linear", [](In x) { return linear(x[0], x[1]); }},
      {"linear_with_bias", [](In x) { return linear(x[0], x[1], x[2]); }},
      {"linear_of_one_row", [](In x) { return linear(x[0], x[1]); }},
      {"matmul", [](In x) { return matmul(x[0], x[1]); }},
      {"grouped_linear", [](In x) { return grouped_linear(x[0], x[1], {2, 2, 3, 6}); }},
      {"rms_norm", [](In x) { return rms_norm(x[0], x[1], 1e-5); }},
      {"rms_norm_without_weight", [](In x) { return rms_norm(x[0], {}, 1e-6); }},
      {"rms_norm_of_each_head", [](In x) { return rms_norm(x[0], x[1], 1e-6); }},
      {"layer_norm", [](In x) { return layer_norm(x[0], x[1], x[2], 1e-5); }},
      {"layer_norm_without_bias", [](In x) { return layer_norm(x[0], x[1], {}, 1e-5); }},
      {"layer_norm_plain", [](In x) { return layer_norm(x[0], {}, {}, 1e-5); }},
      {"rope_half", [](In x) { return turn(x[0], 4, false, 1.0); }},
      {"rope_adjacent", [](In x) { return turn(x[0], 4, true, 1.0); }},
      {"rope_half_partial", [](In x) { return turn(x[0], 3, false, 1.25); }},
      {"rope_adjacent_partial", [](In x) { return turn(x[0], 2, true, 1.25); }},
      {"attention", [](In x) { return attend(x, {.scale = 0.5}); }},
      {"attention_grouped", [](In x) { return attend(x, {.scale = 0.5}); }},
      {"attention_over_two_tiles", [](In x) { return attend(x, {.scale = 0.5}); }},
      {"attention_window", [](In x) { return attend(x, {.scale = 0.5, .window = 5}); }},
      {"attention_window_of_one", [](In x) { return attend(x, {.scale = 0.5, .window = 1}); }},
      {"attention_softcap", [](In x) { return attend(x, {.scale = 0.5, .softcap = 1.5}); }},
      {"attention_alibi", [](In x) { return attend(x, {.scale = 0.5, .alibi_slopes = {0.5f, 0.25f}}); }},
      {"attention_both_ways", [](In x) { return attend(x, {.scale = 0.5, .causal = false}); }},
      {"attention_of_many_sequences",
       [](In x) { return attend(x, {.scale = 0.5, .window = 3, .lengths = {1, 5, 3}}); }},
      {"attention_all_at_once",
       [](In x) { return attend(x, {.scale = 0.3, .softcap = 2.0, .alibi_slopes = {0.5f, 0.25f}, .window = 3}); }},
      {"attention_of_one_token", [](In x) { return attend(x, {.scale = 0.5}); }},
      {"embedding", [](In x) { return embedding(x[0], std::vector<int32_t>{1, 5, 1, 0, 1}); }},
      {"reshape", [](In x) { return reshape(x[0], {2, 3, 4}); }},
      {"transpose", [](In x) { return transpose(x[0]); }},
      {"slice_middle", [](In x) { return slice(x[0], 1, 2, 5); }},
      {"concat", [](In x) { return concat(x, 1); }},
      {"softmax", [](In x) { return softmax(x[0]); }},
      {"sum", [](In x) { return sum(x[0]); }},
      {"mean", [](In x) { return mean(x[0]); }},
      {"cross_entropy", [](In x) { return cross_entropy(x[0], std::vector<int32_t>{0, 6, 3, 3, 1}); }},
      {"cross_entropy_ignoring", [](In x) { return cross_entropy(x[0], std::vector<int32_t>{0, -100, 3, -100, 1}); }},
      {"cross_entropy_of_a_part", [](In x) { return cross_entropy(x[0], std::vector<int32_t>{0, -100, 3, 2, 1}, 12); }},
      {"route_softmax", [](In x) { return route(x[0], {.num_used = 2}).weights; }},
      {"route_softmax_renormalised",
       [](In x) { return route(x[0], {.num_used = 3, .renormalise = true, .weight_scale = 2.5}).weights; }},
      {"route_top_k_then_softmax",
       [](In x) { return route(x[0], {.kind = RouteKind::kTopKThenSoftmax, .num_used = 2}).weights; }},
      {"route_sigmoid",
       [](In x) {
         return route(x[0], {.kind = RouteKind::kSigmoid, .num_used = 2, .renormalise = true, .weight_scale = 2.5})
             .weights;
       }},
      {"experts", experts},
  };
  return all;
}

/// What PyTorch says about a case.
struct Golden {
  std::vector<Tensor> inputs, gradients;
  Tensor upstream, output;
};

Golden golden(const std::string& name) {
  static const auto all = tensor::read_golden(SHENBI_SOURCE_DIR "/tests/golden/ops/ops.safetensors");
  Golden golden{.upstream = all.at(name + ".upstream"), .output = all.at(name + ".output")};
  for (int i = 0; all.contains(fmt::format("{}.input.{}", name, i)); ++i) {
    golden.inputs.push_back(all.at(fmt::format("{}.input.{}", name, i)));
    golden.gradients.push_back(all.at(fmt::format("{}.gradient.{}", name, i)));
  }
  return golden;
}

struct Result {
  Tensor output;
  std::vector<Tensor> gradients;
};

Result run(const Case& c, const Golden& golden, DType dtype, int threads) {
  ThreadTeam team(threads, false);
  Tape tape(team, {.serial_below = 0});
  std::vector<Variable> inputs;
  for (const Tensor& x : golden.inputs) inputs.push_back(tape.leaf(x.to(dtype)));
  const Variable out = c.run(inputs);
  tape.backward(out, golden.upstream.to(dtype));
  Result result{.output = out.value()};
  for (const Variable& x : inputs) result.gradients.push_back(tape.gradient(x));
  return result;
}

/// sum(upstream * output) at these inputs, in double and without a tape.
double weighted_output(const Case& c, const std::vector<Tensor>& inputs, const Tensor& upstream) {
  ThreadTeam team(1);
  Tape tape(team, {.record = false});
  std::vector<Variable> constants;
  for (const Tensor& x : inputs) constants.push_back(tape.constant(x));
  const Tensor out = c.run(constants).value();
  double total = 0;
  for (size_t i = 0; i < out.elements(); ++i) total += out.values<double>()[i] * upstream.values<double>()[i];
  return total;
}

}  // namespace

TEST(Ops, every_op_equals_torch_in_double) {
  for (const Case& c : cases()) {
    const Golden expected = golden(c.name);
    const Result result = run(c, expected, DType::kF64, 1);
    // Both are exact to a few units in the last place; sums of up to 200 terms in another order.
    EXPECT_LE(max_error(result.output, expected.output), 1e-13) << c.name;
    for (size_t i = 0; i < expected.gradients.size(); ++i)
      EXPECT_LE(max_error(result.gradients[i], expected.gradients[i]), 1e-12) << c.name << " gradient " << i;
  }
}

TEST(Ops, every_op_equals_torch_in_f32) {
  for (const Case& c : cases()) {
    const Golden expected = golden(c.name);
    const Result result = run(c, expected, DType::kF32, 2);
    // f32 carries 6e-8; sums of up to 200 terms lose at most two digits.
    EXPECT_LE(max_error(result.output, expected.output), 1e-5) << c.name;
    for (size_t i = 0; i < expected.gradients.size(); ++i)
      EXPECT_LE(max_error(result.gradients[i], expected.gradients[i]), 1e-5) << c.name << " gradient " << i;
  }
}

TEST(Ops, every_gradient_equals_finite_differences) {
  for (const Case& c : cases()) {
    const Golden g = golden(c.name);
    const Result result = run(c, g, DType::kF64, 1);
    const Tensor upstream = g.upstream.to(DType::kF64);
    std::vector<Tensor> inputs;
    for (const Tensor& x : g.inputs) inputs.push_back(x.to(DType::kF64));
    for (size_t i = 0; i < inputs.size(); ++i) {
      // Central differences: an error of h^2 from the third derivative and 1e-16 / h from rounding. Large cases are
      // sampled.
      constexpr double kStep = 1e-5;
      const size_t stride = std::max<size_t>(1, inputs[i].elements() / 24);
      for (size_t j = 0; j < inputs[i].elements(); j += stride) {
        double& value = inputs[i].values<double>()[j];
        const double kept = value;
        value = kept + kStep;
        const double above = weighted_output(c, inputs, upstream);
        value = kept - kStep;
        const double below = weighted_output(c, inputs, upstream);
        value = kept;
        const double expected = (above - below) / (2 * kStep), found = result.gradients[i].values<double>()[j];
        ASSERT_NEAR(found, expected, 1e-7 * std::max(1.0, std::abs(expected)))
            << c.name << " input " << i << " element " << j;
      }
    }
  }
}

TEST(Ops, every_op_gives_the_same_bits_for_any_number_of_threads) {
  for (const Case& c : cases()) {
    const Golden g = golden(c.name);
    const Result one = run(c, g, DType::kF32, 1);
    for (int threads : {2, 3, 5}) {
      const Result many = run(c, g, DType::kF32, threads);
      EXPECT_TRUE(tensor::same_bits(one.output, many.output)) << c.name << " with " << threads;
      for (size_t i = 0; i < one.gradients.size(); ++i)
        EXPECT_TRUE(tensor::same_bits(one.gradients[i], many.gradients[i]))
            << c.name << " gradient " << i << " with " << threads;
    }
  }
}

TEST(Ops, a_batch_without_labels_has_loss_and_gradient_zero) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable logits = tape.leaf(Tensor::zeros({2, 3}));
  const Variable loss = cross_entropy(logits, std::vector<int32_t>{kIgnoredLabel, kIgnoredLabel});
  EXPECT_EQ(loss.value().item(), 0);
  tape.backward(loss);
  EXPECT_TRUE(tensor::same_bits(tape.gradient(logits), Tensor::zeros({2, 3})));
}

TEST(Ops, an_expert_that_nobody_chose_gets_gradient_zero_and_equal_scores_choose_the_lower_expert) {
  ThreadTeam team(1);
  Tape tape(team);
  const Routing routing = route(tape.leaf(Tensor::zeros({2, 4})), {.num_used = 2});
  EXPECT_EQ(routing.ends, (std::vector<size_t>{2, 4, 4, 4}));
  EXPECT_EQ(routing.tokens, (std::vector<int32_t>{0, 1, 0, 1}));
  const Variable weight = tape.leaf(Tensor::of({4, 1, 1}, std::vector<float>{1, 2, 3, 4}));
  const Variable rows = embedding(tape.constant(Tensor::of({2, 1}, std::vector<float>{10, 20})), routing.tokens);
  tape.backward(sum(grouped_linear(rows, weight, routing.ends)));
  EXPECT_TRUE(tensor::same_bits(tape.gradient(weight), Tensor::of({4, 1, 1}, std::vector<float>{30, 30, 0, 0})));
}

TEST(Ops, errors_name_the_operation_and_the_shapes) {
  ThreadTeam team(1);
  Tape tape(team);
  const Variable a = tape.leaf(Tensor::zeros({2, 3})), b = tape.leaf(Tensor::zeros({3, 2}));
  const Variable heads = tape.leaf(Tensor::zeros({2, 3, 4})), double_a = tape.leaf(Tensor::zeros({2, 3}, DType::kF64));
  const auto message = [](auto&& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
    return "nothing thrown";
  };
  EXPECT_EQ(message([&] { add(a, b); }), "add: shapes [2, 3] and [3, 2] differ");
  EXPECT_EQ(message([&] { add(a, double_a); }), "add: operands f32 [2, 3] and f64 [2, 3] are of different types");
  EXPECT_EQ(message([&] { add(a, {}); }), "add: an operand is missing");
  EXPECT_EQ(message([&] { linear(a, b); }), "linear: x [2, 3] does not fit weight [3, 2]");
  EXPECT_EQ(message([&] { linear(a, a, b); }), "linear: bias f32 [3, 2] does not fit weight [2, 3]");
  EXPECT_EQ(message([&] { matmul(a, a); }), "matmul: shapes [2, 3] and [2, 3] do not fit");
  EXPECT_EQ(message([&] { rms_norm(a, b, 1e-5); }), "rms_norm: parameter [3, 2] does not fit x [2, 3]");
  EXPECT_EQ(message([&] { embedding(a, std::vector<int32_t>{0, 2}); }), "embedding: id 2 is outside the 2 rows");
  EXPECT_EQ(message([&] { embedding(a, std::vector<int32_t>{-1}); }), "embedding: id -1 is outside the 2 rows");
  EXPECT_EQ(message([&] { attention(heads, heads, a, {}); }),
            "attention: q [2, 3, 4], k [2, 3, 4] and v [2, 3] do not fit");
  EXPECT_EQ(message([&] { attention(heads, heads, heads, {.lengths = {1}}); }),
            "attention: the sequences have 1 tokens, q [2, 3, 4]");
  EXPECT_EQ(message([&] { slice(a, 1, 2, 4); }), "slice: items 2 to 4 of axis 1 of [2, 3]");
  EXPECT_EQ(message([&] { concat({a, b}, 0); }), "concat: shapes [2, 3] and [3, 2] do not fit along axis 0");
  EXPECT_EQ(message([&] { cross_entropy(a, std::vector<int32_t>{0, 3}); }),
            "cross_entropy: label 3 is outside the 3 classes");
  EXPECT_EQ(message([&] { route(a, {.num_used = 4}); }), "route: 4 of 3 experts cannot be used");
  EXPECT_EQ(message([&] { rope(a, std::vector<int32_t>{0, 1}, {}); }),
            "rope: x must be [tokens, heads, dims], not [2, 3]");
}

}  // namespace shenbi::ops
