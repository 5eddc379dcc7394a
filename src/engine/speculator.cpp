#include "engine/speculator.h"

#include <algorithm>

namespace shenbi::engine {
namespace {

// Most guessed tokens in one pass, and of one sequence: each is a row of logits, 1 MiB with 262,144 words, and those
// far ahead are seldom right.
constexpr size_t kMostDrafts = 32, kLongestDraft = 15;

}  // namespace

std::vector<std::vector<int32_t>> Speculator::guess(std::span<const Guessable> sequences,
                                                    std::optional<PassShape> plain, size_t most) const {
  std::vector<std::vector<int32_t>> drafts(sequences.size());
  if (!on()) return drafts;
  most = std::min(most, kMostDrafts);
  std::vector<std::vector<float>> chances(sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Guessable& s = sequences[i];
    const size_t longest = std::min({most, kLongestDraft, s.most});
    if (longest > 0) s.drafter->draft(s.history, longest, drafts[i], chances[i]);
  }
  const std::vector<size_t> kept = lengths(chances, plain, most);
  for (size_t i = 0; i < drafts.size(); ++i) drafts[i].resize(kept[i]);
  return drafts;
}

std::vector<size_t> Speculator::lengths(std::span<const std::vector<float>> chances, std::optional<PassShape> plain,
                                        size_t most) const {
  if (mode_ == Speculation::kAlways) return longest_drafts(chances, most);
  return plain ? draft_lengths(costs_, *plain, chances, most) : draft_lengths_beside_prompts(chances, most);
}

size_t right_guesses(std::span<const int32_t> guesses, std::span<const int32_t> chosen) noexcept {
  const size_t length = std::min(guesses.size(), chosen.size());
  return static_cast<size_t>(
      std::mismatch(guesses.begin(), guesses.begin() + static_cast<ptrdiff_t>(length), chosen.begin()).first -
      guesses.begin());
}

bool take_spare_pages(KvCache& cache, std::vector<uint32_t>& pages, size_t count) {
  while (pages.size() < count) {
    const auto page = cache.allocate();
    if (!page) return false;
    pages.push_back(*page);
  }
  return true;
}

void release_spare_pages(KvCache& cache, std::vector<uint32_t>& pages, size_t count) {
  if (pages.size() <= count) return;
  cache.release(std::span(pages).subspan(count));
  pages.resize(count);
}

}  // namespace shenbi::engine
