#pragma once
// The look-up tables of the tokenizers: open addressing, at most half full, built once and only read afterwards.

#include <cstdint>
#include <cstring>
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

/// (left symbol, right symbol) -> Merge.
class MergeTable {
 public:
  explicit MergeTable(size_t expected = 0) { resize(expected); }

  /// The first of equal pairs wins. Symbols must be >= 0.
  void insert(int32_t left, int32_t right, Merge merge) {
    if ((count_ + 1) * 2 > slots_.size()) resize(count_ * 2 + 16);
    Slot& slot = *find_slot(key(left, right));
    if (slot.key != kEmpty) return;
    slot = {key(left, right), merge};
    ++count_;
  }
  Merge find(int32_t left, int32_t right) const noexcept {
    return const_cast<MergeTable*>(this)->find_slot(key(left, right))->merge;
  }
  size_t size() const noexcept { return count_; }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge;
  };
  static uint64_t key(int32_t left, int32_t right) noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  Slot* find_slot(uint64_t key) noexcept {
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash_pair(key, seed_) & mask;; i = (i + 1) & mask) {
      if (slots_[i].key == key || slots_[i].key == kEmpty) return &slots_[i];
    }
  }
  void resize(size_t expected) {
    std::vector<Slot> old = std::move(slots_);
    size_t size = 16;
    while (size < expected * 2) size *= 2;
    slots_.assign(size, {});
    for (const Slot& slot : old) {
      if (slot.key != kEmpty) *find_slot(slot.key) = slot;
    }
  }
  std::vector<Slot> slots_;
  size_t count_ = 0;
  uint64_t seed_ = hash_seed();
};

}  // namespace shenbi::tokenizers
