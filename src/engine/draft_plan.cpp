#include "engine/draft_plan.h"

#include <algorithm>
#include <cmath>

namespace shenbi::engine {
namespace {

// A row more costs at least this share of a pass, as long as it was not measured.
constexpr double kHopedRowCost = 0.05;
// Gains below this are within what one measurement differs from the next.
constexpr double kLeastGain = 1.05;
// A sequence may come down to this share of its speed for the others' drafts: what two measurements differ by.
constexpr double kMostLoss = 0.98;
// A row that only computes takes a sixth to a quarter of the time of a pass of one row (docs/speculation.md).
constexpr float kLeastChanceBesidePrompts = 0.3f;

struct Guess {
  double gain;  // logarithm of how much faster its sequence gets
  float chance;
  size_t sequence;
};

// In the order in which they are worth trying; a sequence's own stay in theirs, since each gains less than the one
// before.
std::vector<Guess> by_gain(std::span<const std::vector<float>> chances, size_t most) {
  std::vector<Guess> guesses;
  for (size_t i = 0; i < chances.size(); ++i) {
    double tokens = 1;
    for (const float chance : chances[i]) {
      const double more = tokens + static_cast<double>(chance);
      guesses.push_back({std::log(more / tokens), chance, i});
      tokens = more;
    }
  }
  std::stable_sort(guesses.begin(), guesses.end(), [](const Guess& a, const Guess& b) { return a.gain > b.gain; });
  if (guesses.size() > most) guesses.resize(most);
  return guesses;
}

std::vector<size_t> lengths_of(std::span<const Guess> guesses, size_t sequences) {
  std::vector<size_t> lengths(sequences, 0);
  for (const Guess& guess : guesses) ++lengths[guess.sequence];
  return lengths;
}

}  // namespace

// One time may be an accident, so the fewer there are the sooner they are too old.
const PassCosts::Times* PassCosts::times(PassShape shape) const noexcept {
  if (shape.rows > kMostRows) return nullptr;
  const Times& times = times_[shape.coarse_head][shape.rows];
  const uint64_t lasts = uint64_t{16} << (2 * std::min(times.count, 3u));  // 64, 256, 1024 passes
  return times.count > 0 && passes_ - times.noted_at <= lasts ? &times : nullptr;
}

void PassCosts::note(PassShape shape, double seconds) {
  ++passes_;
  if (shape.rows > kMostRows || !(seconds > 0)) return;
  const bool known = times(shape) != nullptr;
  Times& times = times_[shape.coarse_head][shape.rows];
  if (!known) times.count = 0;  // of another time
  times.last[times.count % kKept] = seconds;
  if (++times.count == 2 * kKept) times.count = kKept;
  times.noted_at = passes_;
}

std::optional<double> PassCosts::measured(PassShape shape) const {
  const Times* found = times(shape);
  if (!found) return std::nullopt;
  std::array<double, kKept> last = found->last;
  const auto end = last.begin() + static_cast<ptrdiff_t>(std::min<size_t>(found->count, kKept));
  const auto middle = last.begin() + (end - last.begin()) / 2;
  std::nth_element(last.begin(), middle, end);
  return *middle;
}

double PassCosts::estimate(PassShape shape, PassShape plain, double plain_seconds) const {
  if (const auto known = measured(shape)) return *known;
  size_t below = shape.rows - 1, above = shape.rows + 1;
  while (below > plain.rows && !times({below, shape.coarse_head})) --below;
  const bool between = below > plain.rows;
  const double low = between ? *measured({below, shape.coarse_head}) : plain_seconds;
  while (above <= kMostRows && !times({above, shape.coarse_head})) ++above;
  const auto more = static_cast<double>(shape.rows - below);
  if (above <= kMostRows) {
    const double high = *measured({above, shape.coarse_head});
    return low + (high - low) * more / static_cast<double>(above - below);
  }
  // Rows come in blocks, so the next may be cheaper than those so far: half as dear, it is hoped.
  const double so_far = between ? (low - plain_seconds) / static_cast<double>(below - plain.rows) : 0;
  return low + more * std::max(so_far / 2, kHopedRowCost * plain_seconds);
}

size_t PassCosts::reach(PassShape plain) const {
  size_t known = kMostRows;
  while (known > plain.rows && !times({known, false}) && !times({known, true})) --known;
  return std::clamp<size_t>(2 * known, 4, kMostRows);
}

std::vector<size_t> draft_lengths(const PassCosts& costs, PassShape plain, std::span<const std::vector<float>> chances,
                                  size_t most) {
  const auto plain_seconds = costs.measured(plain);
  if (!plain_seconds) return lengths_of({}, chances.size());
  const size_t reach = costs.reach(plain);
  const std::vector<Guess> guesses = by_gain(chances, std::min(most, reach - std::min(reach, plain.rows)));
  const auto sequences = static_cast<double>(plain.rows);
  std::vector<double> speeds(chances.size(), 1);  // of each sequence, in tokens a pass
  double best_gain = sequences * std::log(kLeastGain), gain = 0;
  size_t best = 0;
  for (size_t m = 1; m <= guesses.size(); ++m) {
    const Guess& guess = guesses[m - 1];
    gain += guess.gain;
    speeds[guess.sequence] *= std::exp(guess.gain);
    const double slower = costs.estimate({.rows = plain.rows + m}, plain, *plain_seconds) / *plain_seconds;
    if (*std::min_element(speeds.begin(), speeds.end()) < slower * kMostLoss) continue;
    if (const double net = gain - sequences * std::log(slower); net > best_gain) best_gain = net, best = m;
  }
  return lengths_of(std::span(guesses).first(best), chances.size());
}

std::vector<size_t> longest_drafts(std::span<const std::vector<float>> chances, size_t most) {
  return lengths_of(by_gain(chances, most), chances.size());
}

std::vector<size_t> draft_lengths_beside_prompts(std::span<const std::vector<float>> chances, size_t most) {
  std::vector<Guess> guesses = by_gain(chances, most);
  std::erase_if(guesses, [](const Guess& guess) { return guess.chance < kLeastChanceBesidePrompts; });
  return lengths_of(guesses, chances.size());
}

}  // namespace shenbi::engine
