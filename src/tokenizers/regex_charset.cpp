#include <algorithm>

#include "tokenizers/regex.h"

namespace shenbi::tokenizers {

CharSet::CharSet(std::vector<Range> ranges) : basic_(0x10000 / 64), ranges_(std::move(ranges)) {
  for (const auto& [low, high] : ranges_) {
    for (char32_t c = low; c <= high && c < 0x10000; ++c) basic_[c >> 6] |= uint64_t{1} << (c & 63);
  }
}

bool CharSet::contains_high(char32_t c) const noexcept {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return after != ranges_.begin() && c <= std::prev(after)->second;
}

bool CharSet::disjoint(const CharSet& other) const noexcept {
  auto mine = ranges_.begin();
  auto theirs = other.ranges_.begin();
  while (mine != ranges_.end() && theirs != other.ranges_.end()) {
    if (mine->second < theirs->first)
      ++mine;
    else if (theirs->second < mine->first)
      ++theirs;
    else
      return false;
  }
  return true;
}

}  // namespace shenbi::tokenizers
