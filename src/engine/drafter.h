#pragma once
// Guesses how a sequence goes on, from its own prompt and output, and knows how often such guesses were right.
//
//   Drafter drafter;
//   drafter.observe(history);                 // after each token: was the last guess right?
//   drafter.draft(history, 8, tokens, chances);
//
// A guess is what followed the longest earlier run like the end of the history (NgramIndex). How often it is right
// depends above all on how long that run is, so hits are counted by its length; and since every token that the model
// chooses tells whether the guess for it was right, whether it was used or not, this is known without a single pass
// spent on trying. A draft of several tokens is a chain of such guesses: each one that is right makes the run longer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/ngram_index.h"

namespace shenbi::engine {

class Drafter {
 public:
  /// `history` begins with what was given before. Of several new tokens each is a guess that was right or wrong.
  void observe(std::span<const int32_t> history);

  /// Fills `tokens` with at most `most` guesses of what follows `history`, which observe() has seen, and `chances` with
  /// the probability that each of them and all before it are right.
  void draft(std::span<const int32_t> history, size_t most, std::vector<int32_t>& tokens,
             std::vector<float>& chances) const;

 private:
  // Of guesses whose run has a certain length.
  struct Record {
    float hits, guesses;
    float rate() const noexcept { return hits / guesses; }
  };
  static constexpr size_t kRecords = 10;
  static size_t record_of(size_t length) noexcept;
  static std::array<Record, kRecords> first_records() noexcept;
  void learn(std::span<const int32_t> history);

  NgramIndex index_;
  size_t seen_ = 0;       // of the history
  bool aligned_ = false;  // there is a guess:
  NgramIndex::Match
      match_;  // length 0: the run ended with a wrong guess, and goes on behind it as if one token differed
  std::array<Record, kRecords> records_ = first_records();
};

}  // namespace shenbi::engine
