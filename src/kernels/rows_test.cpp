#include "kernels/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "kernels/isa_guard.h"

namespace shenbi::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
// Around every boundary of the sixteen lanes and of the four partial sums, and a real width.
constexpr size_t kLengths[] = {1, 2, 15, 16, 17, 31, 63, 64, 65, 80, 127, 128, 200, 640, 1000};

std::vector<float> normals(size_t count, uint64_t seed, float scale = 1.0f) {
  Philox random(seed);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = scale * random.normal(i);
  return values;
}

/// `count` floats from `low` to `high`, evenly.
std::vector<float> ramp(float low, float high, size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = low + (high - low) * static_cast<float>(i) / static_cast<float>(count - 1);
  }
  return values;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Runs `work` on every instruction set, expects the same bits from all, and returns them.
std::vector<float> same_everywhere(const std::function<std::vector<float>()>& work) {
  std::vector<float> scalar;
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    std::vector<float> result = work();
    if (isa == Isa::kScalar)
      scalar = std::move(result);
    else
      EXPECT_TRUE(same_bits(result, scalar)) << isa_name(isa) << " length " << scalar.size();
  }
  return scalar;
}

/// Distance in units of the last place of the wanted f32 value (at least those of the smallest normal).
double ulps(float found, double wanted) {
  const double size = std::max(std::abs(wanted), double{std::numeric_limits<float>::min()});
  return std::abs(found - wanted) / std::ldexp(1.0, std::ilogb(size) - 23);
}

/// Largest value of `error(found, wanted)` of an activation over [low, high].
double worst(RowActivation kind, float low, float high, double (*exact)(double), double (*error)(float, double)) {
  const std::vector<float> x = ramp(low, high, 200'001);
  std::vector<float> out(x.size());
  activate(kind, x.data(), x.size(), out.data());
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, error(out[i], exact(x[i])));
  return largest;
}

double exact_gelu_tanh(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double exact_gelu_erf(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double exact_silu(double x) { return x / (1 + std::exp(-x)); }
double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double exact_tanh(double x) { return std::tanh(x); }
double absolute(float found, double wanted) { return std::abs(found - wanted); }
double relative(float found, double wanted) { return wanted == 0 ? std::abs(found) : std::abs(found / wanted - 1); }

}  // namespace

TEST(Rows, exp_is_within_1_2_ulp_and_saturates) {
  const std::vector<float> x = ramp(-86.6f, 88.7f, 400'001);
  const std::vector<float> out = same_everywhere([&] {
    std::vector<float> result(x.size());
    exp(x.data(), x.size(), result.data());
    return result;
  });
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, ulps(out[i], std::exp(double{x[i]})));
  EXPECT_LT(largest, 1.2);

  const std::vector<float> edges = {-kInfinity, -1000, -86.65f, 0, -0.0f, 88.72f, 89, 1000, kInfinity, kNan};
  const std::vector<float> at = same_everywhere([&] {
    std::vector<float> result(edges.size());
    exp(edges.data(), edges.size(), result.data());
    return result;
  });
  EXPECT_EQ(at[0], 0);
  EXPECT_EQ(at[1], 0);
  EXPECT_EQ(at[2], 0);
  EXPECT_EQ(at[3], 1);
  EXPECT_EQ(at[4], 1);
  EXPECT_LT(at[5], kInfinity);
  EXPECT_EQ(at[6], kInfinity);
  EXPECT_EQ(at[7], kInfinity);
  EXPECT_EQ(at[8], kInfinity);
  EXPECT_TRUE(std::isnan(at[9]));
}

TEST(Rows, activations_are_close_to_the_exact_functions) {
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    EXPECT_LT(worst(RowActivation::kTanh, -12, 12, exact_tanh, ulps), 3);
    EXPECT_LT(worst(RowActivation::kSigmoid, -80, 80, exact_sigmoid, ulps), 3);
    EXPECT_LT(worst(RowActivation::kSilu, -80, 80, exact_silu, ulps), 3);
    EXPECT_LT(worst(RowActivation::kGeluErf, -10, 10, exact_gelu_erf, absolute), 5e-7);
    EXPECT_LT(worst(RowActivation::kGeluErf, -10, 10, exact_gelu_erf, relative), 1e-6);
    // Relatively, gelu by tanh is as exact as its cubic argument, which grows to 100 at -12: f32 keeps 1e-5 of exp.
    EXPECT_LT(worst(RowActivation::kGeluTanh, -10, 10, exact_gelu_tanh, absolute),
              6e-7);  // half an ulp of 10 is 4.8e-7
    EXPECT_LT(worst(RowActivation::kGeluTanh, -5, 10, exact_gelu_tanh, relative), 5e-6);
  }
}

TEST(Rows, activations_at_the_edges_of_f32) {
  const std::vector<float> x = {-kInfinity, -1e30f, -200, -0.0f, 0, 200, 1e30f, kInfinity, kNan};
  for (const auto kind : {RowActivation::kSilu, RowActivation::kGeluErf, RowActivation::kGeluTanh, RowActivation::kRelu,
                          RowActivation::kReluSquared, RowActivation::kSigmoid, RowActivation::kTanh}) {
    const std::vector<float> out = same_everywhere([&] {
      std::vector<float> result(x.size());
      activate(kind, x.data(), x.size(), result.data());
      for (float& value : result) {
        if (std::isnan(value)) value = kNan;  // which NaN is not promised
      }
      return result;
    });
    EXPECT_TRUE(std::isnan(out.back()));
    if (kind == RowActivation::kTanh || kind == RowActivation::kSigmoid) continue;
    EXPECT_EQ(out[1], 0);
    EXPECT_EQ(out[2], 0);
    EXPECT_EQ(out[3], 0);
    EXPECT_EQ(out[4], 0);
    EXPECT_EQ(out[5], kind == RowActivation::kReluSquared ? 40'000.0f : 200.0f);
  }
}

TEST(Rows, gated_activation_is_the_activation_times_up) {
  for (const size_t n : kLengths) {
    const std::vector<float> gate = normals(n, 1, 3), up = normals(n, 2);
    for (const auto kind : {RowActivation::kSilu, RowActivation::kGeluErf, RowActivation::kGeluTanh,
                            RowActivation::kRelu, RowActivation::kReluSquared}) {
      const std::vector<float> out = same_everywhere([&] {
        std::vector<float> result(n);
        activate_gated(kind, gate.data(), up.data(), n, result.data());
        return result;
      });
      std::vector<float> wanted(n);
      activate(kind, gate.data(), n, wanted.data());
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], wanted[i] * up[i]);
    }
  }
}

TEST(Rows, rms_norm_follows_the_formula) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = normals(3 * (n + 2), 1, 2), weight = normals(n, 2);
    for (const float* w : {weight.data(), static_cast<const float*>(nullptr)}) {
      const std::vector<float> out = same_everywhere([&] {
        std::vector<float> result(3 * n);
        rms_norm(x.data(), n + 2, 3, n, w, 1e-5f, result.data(), n);
        return result;
      });
      for (size_t r = 0; r < 3; ++r) {
        double squares = 0;
        for (size_t i = 0; i < n; ++i) squares += double{x[r * (n + 2) + i]} * x[r * (n + 2) + i];
        for (size_t i = 0; i < n; ++i) {
          const double wanted = x[r * (n + 2) + i] / std::sqrt(squares / n + 1e-5f) * (w == nullptr ? 1 : w[i]);
          // Five roundings of half an ulp, and a sum of n / 64 terms a partial.
          ASSERT_NEAR(out[r * n + i], wanted, 1e-6 * (1 + std::abs(wanted)));
        }
      }
    }
  }
}

TEST(Rows, layer_norm_follows_the_formula) {
  for (const size_t n : kLengths) {
    std::vector<float> x = normals(n, 1, 2);
    for (float& value : x) value += 5;  // a mean that is not small
    const std::vector<float> weight = normals(n, 2), bias = normals(n, 3);
    for (const bool affine : {true, false}) {
      const std::vector<float> out = same_everywhere([&] {
        std::vector<float> result(n);
        layer_norm(x.data(), n, 1, n, affine ? weight.data() : nullptr, affine ? bias.data() : nullptr, 1e-5f,
                   result.data(), n);
        return result;
      });
      const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
      double squares = 0;
      for (const float value : x) squares += (value - mean) * (value - mean);
      for (size_t i = 0; i < n; ++i) {
        double wanted = (x[i] - mean) / std::sqrt(squares / n + 1e-5f);
        if (affine) wanted = wanted * weight[i] + bias[i];
        // n = 1: the deviation is 0 but for the rounding of the mean, divided by sqrt(1e-5).
        ASSERT_NEAR(out[i], wanted, 3e-6 * (1 + std::abs(wanted)));
      }
    }
  }
}

TEST(Rope, turns_pairs_by_position_times_frequency_in_both_orders) {
  for (const size_t dims : {2u, 6u, 32u, 64u, 70u, 96u, 256u}) {
    std::vector<float> frequencies(dims / 2);
    for (size_t i = 0; i < frequencies.size(); ++i) frequencies[i] = std::pow(10000.0f, -2.0f * i / dims);
    RopeTable table(frequencies, 1.25f);
    table.reserve(1003);
    const size_t head_dim = dims + 10, heads = 2, rows = 3, first = 1000;
    const std::vector<float> x = normals(rows * heads * head_dim, dims);
    for (const RopePairs pairs : {RopePairs::kHalf, RopePairs::kAdjacent}) {
      const std::vector<float> out = same_everywhere([&] {
        std::vector<float> result = x;
        rope(result.data(), heads * head_dim, rows, heads, head_dim, table, pairs, first);
        return result;
      });
      for (size_t row = 0; row < rows * heads; ++row) {
        const float* in = x.data() + row * head_dim;
        const float* found = out.data() + row * head_dim;
        for (size_t i = 0; i < dims / 2; ++i) {
          const size_t a = pairs == RopePairs::kHalf ? i : 2 * i,
                       b = pairs == RopePairs::kHalf ? i + dims / 2 : 2 * i + 1;
          const double angle = double(first + row / heads) * frequencies[i];
          ASSERT_NEAR(found[a], 1.25 * (in[a] * std::cos(angle) - in[b] * std::sin(angle)), 2e-6);
          ASSERT_NEAR(found[b], 1.25 * (in[b] * std::cos(angle) + in[a] * std::sin(angle)), 2e-6);
        }
        for (size_t i = dims; i < head_dim; ++i) ASSERT_EQ(found[i], in[i]);
      }
    }
  }
}

TEST(Rope, table_grows_without_changing_what_it_held) {
  RopeTable table({1.0f, 0.01f, 0.0001f}, 1.0f);
  table.reserve(10);
  const std::vector<float> before(table.cos(9), table.cos(9) + 3);
  EXPECT_EQ(table.size(), 10u);
  table.reserve(11);
  EXPECT_EQ(table.size(), 20u);
  EXPECT_EQ(std::vector<float>(table.cos(9), table.cos(9) + 3), before);
  EXPECT_EQ(table.cos(0)[1], 1.0f);
  EXPECT_EQ(table.sin(0)[1], 0.0f);
}

TEST(Rows, element_wise_kernels_do_what_they_say_at_every_length) {
  for (const size_t n : kLengths) {
    const std::vector<float> a = normals(n, 1), b = normals(n, 2);
    const auto check = [&](const std::function<void(float*)>& work, const std::function<double(size_t)>& wanted,
                           double tolerance) {
      const std::vector<float> out = same_everywhere([&] {
        std::vector<float> result(n + 1, 77.0f);
        work(result.data());
        return result;
      });
      for (size_t i = 0; i < n; ++i) ASSERT_NEAR(out[i], wanted(i), tolerance);
      ASSERT_EQ(out[n], 77.0f);  // nothing is written behind the end
    };
    check([&](float* out) { add(a.data(), b.data(), n, out); }, [&](size_t i) { return a[i] + b[i]; }, 0);
    check([&](float* out) { multiply(a.data(), b.data(), n, out); }, [&](size_t i) { return a[i] * b[i]; }, 0);
    check([&](float* out) { scale(a.data(), 0.3f, n, out); }, [&](size_t i) { return a[i] * 0.3f; }, 0);
    check([&](float* out) { add_scaled(a.data(), b.data(), 0.3f, n, out); },
          [&](size_t i) { return std::fmaf(b[i], 0.3f, a[i]); }, 0);
    check([&](float* out) { softcap(a.data(), 2.0f, n, out); }, [&](size_t i) { return 2 * std::tanh(a[i] / 2.0); },
          5e-7);
  }
}

TEST(Rows, works_in_place) {
  std::vector<float> x = normals(100, 1), y = x;
  activate(RowActivation::kSilu, x.data(), 100, y.data());
  activate(RowActivation::kSilu, x.data(), 100, x.data());
  EXPECT_EQ(x, y);
  rms_norm(x.data(), 50, 2, 50, nullptr, 1e-6f, y.data(), 50);
  rms_norm(x.data(), 50, 2, 50, nullptr, 1e-6f, x.data(), 50);
  EXPECT_EQ(x, y);
}

TEST(Rows, softmax_and_log_softmax_agree_with_double) {
  for (const size_t n : kLengths) {
    std::vector<float> x = normals(n, n, 10);
    if (n > 2) x[n / 2] = -kInfinity;
    const double largest = *std::max_element(x.begin(), x.end());
    double total = 0;
    for (const float value : x) total += std::exp(value - largest);
    const std::vector<float> out = same_everywhere([&] {
      std::vector<float> result(2 * n + 1);
      softmax(x.data(), n, result.data());
      log_softmax(x.data(), n, result.data() + n);
      result[2 * n] = log_sum_exp(x.data(), n);
      return result;
    });
    for (size_t i = 0; i < n; ++i) {
      const double wanted = std::exp(x[i] - largest) / total;
      ASSERT_NEAR(out[i], wanted, 5e-6 * wanted + 1e-37);  // x - max, up to 64, is off by up to 2e-6
      if (std::isfinite(x[i]))
        ASSERT_NEAR(out[n + i], x[i] - largest - std::log(total), 5e-6);
      else
        ASSERT_EQ(out[n + i], -kInfinity);
    }
    ASSERT_NEAR(out[2 * n], largest + std::log(total), 3e-6);
  }
}

TEST(Rows, sum_and_max_at_every_length) {
  for (const size_t n : kLengths) {
    const std::vector<float> x = normals(n, n);
    const std::vector<float> out = same_everywhere([&] { return std::vector{sum(x.data(), n), max(x.data(), n)}; });
    EXPECT_NEAR(out[0], std::accumulate(x.begin(), x.end(), 0.0), 1e-5);
    EXPECT_EQ(out[1], *std::max_element(x.begin(), x.end()));
  }
}

TEST(Argmax, gives_the_lowest_of_equals_and_passes_over_nan) {
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    for (const size_t n : {1u, 5u, 16u, 4096u, 4097u, 20'000u}) {
      std::vector<float> x = normals(n, n);
      EXPECT_EQ(argmax(x.data(), n), static_cast<size_t>(std::max_element(x.begin(), x.end()) - x.begin()));
      x[n - 1] = x[n / 2] = 100;
      if (n > 2) x[0] = kNan;
      EXPECT_EQ(argmax(x.data(), n), n / 2);
    }
    const std::vector<float> nothing = {kNan, -kInfinity, -kInfinity}, nan = {kNan, kNan};
    EXPECT_EQ(argmax(nothing.data(), 3), 1u);
    EXPECT_EQ(argmax(nan.data(), 2), 0u);
  }
}

TEST(TopK, equals_a_sort_by_score_and_index) {
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    std::vector<Scored> found;
    for (const size_t n : {1u, 10u, 1000u, 50'000u}) {
      std::vector<float> x = normals(n, n);
      for (float& value : x) value = std::round(value * 64) / 64;  // many equals
      std::vector<uint32_t> order(n);
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return x[a] > x[b]; });
      for (const size_t k : {size_t{0}, size_t{1}, size_t{40}, size_t{300}, n, n + 5}) {
        top_k(x.data(), n, k, found);
        ASSERT_EQ(found.size(), std::min(k, n));
        for (size_t i = 0; i < found.size(); ++i) {
          ASSERT_EQ(found[i].index, order[i]);
          ASSERT_EQ(found[i].score, x[order[i]]);
        }
      }
    }
  }
}

TEST(TopK, takes_nan_for_minus_infinity_and_copes_with_all_equal) {
  std::vector<Scored> found;
  std::vector<float> x(30'000, kNan);
  x[777] = -1;
  x[20'000] = -kInfinity;
  top_k(x.data(), x.size(), 3, found);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].index, 777u);
  EXPECT_EQ(found[1].index, 0u);
  EXPECT_EQ(found[1].score, -kInfinity);
  std::fill(x.begin(), x.end(), 2.0f);
  top_k(x.data(), x.size(), 4, found);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(found[i].index, i);
}

}  // namespace shenbi::kernels
