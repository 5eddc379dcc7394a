#include "engine/drafter.h"

#include <algorithm>

namespace shenbi::engine {
namespace {

constexpr float kMemory = 0.95f;    // of a record, with each guess: the last 20 or so count
constexpr float kFirstGuesses = 3;  // that a record begins with
// Below this a guess is not worth looking at.
constexpr float kLeastChance = 0.05f;

}  // namespace

// Lengths 0 to 7 one by one, 8 to 15, more.
size_t Drafter::record_of(size_t length) noexcept { return length < 8 ? length : length < 16 ? 8 : 9; }

std::array<Drafter::Record, Drafter::kRecords> Drafter::first_records() noexcept {
  // Long runs are mostly copies, short ones mostly chance: figures of English, Chinese and code, rounded down.
  constexpr std::array<float, kRecords> kRates = {0.2f, 0.2f, 0.2f, 0.3f, 0.4f, 0.5f, 0.5f, 0.6f, 0.7f, 0.8f};
  std::array<Record, kRecords> records;
  std::transform(kRates.begin(), kRates.end(), records.begin(),
                 [](float rate) { return Record{rate * kFirstGuesses, kFirstGuesses}; });
  return records;
}

void Drafter::observe(std::span<const int32_t> history) {
  if (seen_ == 0) {  // the prompt is no answer of the model: nothing is learnt from it
    index_.extend(history);
    seen_ = history.size();
    match_ = index_.find(history);
    aligned_ = match_.length > 0;
    return;
  }
  while (seen_ < history.size()) learn(history.first(++seen_));
}

// One more token, the last of `history`.
void Drafter::learn(std::span<const int32_t> history) {
  index_.extend(history);
  bool hit = false;
  if (aligned_) {
    hit = history[match_.next] == history.back();
    Record& record = records_[record_of(match_.length)];
    record = {record.hits * kMemory + (hit ? 1.0f : 0.0f), record.guesses * kMemory + 1};
    ++match_.next;
    match_.length = hit ? match_.length + 1 : 0;
  }
  // A run that goes on is the longest there is, or nearly; a new one is looked for where it broke or has just begun.
  if (hit && match_.length > NgramIndex::kShortest) return;
  const auto found = index_.find(history);
  if (found.length <= match_.length && aligned_) return;
  match_ = found;
  aligned_ = found.length > 0;
}

void Drafter::draft(std::span<const int32_t> history, size_t most, std::vector<int32_t>& tokens,
                    std::vector<float>& chances) const {
  tokens.clear();
  chances.clear();
  if (!aligned_ || seen_ != history.size()) return;
  float chance = 1;
  for (size_t i = 0; i < most; ++i) {
    chance *= records_[record_of(match_.length + i)].rate();
    if (chance < kLeastChance) break;
    const size_t place = match_.next + i;  // past the end it goes on in the draft: a loop
    tokens.push_back(place < history.size() ? history[place] : tokens[place - history.size()]);
    chances.push_back(chance);
  }
}

}  // namespace shenbi::engine
