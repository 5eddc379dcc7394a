#pragma once
// Finding the scales of a block: what every encoder that is more than one formula shares.
//
// Given weights x and how much each error counts (c), an encoder looks for integers and scales that make
// sum c * (x - decoded)^2 small. Rounding is exact once the scales are known, and the scales are a least-squares
// problem once the integers are known; so the search tries a few starting scales, alternates between the two, and keeps
// the best. In super-blocks the scales themselves become small integers k (and minima l) under one f16 scale: there k
// and l are chosen among the neighbours of their rounded value by the error that results, and the f16 scale is fitted
// again to the integers that came out.
//
// Without importance every error counts the same, so that the mean squared error is what is made small.
//
// Loops run over four lanes of GCC's vector extension (SSE2 and NEON have them), which also fixes the order of
// summation.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "base/float16.h"

namespace shenbi::kernels {

/// Weights beyond this are clipped: the largest that Q8_0 holds is 65504 * 127, just below. No network comes near.
inline constexpr float kLargestWeight = 0x1p23f;

/// The floats of one block made safe: NaN is 0, infinities and giants are clipped; and what each error counts.
/// Importance that is negative or NaN counts as 0; a block in which nothing counts is treated as if there were none.
template <size_t N>
struct CleanBlock {
  alignas(16) float x[N];
  alignas(16) float c[N];

  CleanBlock(const float* in, const float* importance) noexcept {
    float sum = 0.0f;
    for (size_t i = 0; i < N; ++i) {
      const float value = std::isnan(in[i]) ? 0.0f : in[i];
      x[i] = std::clamp(value, -kLargestWeight, kLargestWeight);
      c[i] = importance && importance[i] > 0.0f ? std::min(importance[i], 0x1p40f) : 0.0f;
      sum += c[i];
    }
    if (!(sum > 0.0f)) std::fill(c, c + N, 1.0f);
  }
};

/// f32 -> f16 for scales: saturates where rounding would give infinity.
inline uint16_t to_f16_scale(float value) noexcept { return f32_to_f16(std::clamp(value, -65504.0f, 65504.0f)); }

/// The same, but a scale that is not zero stays so: 2^-24 is the smallest f16.
inline uint16_t to_f16_scale_nonzero(float value) noexcept {
  const uint16_t half = to_f16_scale(value);
  return value != 0.0f && (half & 0x7FFF) == 0 ? static_cast<uint16_t>(half | 1) : half;
}

// --- four lanes ---

using Lanes = float __attribute__((vector_size(16)));

inline Lanes load_lanes(const float* from) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
inline Lanes splat(float value) noexcept { return Lanes{value, value, value, value}; }
inline float sum_lanes(Lanes v) noexcept { return (v[0] + v[2]) + (v[1] + v[3]); }

/// Nearest integer, ties to even, for |v| < 2^22: the float unit rounds when the sum leaves no bits below one.
inline Lanes round_lanes(Lanes v) noexcept {
  const Lanes magic = splat(0x1.8p23f);
  return (v + magic) - magic;
}
inline Lanes clamp_lanes(Lanes v, Lanes low, Lanes high) noexcept {
  v = v < low ? low : v;
  return v > high ? high : v;
}

// --- what integers may be: low, low + 1, ..., high ---

struct UniformLevels {
  float low, high;
  Lanes nearest(Lanes v) const noexcept { return round_lanes(clamp_lanes(v, splat(low), splat(high))); }
};

// --- or a list of N ascending integers ---

template <size_t N>
struct ListedLevels {
  int8_t level[N];
  float low = level[0], high = level[N - 1];
  /// Climbs from the lowest level, one step for each middle between two levels that lies at or below v.
  Lanes nearest(Lanes v) const noexcept {
    Lanes result = splat(low);
    for (size_t i = 0; i + 1 < N; ++i) {
      const Lanes middle = splat(0.5f * static_cast<float>(level[i] + level[i + 1]));
      result += v >= middle ? splat(static_cast<float>(level[i + 1] - level[i])) : splat(0.0f);
    }
    return result;
  }
};

/// What a scale achieves on a group: the sums that least squares needs, and the error.
struct Fit {
  float xq = 0, qq = 0, error = 0;
};

/// 1 / scale, or 0 (all weights become the level nearest to 0) where that would not be finite.
inline float inverse_scale(float scale) noexcept { return std::fabs(scale) > 0x1p-120f ? 1.0f / scale : 0.0f; }

/// Rounds x / scale to `levels`; the integers go to `q` unless it is null.
template <class Levels>
Fit round_group(const float* x, const float* c, size_t n, float scale, const Levels& levels,
                int8_t* q = nullptr) noexcept {
  const Lanes inverse = splat(inverse_scale(scale)), step = splat(scale);
  Lanes xq{}, qq{}, error{};
  for (size_t i = 0; i < n; i += 4) {
    const Lanes value = load_lanes(x + i), count = load_lanes(c + i);
    const Lanes level = levels.nearest(value * inverse);
    const Lanes rest = value - step * level, weighted = count * level;
    xq += weighted * value;
    qq += weighted * level;
    error += count * rest * rest;
    if (q) {
      for (size_t j = 0; j < 4; ++j) q[i + j] = static_cast<int8_t>(level[j]);
    }
  }
  return {sum_lanes(xq), sum_lanes(qq), sum_lanes(error)};
}

/// The scale that makes the group's error small. `full` is the level onto which the largest weight is laid at first,
/// and `reach` how far around that the search goes, in levels.
template <class Levels>
float fit_scale(const float* x, const float* c, size_t n, const Levels& levels, float reach, int steps) noexcept {
  float largest = 0.0f;
  for (size_t i = 0; i < n; ++i) largest = std::fabs(x[i]) > std::fabs(largest) ? x[i] : largest;
  if (largest == 0.0f) return 0.0f;
  float best_scale = 0.0f, best_error = std::numeric_limits<float>::infinity();
  for (const float end : {levels.low, levels.high}) {
    for (int step = -steps; step <= steps; ++step) {
      float scale = largest / (end + reach * static_cast<float>(step) / static_cast<float>(steps));
      for (int round = 0; round < 2; ++round) {
        const Fit fit = round_group(x, c, n, scale, levels);
        if (fit.error < best_error) {
          best_error = fit.error;
          best_scale = scale;
        }
        if (!(fit.qq > 0.0f)) break;
        scale = fit.xq / fit.qq;
      }
    }
  }
  return best_scale;
}

// --- super-blocks without minima: w = d * k[g] * q[i] ---

template <size_t Groups, size_t Size>
struct ScaledBlock {
  uint16_t d = 0;
  int8_t k[Groups] = {};
  int8_t q[Groups * Size] = {};
};

/// One pass over the groups: k[g] becomes the best neighbour of scale[g] / d. Returns the d that least squares would
/// choose for the integers found, or 0 if there is nothing to fit.
template <size_t Groups, size_t Size, class Levels>
float choose_group_scales(const CleanBlock<Groups * Size>& block, const float* scale, int k_low, int k_high,
                          const Levels& levels, float& total_error, ScaledBlock<Groups, Size>& to) noexcept {
  const float d = f16_to_f32(to.d);
  double xq = 0, qq = 0;
  total_error = 0;
  for (size_t g = 0; g < Groups; ++g) {
    const float* x = block.x + g * Size;
    const float* c = block.c + g * Size;
    const int middle = d != 0.0f ? static_cast<int>(std::lround(std::clamp(scale[g] / d, -200.0f, 200.0f))) : 0;
    float best = std::numeric_limits<float>::infinity();
    Fit best_fit;
    for (int k = std::clamp(middle - 1, k_low, k_high); k <= std::clamp(middle + 1, k_low, k_high); ++k) {
      const Fit fit = round_group(x, c, Size, d * static_cast<float>(k), levels);
      if (fit.error < best) {
        best = fit.error;
        best_fit = fit;
        to.k[g] = static_cast<int8_t>(k);
      }
    }
    total_error += best;
    xq += double{best_fit.xq} * to.k[g];
    qq += double{best_fit.qq} * to.k[g] * to.k[g];
  }
  return qq > 0 ? static_cast<float>(xq / qq) : 0.0f;
}

/// Fits a whole super-block. The group with the largest scale starts at k_low, which is the end that reaches farther.
template <size_t Groups, size_t Size, class Levels>
ScaledBlock<Groups, Size> fit_scaled_block(const CleanBlock<Groups * Size>& block, const Levels& levels, float reach,
                                           int steps, int k_low, int k_high) noexcept {
  float scale[Groups], largest = 0.0f;
  for (size_t g = 0; g < Groups; ++g) {
    scale[g] = fit_scale(block.x + g * Size, block.c + g * Size, Size, levels, reach, steps);
    largest = std::fabs(scale[g]) > std::fabs(largest) ? scale[g] : largest;
  }
  ScaledBlock<Groups, Size> best, trial;
  if (largest == 0.0f) return best;
  float best_error = std::numeric_limits<float>::infinity();
  trial.d = to_f16_scale_nonzero(largest / static_cast<float>(k_low));
  for (int round = 0; round < 3; ++round) {
    float error;
    const float refitted = choose_group_scales(block, scale, k_low, k_high, levels, error, trial);
    if (error < best_error) {
      best_error = error;
      best = trial;
    }
    const uint16_t next = to_f16_scale_nonzero(refitted);
    if (next == trial.d || refitted == 0.0f) break;
    trial.d = next;
  }
  for (size_t g = 0; g < Groups; ++g) {
    round_group(block.x + g * Size, block.c + g * Size, Size, f16_to_f32(best.d) * best.k[g], levels,
                best.q + g * Size);
  }
  return best;
}

// --- groups with a minimum: w = scale * q - min, q in 0 .. top ---

struct Affine {
  float scale = 0, min = 0;
};

/// The sums of least squares for both terms.
struct AffineFit {
  float c = 0, x = 0, q = 0, xq = 0, qq = 0, error = 0;
};

inline AffineFit round_affine(const float* x, const float* c, size_t n, Affine affine, float top,
                              uint8_t* q = nullptr) noexcept {
  const Lanes inverse = splat(inverse_scale(affine.scale));
  const Lanes step = splat(affine.scale), min = splat(affine.min);
  Lanes sum_c{}, sum_x{}, sum_q{}, sum_xq{}, sum_qq{}, error{};
  for (size_t i = 0; i < n; i += 4) {
    const Lanes value = load_lanes(x + i), count = load_lanes(c + i);
    const Lanes level = round_lanes(clamp_lanes((value + min) * inverse, splat(0.0f), splat(top)));
    const Lanes rest = value - (step * level - min), weighted = count * level;
    sum_c += count;
    sum_x += count * value;
    sum_q += weighted;
    sum_xq += weighted * value;
    sum_qq += weighted * level;
    error += count * rest * rest;
    if (q) {
      for (size_t j = 0; j < 4; ++j) q[i + j] = static_cast<uint8_t>(level[j]);
    }
  }
  return {sum_lanes(sum_c), sum_lanes(sum_x), sum_lanes(sum_q), sum_lanes(sum_xq), sum_lanes(sum_qq), sum_lanes(error)};
}

/// Least squares of x ~ scale * q - min. A minimum below zero is not representable where `min_may_be_negative` is
/// false.
inline Affine solve_affine(const AffineFit& fit, bool min_may_be_negative) noexcept {
  const float determinant = fit.c * fit.qq - fit.q * fit.q;
  if (determinant > 0.0f) {
    const float scale = (fit.c * fit.xq - fit.x * fit.q) / determinant;
    const float min = (fit.q * fit.xq - fit.x * fit.qq) / determinant;
    if (min >= 0.0f || min_may_be_negative) return {scale, min};
  }
  return {fit.qq > 0.0f ? fit.xq / fit.qq : 0.0f, 0.0f};
}

/// The scale and minimum that make the group's error small. Each end of the range starts a little outside or inside the
/// extreme weight, nine pairs in all, and least squares moves both from there. (A grid of 121 pairs wins another 0.3
/// %.)
inline Affine fit_affine(const float* x, const float* c, size_t n, float top, bool min_may_be_negative) noexcept {
  auto [low, high] = std::pair{*std::min_element(x, x + n), *std::max_element(x, x + n)};
  if (!min_may_be_negative) low = std::min(low, 0.0f);
  if (!(high > low)) return {0.0f, -low};
  const float step = (high - low) / top;
  Affine best{step, -low};
  float best_error = std::numeric_limits<float>::infinity();
  for (const float cut_low : {-0.2f, 0.25f, 0.7f}) {
    for (const float cut_high : {-0.2f, 0.25f, 0.7f}) {
      Affine trial{step - step * (cut_low + cut_high) / top, -(low + step * cut_low)};
      if (!min_may_be_negative) trial.min = std::max(trial.min, 0.0f);
      for (int round = 0; round < 3 && trial.scale > 0.0f; ++round) {
        const AffineFit fit = round_affine(x, c, n, trial, top);
        if (fit.error < best_error) {
          best_error = fit.error;
          best = trial;
        }
        trial = solve_affine(fit, min_may_be_negative);
      }
    }
  }
  return best;
}

// --- super-blocks with minima: w = d * k[g] * q[i] - dmin * l[g] ---

template <size_t Groups, size_t Size>
struct AffineBlock {
  uint16_t d = 0, dmin = 0;
  uint8_t k[Groups] = {};
  uint8_t l[Groups] = {};
  uint8_t q[Groups * Size] = {};
};

/// One pass over the groups for given d and dmin, as choose_group_scales(). Returns the refitted {d, dmin}.
template <size_t Groups, size_t Size>
Affine choose_group_affines(const CleanBlock<Groups * Size>& block, const Affine* affine, float top, int k_top,
                            float& total_error, AffineBlock<Groups, Size>& to) noexcept {
  const float d = f16_to_f32(to.d), dmin = f16_to_f32(to.dmin);
  // Normal equations of x ~ d * (k q) - dmin * l over the block.
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  total_error = 0;
  for (size_t g = 0; g < Groups; ++g) {
    const float* x = block.x + g * Size;
    const float* c = block.c + g * Size;
    const int k0 = d > 0.0f ? static_cast<int>(std::lround(std::min(affine[g].scale / d, 200.0f))) : 0;
    const int l0 = dmin > 0.0f ? static_cast<int>(std::lround(std::min(affine[g].min / dmin, 200.0f))) : 0;
    float best = std::numeric_limits<float>::infinity();
    AffineFit best_fit;
    for (int k = std::clamp(k0 - 1, 0, k_top); k <= std::clamp(k0 + 1, 0, k_top); ++k) {
      for (int l = std::clamp(l0 - 1, 0, k_top); l <= std::clamp(l0 + 1, 0, k_top); ++l) {
        const AffineFit fit = round_affine(x, c, Size, {d * static_cast<float>(k), dmin * static_cast<float>(l)}, top);
        if (fit.error < best) {
          best = fit.error;
          best_fit = fit;
          to.k[g] = static_cast<uint8_t>(k);
          to.l[g] = static_cast<uint8_t>(l);
        }
      }
    }
    total_error += best;
    const double k = to.k[g], l = to.l[g];
    aa += k * k * best_fit.qq;
    ab += k * l * best_fit.q;
    bb += l * l * best_fit.c;
    ax += k * best_fit.xq;
    bx += l * best_fit.x;
  }
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-9 * aa * bb) {
    return {static_cast<float>((ax * bb - bx * ab) / determinant),
            static_cast<float>((ax * ab - bx * aa) / determinant)};
  }
  return {aa > 0 ? static_cast<float>(ax / aa) : d, bb > 0 ? static_cast<float>(-bx / bb) : dmin};
}

template <size_t Groups, size_t Size>
AffineBlock<Groups, Size> fit_affine_block(const CleanBlock<Groups * Size>& block, float top, int k_top) noexcept {
  Affine affine[Groups], largest;
  for (size_t g = 0; g < Groups; ++g) {
    affine[g] = fit_affine(block.x + g * Size, block.c + g * Size, Size, top, false);
    largest.scale = std::max(largest.scale, affine[g].scale);
    largest.min = std::max(largest.min, affine[g].min);
  }
  AffineBlock<Groups, Size> best, trial;
  if (largest.scale == 0.0f && largest.min == 0.0f) return best;
  float best_error = std::numeric_limits<float>::infinity();
  trial.d = to_f16_scale_nonzero(largest.scale / static_cast<float>(k_top));
  trial.dmin = to_f16_scale_nonzero(largest.min / static_cast<float>(k_top));
  for (int round = 0; round < 3; ++round) {
    float error;
    const Affine refitted = choose_group_affines(block, affine, top, k_top, error, trial);
    if (error < best_error) {
      best_error = error;
      best = trial;
    }
    const uint16_t d = to_f16_scale_nonzero(std::max(refitted.scale, 0.0f));
    const uint16_t dmin = to_f16_scale_nonzero(std::max(refitted.min, 0.0f));
    if (d == trial.d && dmin == trial.dmin) break;
    trial.d = d;
    trial.dmin = dmin;
  }
  for (size_t g = 0; g < Groups; ++g) {
    const Affine term{f16_to_f32(best.d) * best.k[g], f16_to_f32(best.dmin) * best.l[g]};
    round_affine(block.x + g * Size, block.c + g * Size, Size, term, top, best.q + g * Size);
  }
  return best;
}

}  // namespace shenbi::kernels
