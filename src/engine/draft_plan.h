#pragma once
// How many guessed tokens a pass should try: what a pass of so many rows takes, as measured while it runs, against how
// likely each guess is to save one.
//
//   PassCosts costs;
//   costs.note({.rows = 1, .coarse_head = true}, seconds);             // after each pass of answers alone
//   const auto lengths = draft_lengths(costs, plain, chances, 32);     // of each sequence's draft, maybe all 0
//
// A sequence whose draft is expected to hold E right tokens gets 1 + E of them from a pass, and all sequences wait for
// it T(S + m) / T(S) times as long, with S sequences and m guesses. Taken is the m that makes the product of their
// speeds largest (the sum of log(1 + E), less S log of the time), but none that makes one of them slower: nobody pays
// for another's luck. What they gain must be more than measurements differ. Where one of the figures is not known, the
// pass that shows it is made: the plain one first, then ever larger ones.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace shenbi::engine {

/// What the time of a pass of decoding sequences depends on.
struct PassShape {
  size_t rows = 0;
  bool coarse_head = false;  ///< its logits come from the coarse form of the head
};

class PassCosts {
 public:
  static constexpr size_t kMostRows = 64;  ///< larger passes are not noted

  void note(PassShape shape, double seconds);

  /// Median of what was measured lately; nothing if that is too long ago, or never was.
  std::optional<double> measured(PassShape shape) const;

  /// Of a pass of more rows than `plain`: measured, or between what was measured with more and with fewer, or (as long
  /// as nobody knows better) so little more than those that it is tried.
  double estimate(PassShape shape, PassShape plain, double plain_seconds) const;

  /// The most rows that may be tried: twice as many as are known.
  size_t reach(PassShape plain) const;

 private:
  static constexpr size_t kKept = 5;
  struct Times {
    std::array<double, kKept> last{};
    uint32_t count = 0;
    uint64_t noted_at = 0;
  };
  const Times* times(PassShape shape) const noexcept;

  std::array<std::array<Times, kMostRows + 1>, 2> times_{};  // by head
  uint64_t passes_ = 0;
};

/// `chances[i]`: of sequence i's guesses, as Drafter::draft() gives them. `plain`: the pass without any. At most `most`
/// in all.
std::vector<size_t> draft_lengths(const PassCosts& costs, PassShape plain, std::span<const std::vector<float>> chances,
                                  size_t most);

/// As many as there are, at most `most` in all.
std::vector<size_t> longest_drafts(std::span<const std::vector<float>> chances, size_t most);

/// The same for a pass that reads prompts as well: each row costs what it computes, whoever else is in it.
std::vector<size_t> draft_lengths_beside_prompts(std::span<const std::vector<float>> chances, size_t most);

}  // namespace shenbi::engine
