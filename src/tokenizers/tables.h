#pragma once
// The look-up tables of the tokenizers: open addressing, at most half (merges: five
// eighths) full, built once and only read afterwards.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::tokenizers {

/// A random number of this process, so that nobody can write a file or a text whose keys all collide.
uint64_t hash_seed() noexcept;

inline uint64_t hash_bytes(std::string_view text, uint64_t seed) noexcept {
  uint64_t hash = seed ^ text.size();
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93ull;
    hash ^= hash >> 32;
  };
  const char* data = text.data();
  size_t left = text.size();
  for (; left >= 8; data += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    mix(word);
  }
  uint64_t word = 0;
  for (size_t i = 0; i < left; ++i) word |= static_cast<uint64_t>(static_cast<uint8_t>(data[i])) << (8 * i);
  mix(word);
  return hash;
}

inline uint64_t hash_pair(uint64_t key, uint64_t seed) noexcept {
  key = (key ^ seed) * 0x9E3779B97F4A7C15ull;
  key = (key ^ (key >> 32)) * 0xD6E8FEB86659FD93ull;
  return key ^ (key >> 32);
}

/// Bytes -> id. Keeps views: whoever owns the strings must outlive it and not move them.
class TextTable {
 public:
  explicit TextTable(size_t expected = 0) { resize(expected); }

  /// The last of equal keys wins.
  void insert(std::string_view key, int32_t id) {
    if ((count_ + 1) * 2 > slots_.size()) resize(count_ * 2 + 16);
    Slot& slot = *find_slot(key);
    if (slot.id < 0) ++count_;
    slot = {key.data(), static_cast<uint32_t>(key.size()), id};
  }
  int32_t find(std::string_view key) const noexcept { return const_cast<TextTable*>(this)->find_slot(key)->id; }

 private:
  struct Slot {
    const char* data = nullptr;
    uint32_t size = 0;
    int32_t id = -1;
  };
  Slot* find_slot(std::string_view key) noexcept {
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash_bytes(key, seed_) & mask;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.id < 0 || (slot.size == key.size() && std::memcmp(slot.data, key.data(), key.size()) == 0)) return &slot;
    }
  }
  void resize(size_t expected) {
    std::vector<Slot> old = std::move(slots_);
    size_t size = 16;
    while (size < expected * 2) size *= 2;
    slots_.assign(size, {});
    for (const Slot& slot : old) {
      if (slot.id >= 0) *find_slot({slot.data, slot.size}) = slot;
    }
  }
  std::vector<Slot> slots_;
  size_t count_ = 0;
  uint64_t seed_ = hash_seed();
};

/// What two neighbouring symbols merge to, and how soon: lower rank first.
struct Merge {
  uint32_t rank = UINT32_MAX;  ///< UINT32_MAX: they do not merge
  int32_t id = -1;
};

/// (left symbol, right symbol) -> Merge. Its slots may be kept, and lie in somebody else's memory (a mapped file).
class MergeTable {
 public:
  struct Slot {
    uint64_t key = UINT64_MAX;
    Merge merge;
    bool empty() const noexcept { return key == UINT64_MAX; }
  };

  explicit MergeTable(size_t expected = 0) { resize(expected); }
  MergeTable(MergeTable&&) = default;  // a moved vector keeps its memory, and so `slots_`
  MergeTable& operator=(MergeTable&&) = default;

  /// The first of equal pairs wins. Symbols must be >= 0.
  void insert(int32_t left, int32_t right, Merge merge) {
    if ((count_ + 1) * 8 > slots_.size() * 5) resize(count_ * 2 + 16);
    Slot& slot = own_[index_of(key(left, right))];
    if (!slot.empty()) return;
    slot = {key(left, right), merge};
    ++count_;
  }
  Merge find(int32_t left, int32_t right) const noexcept { return slots_[index_of(key(left, right))].merge; }
  size_t size() const noexcept { return count_; }

  std::span<const Slot> slots() const noexcept { return slots_; }
  uint64_t seed() const noexcept { return seed_; }
  /// Looks up in these slots from now on, which must outlive the table. False if they are no table: not a power of two,
  /// or without the empty slots that end a search.
  bool restore(std::span<const Slot> slots, uint64_t seed) noexcept {
    if (slots.empty() || (slots.size() & (slots.size() - 1)) != 0) return false;
    size_t count = 0;
    for (const Slot& slot : slots) count += !slot.empty();
    if (count * 8 > slots.size() * 5) return false;
    own_.clear();
    slots_ = slots;
    seed_ = seed;
    count_ = count;
    return true;
  }

 private:
  static uint64_t key(int32_t left, int32_t right) noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t index_of(uint64_t key) const noexcept {
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash_pair(key, seed_) & mask;; i = (i + 1) & mask) {
      if (slots_[i].key == key || slots_[i].empty()) return i;
    }
  }
  void resize(size_t expected) {
    std::vector<Slot> old = std::move(own_);
    size_t size = 16;
    while (size * 5 < expected * 8) size *= 2;
    own_.assign(size, {});
    slots_ = own_;
    for (const Slot& slot : old) {
      if (!slot.empty()) own_[index_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> own_;
  std::span<const Slot> slots_;  // own_, or what was restored
  size_t count_ = 0;
  uint64_t seed_ = hash_seed();
};

}  // namespace shenbi::tokenizers
