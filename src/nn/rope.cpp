#include "nn/rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::nn {
namespace {

double require_positive(double value, const char* field) {
  if (!(value > 0) || !std::isfinite(value))
    throw Error(Code::kInvalidArgument, fmt::format("rope: {} must be a positive number, not {}", field, value));
  return value;
}

double required_factor(const RopeConfig& config) {
  if (!config.factor) throw Error(Code::kInvalidArgument, "rope: this scaling needs a factor, the config has none");
  return require_positive(*config.factor, "factor");
}

double original_context(const RopeConfig& config) {
  return require_positive(static_cast<double>(config.original_context), "original_context");
}

/// YaRN and longrope: the stated factor, or how much longer the context has become.
double extension(const RopeConfig& config) {
  if (config.factor) return require_positive(*config.factor, "factor");
  return require_positive(static_cast<double>(config.context_length), "context_length") / original_context(config);
}

/// theta^(-2i / dims)
std::vector<double> plain_frequencies(double theta, uint32_t dims) {
  std::vector<double> frequencies(dims / 2);
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dims));
  return frequencies;
}

/// NTK-aware: a larger base stretches long waves by `ratio` and leaves the shortest alone.
std::vector<double> ntk_frequencies(const RopeConfig& config, double ratio) {
  if (config.dims <= 2) throw Error(Code::kInvalidArgument, fmt::format("rope: NTK scaling of {} dims", config.dims));
  const double dims = config.dims;
  const double theta = config.theta * std::pow(require_positive(ratio, "factor"), dims / (dims - 2.0));
  return plain_frequencies(require_positive(theta, "theta"), config.dims);
}

std::vector<double> dynamic_ntk(const RopeConfig& config) {
  const double factor = required_factor(config), original = original_context(config);
  const double used = std::max(static_cast<double>(config.context_length), original);
  return ntk_frequencies(config, factor * used / original - (factor - 1.0));
}

std::vector<double> llama3(const RopeConfig& config) {
  const double factor = required_factor(config), original = original_context(config);
  const double low = require_positive(config.low_frequency_factor, "low_frequency_factor");
  const double high = require_positive(config.high_frequency_factor, "high_frequency_factor");
  if (high <= low)
    throw Error(Code::kInvalidArgument,
                fmt::format("rope: high_frequency_factor {} must exceed low_frequency_factor {}", high, low));
  auto frequencies = plain_frequencies(config.theta, config.dims);
  for (double& frequency : frequencies) {
    const double turns = original * frequency / (2.0 * std::numbers::pi);  // over the original context
    const double keep = std::clamp((turns - low) / (high - low), 0.0, 1.0);
    frequency *= keep + (1.0 - keep) / factor;
  }
  return frequencies;
}

std::vector<double> yarn(const RopeConfig& config) {
  const double factor = extension(config), original = original_context(config), dims = config.dims;
  // The dim whose wave makes `turns` turns over the original context.
  const auto dim_of = [&](double turns) {
    return dims * std::log(original / (turns * 2.0 * std::numbers::pi)) / (2.0 * std::log(config.theta));
  };
  double low = dim_of(require_positive(config.beta_fast, "beta_fast"));
  double high = dim_of(require_positive(config.beta_slow, "beta_slow"));
  if (config.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, dims - 1.0);
  if (low == high) high += 0.001;  // as the reference: a step instead of a division by zero

  auto frequencies = plain_frequencies(config.theta, config.dims);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double interpolate = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= interpolate / factor + (1.0 - interpolate);
  }
  return frequencies;
}

double yarn_magnitude(const RopeConfig& config) {
  if (config.attention_factor) return *config.attention_factor;
  const double factor = extension(config);
  const auto mscale = [&](double scale) { return factor <= 1.0 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0; };
  const double above = config.mscale.value_or(0), below = config.mscale_all_dim.value_or(0);
  return above != 0 && below != 0 ? mscale(above) / mscale(below) : mscale(1.0);
}

void divide(std::vector<double>& frequencies, const std::vector<float>& factors, const char* field) {
  if (factors.size() != frequencies.size())
    throw Error(Code::kInvalidArgument,
                fmt::format("rope: {} has {} numbers, {} are needed", field, factors.size(), frequencies.size()));
  for (size_t i = 0; i < factors.size(); ++i) frequencies[i] /= require_positive(factors[i], field);
}

std::vector<double> longrope(const RopeConfig& config) {
  auto frequencies = plain_frequencies(config.theta, config.dims);
  const bool is_long = config.context_length > config.original_context;
  divide(frequencies, is_long ? config.long_factors : config.short_factors, is_long ? "long_factors" : "short_factors");
  return frequencies;
}

double longrope_magnitude(const RopeConfig& config) {
  if (config.attention_factor) return *config.attention_factor;
  const double factor = extension(config);
  return factor <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(factor) / std::log(original_context(config)));
}

std::vector<double> scaled_frequencies(const RopeConfig& config) {
  switch (config.scaling) {
    case RopeScaling::kNone:
      return plain_frequencies(config.theta, config.dims);
    case RopeScaling::kLinear: {
      auto frequencies = plain_frequencies(config.theta, config.dims);
      for (double& frequency : frequencies) frequency /= required_factor(config);
      return frequencies;
    }
    case RopeScaling::kDynamicNtk:
      return dynamic_ntk(config);
    case RopeScaling::kFixedNtk:
      return ntk_frequencies(config, required_factor(config));
    case RopeScaling::kLlama3:
      return llama3(config);
    case RopeScaling::kYarn:
      return yarn(config);
    case RopeScaling::kLongrope:
      return longrope(config);
  }
  throw Error(Code::kInternal, "rope: unknown scaling");
}

double magnitude(const RopeConfig& config) {
  if (config.scaling == RopeScaling::kYarn) return yarn_magnitude(config);
  if (config.scaling == RopeScaling::kLongrope) return longrope_magnitude(config);
  return 1.0;
}

}  // namespace

RopeSpec make_rope(const RopeConfig& config, RopeOrder order) {
  if (config.dims == 0 || config.dims % 2 != 0 || config.dims > limits::kMaxHeadDim)
    throw Error(Code::kInvalidArgument,
                fmt::format("rope: dims must be even and at most {}, not {}", limits::kMaxHeadDim, config.dims));
  if (require_positive(config.theta, "theta") <= 1.0)
    throw Error(Code::kInvalidArgument, fmt::format("rope: theta must exceed 1, not {}", config.theta));

  auto frequencies = scaled_frequencies(config);
  if (!config.frequency_factors.empty()) divide(frequencies, config.frequency_factors, "frequency_factors");

  RopeSpec spec{.order = order, .dims = config.dims};
  spec.magnitude = static_cast<float>(require_positive(magnitude(config), "attention_factor"));
  spec.inverse_frequencies.assign(frequencies.begin(), frequencies.end());
  for (float frequency : spec.inverse_frequencies)
    if (!std::isfinite(frequency) || frequency < 0)
      throw Error(Code::kInvalidArgument, fmt::format("rope: the numbers give a frequency of {}", frequency));
  return spec;
}

}  // namespace shenbi::nn
