#include "nn/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace shenbi::nn {
namespace {

std::optional<double> number(const Json& object, const char* key) {
  if (!object.contains(key) || object[key].is_null()) return std::nullopt;
  return object[key].get<double>();
}

RopeScaling scaling_of(const std::string& type) {
  if (type == "linear") return RopeScaling::kLinear;
  if (type == "dynamic") return RopeScaling::kDynamicNtk;
  if (type == "llama3") return RopeScaling::kLlama3;
  if (type == "yarn") return RopeScaling::kYarn;
  if (type == "longrope") return RopeScaling::kLongrope;
  return RopeScaling::kNone;
}

RopeConfig config_of(const Json& row) {
  const Json& p = row["parameters"];
  RopeConfig config{.dims = row["dims"], .theta = p["rope_theta"], .scaling = scaling_of(p["rope_type"])};
  config.factor = number(p, "factor");
  config.context_length = row["context"];
  config.original_context = p.value("original_max_position_embeddings", config.context_length);
  config.low_frequency_factor = p.value("low_freq_factor", 1.0);
  config.high_frequency_factor = p.value("high_freq_factor", 4.0);
  config.truncate = p.value("truncate", true);
  config.attention_factor = number(p, "attention_factor");
  config.mscale = number(p, "mscale");
  config.mscale_all_dim = number(p, "mscale_all_dim");
  config.short_factors = p.value("short_factor", std::vector<float>{});
  config.long_factors = p.value("long_factor", std::vector<float>{});
  if (const auto used = number(row, "used")) {
    // The reference takes longrope's factor from the whole context and the list from the positions in use.
    if (config.scaling == RopeScaling::kLongrope)
      config.factor = static_cast<double>(config.context_length) / static_cast<double>(config.original_context);
    config.context_length = static_cast<uint64_t>(*used);
  }
  return config;
}

Code error_code(const RopeConfig& config) {
  try {
    make_rope(config, RopeOrder::kHalf);
  } catch (const Error& error) {
    return error.code();
  }
  return Code::kInternal;
}

}  // namespace

TEST(Rope, every_scaling_gives_the_frequencies_of_transformers) {
  const Json golden = read_json_file(SHENBI_SOURCE_DIR "/tests/golden/nn/rope.json", 1 << 20);
  for (const Json& row : golden["cases"]) {
    SCOPED_TRACE(row["name"].get<std::string>());
    const RopeSpec rope = make_rope(config_of(row), RopeOrder::kHalf);
    const auto expected = row["frequencies"].get<std::vector<double>>();
    ASSERT_EQ(rope.inverse_frequencies.size(), expected.size());
    // The reference raises to a power in f32: a few units in the last place (6e-8 each).
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(rope.inverse_frequencies[i] / expected[i], 1.0, 1e-6) << "frequency " << i;
    EXPECT_NEAR(rope.magnitude, row["magnitude"].get<double>(), 1e-6);
  }
}

TEST(Rope, fixed_ntk_grows_the_base_once_and_frequency_factors_divide) {
  RopeConfig config{.dims = 8, .theta = 10000.0, .scaling = RopeScaling::kFixedNtk, .factor = 1000.0};
  const double theta = 10000.0 * std::pow(1000.0, 8.0 / 6.0);
  RopeSpec rope = make_rope(config, RopeOrder::kAdjacent);
  EXPECT_EQ(rope.order, RopeOrder::kAdjacent);
  for (int i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(rope.inverse_frequencies[i], static_cast<float>(std::pow(theta, -2.0 * i / 8.0)));
  config.frequency_factors = {1, 2, 4, 8};
  const RopeSpec divided = make_rope(config, RopeOrder::kAdjacent);
  for (int i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(divided.inverse_frequencies[i] * static_cast<float>(1 << i), rope.inverse_frequencies[i]);
}

TEST(Rope, refuses_numbers_that_make_no_frequencies) {
  const RopeConfig good{.dims = 8, .factor = 2.0, .context_length = 100, .original_context = 10};
  ASSERT_NO_THROW(make_rope(good, RopeOrder::kHalf));
  const auto refused = [&](auto change) {
    RopeConfig config = good;
    change(config);
    return error_code(config) == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](RopeConfig& c) { c.dims = 0; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.dims = 7; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.dims = 1u << 30; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.theta = 0; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.theta = NAN; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kLinear, c.factor = 0.0; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kLinear, c.factor.reset(); }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kYarn, c.original_context = 0; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kYarn, c.beta_fast = -1; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kLlama3, c.high_frequency_factor = 1; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kLongrope, c.long_factors = {1, 2}; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.scaling = RopeScaling::kDynamicNtk, c.dims = 2; }));
  EXPECT_TRUE(refused([](RopeConfig& c) { c.frequency_factors = {1, 2, 3, 0}; }));
}

}  // namespace shenbi::nn
