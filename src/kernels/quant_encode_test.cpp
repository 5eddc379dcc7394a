// One set of tests over every storage type that has an encoder.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "kernels/quant_type.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kColumns = 16384;

/// As tools/make_quant_fixtures.py: the sum of four uniform numbers, standard deviation 0.577.
std::vector<float> bell_shaped() {
  std::vector<float> values(kColumns);
  for (size_t i = 0; i < kColumns; ++i) {
    uint64_t z = (i + 1 + 7) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    const auto sum = static_cast<int64_t>((z & 0xFFFF) + ((z >> 16) & 0xFFFF) + ((z >> 32) & 0xFFFF) + (z >> 48));
    values[i] = static_cast<float>(sum - 131070) / 65536.0f;
  }
  return values;
}

std::vector<std::byte> encode(const QuantType& type, const std::vector<float>& values,
                              const float* importance = nullptr) {
  std::vector<std::byte> bytes(type.row_bytes(values.size()));
  type.encode(values.data(), values.size() / type.block_elements, importance, bytes.data());
  return bytes;
}

std::vector<float> round_trip(const QuantType& type, const std::vector<float>& values,
                              const float* importance = nullptr) {
  const auto bytes = encode(type, values, importance);
  std::vector<float> back(values.size());
  type.decode(bytes.data(), values.size() / type.block_elements, back.data());
  return back;
}

double weighted_error(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& weight) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += weight[i] * (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

double relative_error(const std::vector<float>& values, const std::vector<float>& back) {
  const std::vector<float> ones(values.size(), 1.0f), zeros(values.size(), 0.0f);
  return std::sqrt(weighted_error(values, back, ones) / weighted_error(values, zeros, ones));
}

std::vector<const QuantType*> encoders() {
  std::vector<const QuantType*> types;
  for (const QuantType* type : all_quant_types()) {
    if (type->encode) types.push_back(type);
  }
  return types;
}

uint64_t digest(const std::vector<std::byte>& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += static_cast<uint64_t>(bytes[i]) * (2 * uint64_t{i} + 1);
  return sum;
}

}  // namespace

// What was measured on this input, rounded up by less than 1 %: an encoder may not get worse.
TEST(QuantEncode, stays_within_its_error_on_bell_shaped_weights) {
  const std::map<std::string_view, double> bounds = {
      {"F32", 0.0},      {"F16", 0.00022},   {"BF16", 0.0017},   {"Q4_0", 0.082},  {"Q4_1", 0.0765}, {"Q5_0", 0.0408},
      {"Q5_1", 0.037},   {"Q8_0", 0.0051},   {"Q2_K", 0.254},    {"Q3_K", 0.1392}, {"Q4_K", 0.068},  {"Q5_K", 0.0339},
      {"Q6_K", 0.0162},  {"IQ4_NL", 0.0717}, {"IQ4_XS", 0.0722}, {"TQ1_0", 0.42},  {"TQ2_0", 0.42},  {"MXFP4", 0.1105},
      {"NVFP4", 0.0862}, {"Q1_0", 0.586},    {"Q2_0", 0.348}};
  const std::vector<float> values = bell_shaped();
  ASSERT_EQ(encoders().size(), bounds.size());
  for (const QuantType* type : encoders()) {
    ASSERT_TRUE(bounds.contains(type->name)) << type->name;
    EXPECT_LE(relative_error(values, round_trip(*type, values)), bounds.at(type->name)) << type->name;
  }
}

TEST(QuantEncode, writes_the_bytes_of_the_reference_where_the_encoder_is_a_formula) {
  std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/quant/encode.txt");
  std::string name;
  uint64_t expected;
  size_t rows = 0;
  for (; file >> name >> std::hex >> expected; ++rows) {
    std::vector<float> values = bell_shaped();
    if (name.starts_with("TQ")) {
      for (float& x : values) x = std::fabs(x) < 0.25f ? 0.0f : std::copysign(0.0625f, x);
    }
    EXPECT_EQ(digest(encode(*find_quant_type(name), values)), expected) << name;
  }
  EXPECT_EQ(rows, 7u);
}

TEST(QuantEncode, gives_back_zeros_for_zeros) {
  const std::vector<float> zeros(512, 0.0f);
  for (const QuantType* type : encoders()) EXPECT_EQ(round_trip(*type, zeros), zeros) << type->name;
}

TEST(QuantEncode, gives_back_a_constant_block_to_within_the_rounding_of_its_scales) {
  for (const QuantType* type : encoders()) {
    for (const float constant : {0.03f, -0.03f}) {
      const std::vector<float> values(512, constant);
      // Two f16 roundings (2^-11 each) and a 7-bit k in the worst case (Q6_K); NVFP4 and MXFP4 have only 3 and 0 bits
      // of scale.
      const double bound = type->name == "MXFP4" ? 0.15 : type->name == "NVFP4" ? 0.05 : 0.005;
      EXPECT_LE(relative_error(values, round_trip(*type, values)), bound) << type->name << " of " << constant;
    }
  }
}

TEST(QuantEncode, is_never_worse_than_zeros_however_small_the_weights) {
  for (const QuantType* type : encoders()) {
    for (const float factor : {1e-3f, 1e-5f, 1e-6f, 1e-7f, 1e-9f, 1e-30f, 1e-38f, 1e-39f, 1e-40f, 1e-42f}) {
      std::vector<float> values = bell_shaped();
      for (float& x : values) x *= factor;
      // A little above 1, because the one-formula types round their scale to the nearest f16 without looking at the
      // result; so do Q4_1 and Q5_1 with their minimum, which below 2^-24 may come out twice as large.
      const bool rounds_a_minimum = type->name == "Q4_1" || type->name == "Q5_1";
      EXPECT_LE(relative_error(values, round_trip(*type, values)), rounds_a_minimum ? 2.5 : 1.2)
          << type->name << " at " << factor;
    }
  }
}

TEST(QuantEncode, writes_zeros_for_subnormal_weights_whose_inverse_scale_would_be_infinite) {
  // Found by fuzzing: 0 * infinity became NaN and was cast to an integer.
  std::vector<float> values(256, 0.0f);
  for (size_t i = 1; i < values.size(); i += 2) values[i] = 3e-39f;
  for (const char* name : {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"}) {
    for (const float x : round_trip(*find_quant_type(name), values)) EXPECT_EQ(x, 0.0f) << name;
  }
}

TEST(QuantEncode, takes_nan_for_zero_and_clips_infinities_whatever_stands_around_them) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  for (const QuantType* type : encoders()) {
    if (type->block_elements == 1) continue;  // F16 and BF16 hold NaN and infinity themselves
    std::vector<float> values = bell_shaped(), clean = values;
    for (size_t i = 0; i < values.size(); i += 37) {
      values[i] = kNan;
      clean[i] = 0.0f;
    }
    EXPECT_EQ(encode(*type, values), encode(*type, clean)) << type->name;
    for (size_t i = 5; i < values.size(); i += 61) values[i] = i % 2 ? kInfinity : -kInfinity;
    for (size_t i = 6; i < values.size(); i += 83) values[i] = 3e38f;
    for (const float x : round_trip(*type, values)) ASSERT_TRUE(std::isfinite(x)) << type->name;
    const std::vector<float> only_nan(512, kNan);
    for (const float x : round_trip(*type, only_nan)) ASSERT_EQ(x, 0.0f) << type->name;
  }
}

TEST(QuantEncode, spends_its_precision_where_importance_says) {
  const std::vector<float> values = bell_shaped();
  std::vector<float> importance(kColumns);
  for (size_t i = 0; i < kColumns; ++i) importance[i] = i % 7 == 0 ? 20.0f : 0.1f;
  for (const QuantType* type : encoders()) {
    if (type->block_elements == 1 || type->name == "Q8_0") continue;
    const double without = weighted_error(values, round_trip(*type, values), importance);
    EXPECT_LT(weighted_error(values, round_trip(*type, values, importance.data()), importance), without) << type->name;
  }
}

TEST(QuantEncode, survives_importance_that_is_negative_infinite_nan_or_nothing) {
  const std::vector<float> values = bell_shaped();
  std::vector<float> importance(kColumns, 0.0f);
  for (size_t i = 0; i < kColumns / 2; ++i) {
    importance[i] = i % 4 == 0 ? std::nanf("") : i % 4 == 1 ? -1.0f : i % 4 == 2 ? INFINITY : 1.0f;
  }
  for (const QuantType* type : encoders()) {
    const std::vector<float> back = round_trip(*type, values, importance.data());
    for (const float x : back) ASSERT_TRUE(std::isfinite(x)) << type->name;
    const std::vector<float> rest(values.begin() + kColumns / 2, values.end());
    const std::vector<float> rest_back(back.begin() + kColumns / 2, back.end());
    EXPECT_LE(relative_error(rest, rest_back), 0.7) << type->name;
  }
}

TEST(QuantEncode, loses_nothing_when_what_a_type_holds_is_written_in_it_again) {
  const std::vector<float> values = bell_shaped();
  for (const char* name : {"F16", "BF16", "Q8_0", "MXFP4", "NVFP4", "TQ1_0", "TQ2_0", "Q1_0", "IQ4_NL"}) {
    const QuantType& type = *find_quant_type(name);
    const std::vector<float> once = round_trip(type, values);
    const std::vector<float> twice = round_trip(type, once);
    EXPECT_LE(relative_error(once, twice), 1e-4) << name;
  }
}

}  // namespace shenbi::kernels
