#include "base/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace shenbi {
namespace {

constexpr size_t kLanes = 8;
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ull;  // 2^64 / golden ratio, odd

// Without the shift a flip of the highest bit would stay in the highest bit, where a second one cancels it.
uint64_t step(uint64_t sum, uint64_t word) noexcept {
  sum = (sum ^ word) * kMultiplier;
  return sum ^ (sum >> 32);
}

// For the few words at the end: all bits of `sum` depend on all of `word`, so that two lanes cannot cancel out.
uint64_t fold(uint64_t sum, uint64_t word) noexcept {
  word *= 0xD6E8FEB86659FD93ull;
  word ^= word >> 32;
  sum = (std::rotl(sum, 23) ^ word) * kMultiplier;
  return sum ^ (sum >> 31);
}

}  // namespace

uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed) noexcept {
  std::array<uint64_t, kLanes> lanes;
  for (size_t i = 0; i < kLanes; ++i) lanes[i] = (seed + i + 1) * kMultiplier;
  const std::byte* from = bytes.data();
  size_t left = bytes.size();
  for (; left >= kLanes * 8; from += kLanes * 8, left -= kLanes * 8) {
    std::array<uint64_t, kLanes> words;
    std::memcpy(words.data(), from, sizeof words);
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = step(lanes[i], words[i]);
  }
  uint64_t sum = fold(seed, bytes.size());
  for (const uint64_t lane : lanes) sum = fold(sum, lane);
  while (left > 0) {
    uint64_t word = 0;
    const size_t count = left < 8 ? left : 8;
    std::memcpy(&word, from, count);
    sum = fold(sum, word);
    from += count;
    left -= count;
  }
  return fold(sum, left);
}

}  // namespace shenbi
