// The bound holds for every panel and every token, whatever the weights, and is the same on every instruction set.

#include "kernels/coarse_matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/random.h"
#include "kernels/isa_guard.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kRows = 200;  // the last panel has eight

struct Weights {
  std::string type;
  size_t columns;

  std::vector<std::byte> blocks(uint64_t seed) const {
    const QuantType& to = *find_quant_type(type);
    const Philox random(seed);
    std::vector<float> values(kRows * columns);
    for (size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i) * (i % 97 == 0 ? 8.0f : 1.0f);
    std::vector<std::byte> out(kRows * to.row_bytes(columns));
    to.encode(values.data(), values.size() / to.block_elements, nullptr, out.data());
    return out;
  }
};

/// As states of models are: a few columns are far larger than the others, and tokens differ in size.
std::vector<float> state(size_t columns, uint64_t index) {
  const Philox random(17, index);
  std::vector<float> x(columns);
  const float size = std::exp2(12 * random.uniform(columns) - 6);
  for (size_t i = 0; i < columns; ++i) x[i] = size * random.normal(i) * (i % 29 == 3 ? 25.0f : 1.0f);
  return x;
}

std::vector<float> energy(size_t columns) {
  std::vector<float> sum(columns);
  for (uint64_t t = 0; t < 32; ++t) {
    const auto x = state(columns, 1'000'000 + t);
    for (size_t i = 0; i < columns; ++i) sum[i] += x[i] * x[i];
  }
  return sum;
}

std::vector<float> bounds(const CoarseMatrix& coarse, const CoarseInput& x) {
  std::vector<float> out((kRows + kPanelRows - 1) / kPanelRows);
  coarse.bound(0, kRows, x, out.data());
  return out;
}

struct Coarse : ::testing::TestWithParam<Weights> {
  ThreadTeam team{2, false};
  std::vector<std::byte> blocks = GetParam().blocks(5);
  const QuantType& type = *find_quant_type(GetParam().type);
  size_t columns = GetParam().columns;
  std::optional<CoarseMatrix> coarse = CoarseMatrix::make(type, blocks.data(), kRows, columns, energy(columns), team);
};

TEST_P(Coarse, no_exact_product_is_above_its_bound) {
  ASSERT_TRUE(coarse);
  const auto exact = PackedMatrix::pack(type, blocks.data(), kRows, columns, Precision::kInt16, team);
  CoarseInput input;
  input.reserve(*coarse);
  Activations activations;
  activations.reserve(1, columns);
  std::vector<float> products(kRows);
  double gap = 0, spread = 0;
  constexpr uint64_t kStates = 2000;
  for (uint64_t t = 0; t < kStates; ++t) {
    const auto x = state(columns, t);
    input.prepare(*coarse, x.data(), exact.form());
    ASSERT_TRUE(input.usable());
    const ActivationBatch batch = activations.batch(1, columns, exact.form());
    Activations::convert(batch, x.data(), columns, 0, 1, 0, columns);
    exact.multiply_rows(0, kRows, batch, products.data(), kRows);
    const auto most = bounds(*coarse, input);
    for (size_t r = 0; r < kRows; ++r) ASSERT_LE(products[r], most[r / kPanelRows]) << "row " << r << ", state " << t;
    for (size_t p = 0; p < most.size(); ++p) {
      const auto end = products.begin() + static_cast<ptrdiff_t>(std::min(kRows, (p + 1) * kPanelRows));
      gap += most[p] - *std::max_element(products.begin() + static_cast<ptrdiff_t>(p * kPanelRows), end);
    }
    spread += *std::max_element(products.begin(), products.end()) - *std::min_element(products.begin(), products.end());
  }
  // Useful, too: far below the range of all products.
  EXPECT_LT(gap / 13, spread / 4);
}

TEST_P(Coarse, every_instruction_set_gives_the_same_bounds_as_scalar_code) {
  CoarseInput input;
  input.reserve(*coarse);
  const auto x = state(columns, 3);
  const auto of = [&](Isa isa) {
    const IsaGuard guard(isa);
    input.prepare(*coarse, x.data(), ActivationForm::kInt16);
    return bounds(*coarse, input);
  };
  const auto truth = of(Isa::kScalar);
  for (const Isa isa : available_isas()) EXPECT_EQ(of(isa), truth) << isa_name(isa);
}

TEST_P(Coarse, kept_parts_give_the_same_bounds_and_damaged_ones_nothing) {
  CoarseInput input;
  input.reserve(*coarse);
  const auto x = state(columns, 4);
  input.prepare(*coarse, x.data(), ActivationForm::kInt16);
  const auto before = bounds(*coarse, input);

  auto parts = coarse->parts();
  const auto owner = std::make_shared<const CoarseMatrix>(*coarse);
  const auto again = CoarseMatrix::restore(parts, owner, kRows, columns);
  ASSERT_TRUE(again);
  EXPECT_EQ(bounds(*again, input), before);

  EXPECT_FALSE(CoarseMatrix::restore(parts, owner, kRows - 16, columns));
  std::vector<std::byte> order(parts[1].begin(), parts[1].end());
  const auto outside = static_cast<uint32_t>(columns);
  std::memcpy(order.data(), &outside, sizeof outside);
  parts[1] = order;
  EXPECT_FALSE(CoarseMatrix::restore(parts, owner, kRows, columns));
}

TEST_P(Coarse, nothing_is_said_about_states_that_are_not_finite) {
  CoarseInput input;
  input.reserve(*coarse);
  for (const float odd : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto x = state(columns, 5);
    x[columns / 2] = odd;
    input.prepare(*coarse, x.data(), ActivationForm::kInt16);
    EXPECT_FALSE(input.usable());
  }
  const auto x = state(columns, 5);
  input.prepare(*coarse, x.data(), ActivationForm::kInt8);
  EXPECT_FALSE(input.usable());
}

INSTANTIATE_TEST_SUITE_P(Types, Coarse,
                         ::testing::Values(Weights{"Q8_0", 640}, Weights{"Q6_K", 256}, Weights{"F16", 96},
                                           Weights{"BF16", 128}, Weights{"F32", 160}),
                         [](const auto& info) { return info.param.type; });

TEST(CoarseMatrix, is_not_made_of_weights_that_are_not_finite_or_of_odd_columns) {
  ThreadTeam team(1, false);
  std::vector<float> values(16 * 96, 1.0f);
  const auto make = [&](size_t columns) {
    const std::vector<float> energy(columns, 1.0f);
    return CoarseMatrix::make(*find_quant_type("F32"), reinterpret_cast<const std::byte*>(values.data()), 16, columns,
                              energy, team);
  };
  EXPECT_TRUE(make(96));
  EXPECT_FALSE(make(32));  // all of them would be strong
  EXPECT_FALSE(make(80));
  values[5] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(make(96));
}

}  // namespace
}  // namespace shenbi::kernels
