// Newton's method on the penalised log-likelihood, which is concave: from any start it finds the one maximum, halving a
// step that would lead down. The unknowns are the strengths, the side and the style, in this order; a row of the design
// has 1 for the first model, -1 for the second, 1 for the side, and the style's differences, scaled to a mean square of
// 1 so that one ridge serves them all and the coefficients can be compared.
//
// A bootstrap round draws as many votes as there are, with replacement, and starts from the fit of all: two or three
// steps suffice. Without style, equal votes are one row with a count, so a round costs pairs and not votes.

#include "arena/ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "base/error.h"
#include "base/random.h"

namespace shenbi::arena {
namespace {

using Vector = std::vector<double>;

constexpr int kMostSteps = 100;
constexpr double kSmallStep = 1e-10;  // of strengths, whose unit is 174 points

struct Row {
  uint32_t first = 0, second = 0;
  double share = 0.5;  // of the win that the first model gets
  double weight = 1;   // of one such vote
  StyleDifference style{};
};

struct Design {
  uint32_t models = 0;
  bool side = true, style = false;
  double ridge = 0;
  std::vector<Row> rows;
  std::vector<uint32_t> row_of;  // of each vote

  uint32_t size() const { return models + (side ? 1 : 0) + (style ? kStyleFigures : 0); }
  uint32_t style_at() const { return models + (side ? 1 : 0); }

  // The unknowns that a row touches and by how much.
  size_t touched(const Row& row, uint32_t (&at)[3 + kStyleFigures], double (&by)[3 + kStyleFigures]) const {
    size_t n = 0;
    at[n] = row.first, by[n++] = 1;
    at[n] = row.second, by[n++] = -1;
    if (side) at[n] = models, by[n++] = 1;
    for (size_t i = 0; style && i < kStyleFigures; ++i) {
      at[n] = style_at() + static_cast<uint32_t>(i);
      by[n++] = row.style[i];
    }
    return n;
  }
};

// log(1 + exp(z)) without overflow.
double softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

double loss(const Design& design, const Vector& counts, const Vector& x) {
  double sum = 0;
  uint32_t at[3 + kStyleFigures];
  double by[3 + kStyleFigures];
  for (size_t r = 0; r < design.rows.size(); ++r) {
    if (counts[r] == 0) continue;
    const Row& row = design.rows[r];
    const size_t n = design.touched(row, at, by);
    double z = 0;
    for (size_t i = 0; i < n; ++i) z += by[i] * x[at[i]];
    sum += counts[r] * row.weight * (softplus(z) - row.share * z);
  }
  for (const double one : x) sum += design.ridge / 2 * one * one;
  return sum;
}

// Gradient and the lower half of the matrix of second derivatives.
void derivatives(const Design& design, const Vector& counts, const Vector& x, Vector& gradient, Vector& hessian) {
  const size_t size = design.size();
  gradient.assign(size, 0);
  hessian.assign(size * size, 0);
  uint32_t at[3 + kStyleFigures];
  double by[3 + kStyleFigures];
  for (size_t r = 0; r < design.rows.size(); ++r) {
    if (counts[r] == 0) continue;
    const Row& row = design.rows[r];
    const size_t n = design.touched(row, at, by);
    double z = 0;
    for (size_t i = 0; i < n; ++i) z += by[i] * x[at[i]];
    const double p = 1 / (1 + std::exp(-z)), weight = counts[r] * row.weight;
    for (size_t i = 0; i < n; ++i) {
      gradient[at[i]] += weight * (p - row.share) * by[i];
      for (size_t j = 0; j < n; ++j) {
        if (at[j] <= at[i]) hessian[at[i] * size + at[j]] += weight * p * (1 - p) * by[i] * by[j];
      }
    }
  }
  for (size_t i = 0; i < size; ++i) {
    gradient[i] += design.ridge * x[i];
    hessian[i * size + i] += design.ridge;
  }
}

// Solves h x = b in place by Cholesky's factors; h is positive definite by its ridge.
void solve(Vector& h, Vector& b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = h[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= h[i * n + k] * h[j * n + k];
      h[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / h[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= h[i * n + k] * b[k];
    b[i] /= h[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= h[k * n + i] * b[k];
    b[i] /= h[i * n + i];
  }
}

Vector fit(const Design& design, const Vector& counts, Vector x, double small_step) {
  Vector gradient, hessian;
  for (int step = 0; step < kMostSteps; ++step) {
    derivatives(design, counts, x, gradient, hessian);
    solve(hessian, gradient);
    double largest = 0;
    for (const double one : gradient) largest = std::max(largest, std::abs(one));
    double scale = 1;
    // Far from the maximum a whole step may lead down; near it the test would be of rounding alone.
    if (largest > 0.5) {
      const double before = loss(design, counts, x);
      const auto after = [&] {
        Vector y = x;
        for (size_t i = 0; i < y.size(); ++i) y[i] -= scale * gradient[i];
        return loss(design, counts, y);
      };
      while (scale > 1e-6 && after() > before) scale /= 2;
    }
    for (size_t i = 0; i < x.size(); ++i) x[i] -= scale * gradient[i];
    if (largest < small_step) break;
  }
  return x;
}

// Strengths to points, the rest alike; strengths with a mean of 0.
Vector points(const Design& design, const Vector& x) {
  static const double kPoints = 400 / std::log(10.0);
  Vector result(x);
  const double mean = std::accumulate(x.begin(), x.begin() + design.models, 0.0) / std::max<uint32_t>(design.models, 1);
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = i < design.models ? 1000 + kPoints * (x[i] - mean) : kPoints * x[i];
  }
  return result;
}

double quantile(Vector& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::map<uint32_t, double> voter_weights(const std::vector<Vote>& votes, double cap) {
  std::map<uint32_t, double> count;
  for (const Vote& vote : votes) count[vote.voter] += 1;
  const bool several = count.size() > 1;
  for (auto& [voter, n] : count) n = several && cap > 0 ? std::min(1.0, cap / n) : 1;
  return count;
}

Design design_of(uint32_t models, const std::vector<Vote>& votes, const Options& options) {
  Design design{
      .models = models, .side = options.side, .style = options.style, .ridge = options.ridge, .rows = {}, .row_of = {}};
  const auto weights = voter_weights(votes, options.voter_cap);
  std::map<std::tuple<uint32_t, uint32_t, double, double>, uint32_t> known;
  for (const Vote& vote : votes) {
    if (vote.first >= models || vote.second >= models) {
      throw Error(Code::kInvalidArgument,
                  fmt::format("a vote on models {} and {}, there are {}", vote.first, vote.second, models));
    }
    if (vote.outcome == Outcome::kBothBad || vote.first == vote.second) continue;
    const double share = vote.outcome == Outcome::kFirst ? 1 : vote.outcome == Outcome::kSecond ? 0 : 0.5;
    const double weight = weights.at(vote.voter);
    auto next = static_cast<uint32_t>(design.rows.size());
    if (!options.style) next = known.try_emplace({vote.first, vote.second, share, weight}, next).first->second;
    if (next == design.rows.size()) {
      design.rows.push_back({vote.first, vote.second, share, weight, options.style ? vote.style : StyleDifference{}});
    }
    design.row_of.push_back(next);
  }
  for (size_t i = 0; options.style && i < kStyleFigures; ++i) {
    double squares = 0;
    for (const Row& row : design.rows) squares += row.style[i] * row.style[i];
    const double scale = std::sqrt(squares / static_cast<double>(std::max<size_t>(design.rows.size(), 1)));
    for (Row& row : design.rows) row.style[i] = scale > 0 ? row.style[i] / scale : 0;
  }
  return design;
}

void count_outcomes(const std::vector<Vote>& votes, std::vector<Rating>& models) {
  for (const Vote& vote : votes) {
    if (vote.first == vote.second) continue;
    Rating &first = models[vote.first], &second = models[vote.second];
    switch (vote.outcome) {
      case Outcome::kFirst:
        ++first.wins, ++second.losses;
        break;
      case Outcome::kSecond:
        ++second.wins, ++first.losses;
        break;
      case Outcome::kTie:
        ++first.ties, ++second.ties;
        break;
      case Outcome::kBothBad:
        ++first.both_bad, ++second.both_bad;
        break;
    }
  }
}

bool is_connected(const Design& design) {
  std::vector<uint32_t> root(design.models);
  std::iota(root.begin(), root.end(), 0);
  const auto find = [&](uint32_t i) {
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
  };
  for (const Row& row : design.rows) root[find(row.first)] = find(row.second);
  for (uint32_t i = 1; i < design.models; ++i) {
    if (find(i) != find(0)) return false;
  }
  return true;
}

void add_intervals(const Design& design, const Vector& whole, const Options& options, std::vector<Estimate*>& out) {
  const size_t votes = design.row_of.size();
  std::vector<Vector> drawn(out.size());
  for (uint32_t round = 0; round < options.rounds; ++round) {
    const Philox random(options.seed, round);
    Vector counts(design.rows.size(), 0);
    for (size_t i = 0; i < votes; ++i) {
      const auto vote = std::min(static_cast<size_t>(random.uniform64(i) * static_cast<double>(votes)), votes - 1);
      counts[design.row_of[vote]] += 1;
    }
    // A thousandth of a point is enough here.
    const Vector figures = points(design, fit(design, counts, whole, 1e-5));
    for (size_t i = 0; i < out.size(); ++i) drawn[i].push_back(figures[i]);
  }
  for (size_t i = 0; i < out.size(); ++i) {
    std::sort(drawn[i].begin(), drawn[i].end());
    out[i]->low = quantile(drawn[i], (1 - options.confidence) / 2);
    out[i]->high = quantile(drawn[i], (1 + options.confidence) / 2);
  }
}

}  // namespace

Ratings rate(uint32_t models, const std::vector<Vote>& votes, const Options& options) {
  if (models > kMaxModels) {
    throw Error(Code::kInvalidArgument, fmt::format("{} models, at most {}", models, kMaxModels));
  }
  const Design design = design_of(models, votes, options);
  Ratings ratings{.models = std::vector<Rating>(models), .side = {}, .style = {}};
  ratings.counted = design.row_of.size();
  ratings.connected = is_connected(design);
  count_outcomes(votes, ratings.models);

  Vector counts(design.rows.size(), 0);
  for (const uint32_t row : design.row_of) counts[row] += 1;
  const Vector whole = fit(design, counts, Vector(design.size(), 0), kSmallStep);
  std::vector<Estimate*> out;
  for (Rating& one : ratings.models) out.push_back(&one.rating);
  if (design.side) out.push_back(&ratings.side);
  for (size_t i = 0; design.style && i < kStyleFigures; ++i) out.push_back(&ratings.style[i]);
  const Vector figures = points(design, whole);
  for (size_t i = 0; i < out.size(); ++i) *out[i] = {figures[i], figures[i], figures[i]};
  if (options.rounds > 0 && ratings.counted > 0) add_intervals(design, whole, options, out);
  for (Rating& one : ratings.models) {
    one.rank =
        1 + static_cast<uint32_t>(std::count_if(ratings.models.begin(), ratings.models.end(), [&](const Rating& other) {
          return other.rating.low > one.rating.high;
        }));
  }
  return ratings;
}

}  // namespace shenbi::arena
