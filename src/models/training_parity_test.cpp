// A whole model, its gradients and its training against transformers and PyTorch in float64: logits, loss, every
// gradient, and every weight after one and ten steps of AdamW with weight decay, clipping and a schedule.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "autograd/adamw.h"
#include "models/composed.h"
#include "nn/rope.h"
#include "ops/arithmetic.h"
#include "ops/cross_entropy.h"
#include "ops/linear.h"
#include "tensor/testing.h"

namespace shenbi::models {
namespace {

using autograd::AdamW;
using autograd::Tape;
using autograd::Variable;
using tensor::DType;
using tensor::max_error;
using tensor::Tensor;

// The settings of tools/make_training_fixtures.py.
constexpr size_t kBatch = 3, kLength = 12, kSteps = 10;
constexpr double kWeightDecay = 0.1, kMaxNorm = 1.0;
constexpr autograd::AdamWOptions kAdamW = {.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-5};
constexpr autograd::CosineSchedule kSchedule = {
    .peak = 1e-3, .minimum = 1e-4, .warmup_steps = 3, .total_steps = kSteps};

nn::RopeSpec plain_rope(uint32_t dims, double theta) {
  return nn::make_rope({.dims = dims, .theta = theta}, nn::RopeOrder::kHalf);
}

DecoderSpec llama() {
  nn::AttentionSpec attention{.num_heads = 4, .num_kv_heads = 2, .head_dim = 6, .value_dim = 6};
  attention.scale = 1 / std::sqrt(6.0f);
  attention.rope = plain_rope(6, 10000);
  DecoderSpec spec{.architecture = "llama",
                   .vocab_size = 48,
                   .embedding_size = 16,
                   .context_length = 64,
                   .norm = {.epsilon = 1e-5f}};
  spec.layers.assign(2, {.attention = attention, .mlp = {.width = 24}});
  return spec;
}

DecoderSpec gemma3() {
  nn::AttentionSpec local{.num_heads = 2, .num_kv_heads = 1, .head_dim = 8, .value_dim = 8, .window = 4};
  local.scale = 1 / std::sqrt(8.0f);
  local.qk_norm = nn::QkNorm::kPerHead;
  local.rope = plain_rope(8, 10000);
  nn::AttentionSpec global = local;
  global.window = 0;
  global.rope = nn::make_rope({.dims = 8, .theta = 1e6, .scaling = nn::RopeScaling::kLinear, .factor = 8.0},
                              nn::RopeOrder::kHalf);
  DecoderSpec spec{.architecture = "gemma3",
                   .vocab_size = 40,
                   .embedding_size = 16,
                   .context_length = 64,
                   .norm = {.epsilon = 1e-6f}};
  spec.norm_place = NormPlace::kSandwich;
  spec.embedding_scale = 4.0f;
  spec.tied_output = true;
  for (int i = 0; i < 6; ++i)
    spec.layers.push_back(
        {.attention = i == 5 ? global : local, .mlp = {.activation = nn::Activation::kGeluTanh, .width = 12}});
  return spec;
}

struct Golden {
  std::map<std::string, Tensor> all;

  explicit Golden(const std::string& family)
      : all(tensor::read_golden(SHENBI_SOURCE_DIR "/tests/golden/training/" + family + ".safetensors")) {}

  /// Every tensor "<kind>.<parameter>", by parameter.
  nn::NamedTensors named(const std::string& kind, DType dtype) const {
    nn::NamedTensors found;
    for (const auto& [name, tensor] : all)
      if (name.starts_with(kind + ".")) found.emplace(name.substr(kind.size() + 1), tensor.to(dtype).clone());
    return found;
  }
  std::vector<int32_t> integers(const char* name) const {
    const auto values = all.at(name).values<int32_t>();
    return {values.begin(), values.end()};
  }
  double number(const char* name, size_t i) const { return all.at(name).values<double>()[i]; }
};

struct Pass {
  Tensor logits;
  double loss = 0;
  std::vector<Tensor> gradients;  ///< in the order of the parameters
};

Pass run(const ComposedDecoder& decoder, const Golden& golden, ThreadTeam& team) {
  Tape tape(team, {.serial_below = 0});
  const nn::Variables parameters = nn::bind(tape, decoder.parameters());
  const std::vector<size_t> lengths(kBatch, kLength);
  const Variable logits = decoder.forward(parameters, golden.integers("tokens"), nn::Sequences::of(lengths));
  const Variable loss = ops::cross_entropy(logits, golden.integers("labels"));
  tape.backward(loss);
  Pass pass{.logits = logits.value(), .loss = loss.value().item()};
  for (const auto& [name, variable] : parameters) pass.gradients.push_back(tape.gradient(variable));
  return pass;
}

AdamW optimizer_of(const ComposedDecoder& decoder) {
  std::vector<AdamW::Parameter> list;
  for (const auto& [name, tensor] : decoder.parameters())
    list.push_back({tensor, tensor.shape().rank() > 1 ? kWeightDecay : 0.0});
  return AdamW(std::move(list), kAdamW);
}

void expect_weights(const ComposedDecoder& decoder, const Golden& golden, const std::string& kind, double tolerance) {
  for (const auto& [name, expected] : golden.named(kind, DType::kF32))
    EXPECT_LE(max_error(decoder.parameters().at(name), expected), tolerance) << kind << " " << name;
}

/// The whole course. The reference runs in float64. In f32 a number carries 6e-8, sums and ten steps lose two digits;
/// in f64 all that differs is what the spec (scale, epsilon) and the file keep in f32.
void expect_the_same_training(const DecoderSpec& spec, DType dtype) {
  SCOPED_TRACE(fmt::format("{} in {}", spec.architecture, name_of(dtype)));
  const bool exact = dtype == DType::kF64;
  const double tolerance = exact ? 1e-6 : 1e-5, loss_tolerance = exact ? 2e-7 : 5e-6,
               norm_tolerance = exact ? 5e-7 : 1e-5;
  const Golden golden(spec.architecture);
  const ComposedDecoder decoder(spec, golden.named("weight", dtype));
  ThreadTeam team(2);
  AdamW optimizer = optimizer_of(decoder);
  for (size_t step = 0; step < kSteps; ++step) {
    const Pass pass = run(decoder, golden, team);
    const double norm = autograd::gradient_norm(pass.gradients, team);
    EXPECT_NEAR(pass.loss, golden.number("losses", step), loss_tolerance) << "step " << step;
    EXPECT_NEAR(norm / golden.number("norms", step), 1.0, norm_tolerance) << "step " << step;
    if (step == 0) {
      EXPECT_LE(max_error(pass.logits, golden.all.at("logits")), tolerance);
      size_t i = 0;
      for (const auto& [name, tensor] : decoder.parameters())
        EXPECT_LE(max_error(pass.gradients[i++], golden.all.at("gradient." + name)), tolerance) << "gradient " << name;
    }
    optimizer.step(pass.gradients, kSchedule.at(step), autograd::clip_factor(norm, kMaxNorm), team);
    if (step == 0) expect_weights(decoder, golden, "after_1", tolerance);
  }
  expect_weights(decoder, golden, "after_10", tolerance);
}

}  // namespace

TEST(TrainingParity, llama_learns_as_in_torch) {
  expect_the_same_training(llama(), DType::kF32);
  expect_the_same_training(llama(), DType::kF64);
}

TEST(TrainingParity, gemma3_learns_as_in_torch) {
  expect_the_same_training(gemma3(), DType::kF32);
  expect_the_same_training(gemma3(), DType::kF64);
}

TEST(TrainingParity, a_step_gives_the_same_bits_for_any_number_of_threads) {
  for (const DecoderSpec& spec : {llama(), gemma3()}) {
    const Golden golden(spec.architecture);
    const ComposedDecoder decoder(spec, golden.named("weight", DType::kF32));
    ThreadTeam one(1), two(2), three(3, false);
    const Pass expected = run(decoder, golden, one);
    for (ThreadTeam* team : {&two, &three}) {
      const Pass pass = run(decoder, golden, *team);
      EXPECT_TRUE(tensor::same_bits(pass.logits, expected.logits));
      EXPECT_EQ(pass.loss, expected.loss);
      for (size_t i = 0; i < pass.gradients.size(); ++i)
        EXPECT_TRUE(tensor::same_bits(pass.gradients[i], expected.gradients[i]))
            << spec.architecture << " gradient " << i;
    }
  }
}

TEST(TrainingParity, a_sequence_does_not_see_its_neighbours) {
  const Golden golden("gemma3");
  const ComposedDecoder decoder(gemma3(), golden.named("weight", DType::kF32));
  ThreadTeam team(1);
  Tape tape(team, {.record = false});
  const auto parameters = nn::bind(tape, decoder.parameters());
  const std::vector<int32_t> tokens = golden.integers("tokens");
  const std::vector<size_t> lengths = {7, 1, 28};
  const Tensor together = decoder.forward(parameters, tokens, nn::Sequences::of(lengths)).value();
  size_t begin = 0;
  for (size_t length : lengths) {
    const auto own = std::span(tokens).subspan(begin, length);
    const Tensor alone = decoder.forward(parameters, own, nn::Sequences::one(length)).value();
    EXPECT_TRUE(tensor::same_bits(alone, together.rows(begin, begin + length))) << "from " << begin;
    begin += length;
  }
}

// W + B A in the place of W: with B = 0 the loss is that of W, and dB = dW A^T.
TEST(TrainingParity, an_adapter_is_a_weight_bound_to_an_expression) {
  const std::string name = "layers.0.query.weight";
  const Golden golden("llama");
  const ComposedDecoder decoder(llama(), golden.named("weight", DType::kF64));
  const auto tokens = golden.integers("tokens"), labels = golden.integers("labels");
  const std::vector<size_t> lengths(kBatch, kLength);
  ThreadTeam team(1);
  const Pass plain = run(decoder, golden, team);
  Tape tape(team);
  nn::Variables parameters;
  for (const auto& [key, tensor] : decoder.parameters()) parameters.emplace(key, tape.constant(tensor));
  const Variable a = tape.leaf(Tensor::of({1, 16}, std::vector<double>(16, 0.5)));
  const Variable b = tape.leaf(Tensor::zeros({24, 1}, DType::kF64));
  parameters.at(name) = ops::add(parameters.at(name), ops::matmul(b, a));
  const Variable loss = ops::cross_entropy(decoder.forward(parameters, tokens, nn::Sequences::of(lengths)), labels);
  tape.backward(loss);
  EXPECT_EQ(loss.value().item(), plain.loss);
  const auto at = std::distance(decoder.parameters().begin(), decoder.parameters().find(name));
  const auto dw = plain.gradients[static_cast<size_t>(at)].values<double>();
  for (size_t row = 0; row < 24; ++row) {
    double expected = 0;
    for (size_t j = 0; j < 16; ++j) expected += dw[row * 16 + j] * 0.5;
    EXPECT_NEAR(tape.gradient(b).values<double>()[row], expected, 1e-15);  // the same sum of 16 numbers below 0.1
  }
}

TEST(TrainingParity, logits_in_chunks_are_the_logits) {
  const Golden golden("llama");
  const ComposedDecoder decoder(llama(), golden.named("weight", DType::kF32));
  ThreadTeam team(1);
  const std::vector<int32_t> tokens = golden.integers("tokens");
  Tape tape(team, {.record = false});
  const Tensor whole =
      decoder.forward(nn::bind(tape, decoder.parameters()), tokens, nn::Sequences::one(tokens.size())).value();
  size_t next = 0;
  decoder.visit_logits(
      tokens, team,
      [&](size_t row, const Tensor& logits) {
        EXPECT_EQ(row, next);
        next = row + logits.shape()[0];
        EXPECT_TRUE(tensor::same_bits(logits, whole.rows(row, next)));
      },
      5 * 48 * sizeof(float));
  EXPECT_EQ(next, tokens.size());
}

TEST(TrainingParity, a_missing_parameter_is_named) {
  const Golden golden("llama");
  nn::NamedTensors weights = golden.named("weight", DType::kF32);
  weights.erase("layers.1.up.weight");
  const ComposedDecoder decoder(llama(), weights);
  ThreadTeam team(1);
  try {
    decoder.visit_logits(std::vector<int32_t>{1, 2}, team, [](size_t, const Tensor&) {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "parameter 'layers.1.up.weight' is missing");
  }
}

}  // namespace shenbi::models
