#pragma once
// What the passes of an engine guess: which tokens are tried for which sequence, which of them were right, and the
// pages that they need meanwhile. A guessed token is a row of the pass that the plain pass would not have.
//
//   Speculator speculator(Speculation::kWhereItPays);
//   auto guesses = speculator.guess(sequences, plain, 32);   // of each sequence, maybe none
//   ... the pass: each sequence's newest token, followed by its guesses ...
//   speculator.note(shape, seconds);
//   size_t right = right_guesses(guesses[i], chosen);        // chosen: what the sequence really went on with
//
// Contract: guesses change the time of an answer and nothing else. The draw behind a token is made of logits that
// followed that very token, so a guess counts only where it is the token that would have been chosen anyway; and nobody
// gives up a page for one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/draft_plan.h"
#include "engine/drafter.h"
#include "engine/engine.h"
#include "engine/kv_cache.h"

namespace shenbi::engine {

/// One sequence of a pass, as the guesser sees it.
struct Guessable {
  const Drafter* drafter = nullptr;
  std::span<const int32_t> history = {};  ///< which the drafter has observed
  size_t most = 0;                        ///< guesses that it may have; 0 for one that takes none in this pass
};

class Speculator {
 public:
  explicit Speculator(Speculation mode) noexcept : mode_(mode) {}

  bool on() const noexcept { return mode_ != Speculation::kOff; }

  /// The guesses of each sequence, at most `most` in all. `plain` is the pass without any; nothing if it reads prompts
  /// as well, whose rows cost what they compute whoever else is in the pass.
  std::vector<std::vector<int32_t>> guess(std::span<const Guessable> sequences, std::optional<PassShape> plain,
                                          size_t most) const;

  /// After each pass of answers alone: what it took.
  void note(PassShape pass, double seconds) { costs_.note(pass, seconds); }

 private:
  std::vector<size_t> lengths(std::span<const std::vector<float>> chances, std::optional<PassShape> plain,
                              size_t most) const;

  Speculation mode_;
  PassCosts costs_;
};

/// How many of the guesses, from the first on, are the tokens that were chosen.
size_t right_guesses(std::span<const int32_t> guesses, std::span<const int32_t> chosen) noexcept;

/// Grows `pages` to `count` from what is free or kept by the prefix tree alone. False if that is not enough: what was
/// taken stays with the sequence.
bool take_spare_pages(KvCache& cache, std::vector<uint32_t>& pages, size_t count);

/// Gives back the pages behind the first `count`: only rejected guesses were written to them.
void release_spare_pages(KvCache& cache, std::vector<uint32_t>& pages, size_t count);

}  // namespace shenbi::engine
