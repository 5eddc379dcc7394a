// The composition of every family against its reference, and its gradients against finite differences.
#include "models/composed.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "models/fixture.h"
#include "ops/cross_entropy.h"

namespace shenbi::models {
namespace {

using autograd::Tape;
using tensor::DType;
using tensor::Tensor;

class ComposedFamily : public ::testing::TestWithParam<testing::Fixture> {
 protected:
  ComposedDecoder load() const {
    return ComposedDecoder::from(describe(formats::Checkpoint::open(GetParam().model), GetParam().context));
  }
};

/// Mean loss of predicting the next token, in double; with gradients if `gradients` is given.
double loss_of(const ComposedDecoder& decoder, const nn::NamedTensors& weights, std::span<const int32_t> tokens,
               nn::NamedTensors* gradients) {
  ThreadTeam team(1);
  Tape tape(team, {.record = gradients != nullptr});
  const nn::Variables parameters = nn::bind(tape, weights);
  std::vector<int32_t> labels(tokens.begin() + 1, tokens.end());
  labels.push_back(ops::kIgnoredLabel);
  const auto loss = ops::cross_entropy(decoder.forward(parameters, tokens, nn::Sequences::one(tokens.size())), labels);
  if (gradients) {
    tape.backward(loss);
    for (const auto& [name, variable] : parameters) gradients->emplace(name, tape.gradient(variable));
  }
  return loss.value().item();
}

}  // namespace

TEST_P(ComposedFamily, gives_the_logits_of_the_reference) {
  const ComposedDecoder decoder = load();
  ThreadTeam team(2);
  for (const testing::Reference& reference : GetParam().references) {
    std::vector<float> logits;
    decoder.visit_logits(reference.tokens, team, [&](size_t, const Tensor& rows) {
      const auto values = rows.values<float>();
      logits.insert(logits.end(), values.begin(), values.end());
    });
    EXPECT_LE(testing::difference(logits, reference.logits), 1e-5) << reference.tokens.size() << " tokens";
  }
}

// All parameters move at once in one random direction u: the slope of the loss there is the gradient times u, so an
// error in the gradient of any parameter shows. In double, where the difference quotient carries seven digits.
TEST_P(ComposedFamily, gradients_equal_finite_differences) {
  const ComposedDecoder decoder = load();
  const auto tokens = std::span(GetParam().references[0].tokens);
  const Philox random(11);
  constexpr double kStep = 1e-6;
  nn::NamedTensors at, above, below, direction, gradients;
  uint64_t index = 0;
  for (const auto& [name, tensor] : decoder.parameters()) {
    const Tensor middle = tensor.to(DType::kF64);
    Tensor u = middle.clone(), up = middle.clone(), down = middle.clone();
    for (size_t i = 0; i < u.elements(); ++i) {
      const double value = u.values<double>()[i] = random.normal(index++);
      up.values<double>()[i] += kStep * value;
      down.values<double>()[i] -= kStep * value;
    }
    at.emplace(name, middle), direction.emplace(name, u), above.emplace(name, up), below.emplace(name, down);
  }
  loss_of(decoder, at, tokens, &gradients);
  double slope = 0;
  for (const auto& [name, u] : direction)
    for (size_t i = 0; i < u.elements(); ++i) slope += u.values<double>()[i] * gradients.at(name).values<double>()[i];
  const double quotient =
      (loss_of(decoder, above, tokens, nullptr) - loss_of(decoder, below, tokens, nullptr)) / (2 * kStep);
  EXPECT_NEAR(slope, quotient, 1e-6 * std::max(1.0, std::abs(quotient)));
}

INSTANTIATE_TEST_SUITE_P(All, ComposedFamily, ::testing::ValuesIn(testing::all_fixtures()),
                         [](const auto& info) { return info.param.label(); });

}  // namespace shenbi::models
