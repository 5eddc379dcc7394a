#pragma once
// From votes between pairs of models to a rating each: Bradley and Terry's model (1952) with a term for the side on
// which an answer stood and, if asked for, terms for the style of the answers.
//
//   P(the first answer wins) = 1 / (1 + exp(-z)),  z = s_first - s_second + side + style . x
//
// Maximum likelihood with a ridge; a tie is half a win for each; "both bad" is counted and does not enter. Ratings are
// 1000 + 400 / ln(10) * s, the strengths s shifted to a mean of 0: 400 points are odds of ten to one. Intervals are
// percentiles of a bootstrap over the votes. What each choice rests on: docs/arena.md.

#include <array>
#include <cstdint>
#include <vector>

#include "arena/style.h"

namespace shenbi::arena {

enum class Outcome { kFirst, kSecond, kTie, kBothBad };

struct Vote {
  uint32_t first = 0, second = 0;  ///< models, by the side on which they stood
  Outcome outcome = Outcome::kTie;
  uint32_t voter = 0;
  StyleDifference style{};  ///< of first to second; for Options::style alone
};

struct Options {
  bool side = true;    ///< with the side's term
  bool style = false;  ///< with the style's terms
  /// Weight of |s|^2 / 2 and the like: what keeps a model that never lost finite. A vote weighs up to 1/4.
  double ridge = 0.01;
  /// Where several people vote: how many votes of one count in full. One with more has all of his count less, so that
  /// they weigh as much as these. 0: no bound.
  double voter_cap = 200;
  uint32_t rounds = 1000;  ///< of the bootstrap; 0: no intervals
  double confidence = 0.95;
  uint64_t seed = 1;
};

struct Estimate {
  double value = 0, low = 0, high = 0;
};

struct Rating {
  Estimate rating;
  uint32_t rank = 1;  ///< 1 + how many models have their lower end above this one's upper end
  uint64_t wins = 0, losses = 0, ties = 0, both_bad = 0;
};

struct Ratings {
  std::vector<Rating> models;
  Estimate side;                              ///< in points: what the first place is worth
  std::array<Estimate, kStyleFigures> style;  ///< in points for one standard deviation of the difference
  uint64_t counted = 0;                       ///< votes that entered
  /// Every model is joined to every other by votes. Where not, ratings of parts that never met say nothing of each
  /// other.
  bool connected = true;
};

/// `votes` name models below `models`; a model against itself is passed over. Throws Error{kInvalidArgument} for a
/// model that is none, or more than kMaxModels. Deterministic: the same votes and seed give the same figures.
Ratings rate(uint32_t models, const std::vector<Vote>& votes, const Options& options = {});

/// The fit is dense: a matrix of (models + 5)^2 doubles, 2 MB at this bound.
inline constexpr uint32_t kMaxModels = 500;

}  // namespace shenbi::arena
