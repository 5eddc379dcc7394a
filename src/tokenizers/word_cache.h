#pragma once
// Remembers the ids of short words during one encode call. Bounded: a full neighbourhood gives up its oldest word, so a
// text without repeats costs one look-up a word and nothing more.

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tables.h"

namespace shenbi::tokenizers {

class WordCache {
 public:
  static constexpr size_t kMaxWord = 40;  // bytes; longer words rarely come twice
  static constexpr size_t kMaxIds = 7;

  /// Empty if the word is not known (a known word has at least one id).
  std::span<const int32_t> find(std::string_view word) noexcept {
    hash_ = hash_bytes(word, seed_);
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0; i < kNeighbours; ++i) {
      const Slot& slot = slots_[(hash_ + i) & mask];
      if (slot.size == word.size() && slot.tag == tag() && std::memcmp(slot.word, word.data(), word.size()) == 0) {
        return {slot.ids, slot.count};
      }
    }
    return {};
  }

  /// To be called right after a find() of the same word that missed; 0 < ids.size() <= kMaxIds.
  void insert(std::string_view word, std::span<const int32_t> ids) {
    if (++count_ * 2 > slots_.size() && slots_.size() < kMaxSlots) grow();
    const size_t mask = slots_.size() - 1;
    size_t chosen = (hash_ + count_ % kNeighbours) & mask;  // if all are taken, one in turn
    for (size_t i = 0; i < kNeighbours; ++i) {
      if (slots_[(hash_ + i) & mask].size == 0) {
        chosen = (hash_ + i) & mask;
        break;
      }
    }
    Slot& slot = slots_[chosen];
    slot.tag = tag();
    slot.size = static_cast<uint8_t>(word.size());
    slot.count = static_cast<uint8_t>(ids.size());
    std::copy(word.begin(), word.end(), slot.word);
    std::copy(ids.begin(), ids.end(), slot.ids);
  }

 private:
  static constexpr size_t kNeighbours = 4;
  static constexpr size_t kMaxSlots = 1 << 15;  // 2.5 MB: about what a core's second-level cache holds

  struct Slot {
    uint16_t tag = 0;
    uint8_t size = 0;
    uint8_t count = 0;
    char word[kMaxWord];
    int32_t ids[kMaxIds];
  };
  uint16_t tag() const noexcept { return static_cast<uint16_t>(hash_ >> 48); }
  void grow() {
    slots_.assign(slots_.size() * 8, {});  // what was known is soon known again
    count_ = 1;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(64);
  size_t count_ = 0;
  uint64_t seed_ = hash_seed();
  uint64_t hash_ = 0;
};

}  // namespace shenbi::tokenizers
