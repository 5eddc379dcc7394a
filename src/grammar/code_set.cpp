#include "grammar/code_set.h"

#include <algorithm>

#include "base/utf8.h"

namespace shenbi::grammar {

CodeSet::CodeSet(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  const auto append = [&](char32_t low, char32_t high) {
    if (low > high) return;
    if (!ranges_.empty() && low <= ranges_.back().second + 1) {
      ranges_.back().second = std::max(ranges_.back().second, high);
    } else {
      ranges_.emplace_back(low, high);
    }
  };
  for (const auto& [low, high] : ranges) append(low, std::min<char32_t>(high, 0xD7FF));
  for (const auto& [low, high] : ranges) {
    append(std::max<char32_t>(low, 0xE000), std::min<char32_t>(high, 0x10FFFF));
  }
}

CodeSet CodeSet::of(std::string_view ascii) {
  std::vector<Range> ranges;
  for (const char c : ascii) ranges.emplace_back(static_cast<uint8_t>(c), static_cast<uint8_t>(c));
  return CodeSet(std::move(ranges));
}

CodeSet CodeSet::operator|(const CodeSet& other) const {
  std::vector<Range> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  return CodeSet(std::move(all));
}

CodeSet CodeSet::operator&(const CodeSet& other) const {
  CodeSet both;
  for (size_t i = 0, j = 0; i < ranges_.size() && j < other.ranges_.size();) {
    const char32_t low = std::max(ranges_[i].first, other.ranges_[j].first);
    const char32_t high = std::min(ranges_[i].second, other.ranges_[j].second);
    if (low <= high) both.ranges_.emplace_back(low, high);
    if (ranges_[i].second < other.ranges_[j].second) {
      ++i;
    } else {
      ++j;
    }
  }
  return both;
}

CodeSet CodeSet::operator~() const {
  std::vector<Range> gaps;
  char32_t next = 0;
  for (const auto& [low, high] : ranges_) {
    if (low > next) gaps.emplace_back(next, low - 1);
    next = high + 1;
  }
  if (next <= 0x10FFFF) gaps.emplace_back(next, 0x10FFFF);
  return CodeSet(std::move(gaps));
}

bool CodeSet::contains(char32_t c) const noexcept {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return after != ranges_.begin() && c <= std::prev(after)->second;
}

namespace {

// Cuts [low, high], whose ends take equally many bytes, until each piece is a product of byte ranges: a piece whose
// ends differ before the last n continuation bytes must cover all values of those n bytes.
void split(char32_t low, char32_t high, uint32_t length, std::vector<Utf8Sequence>& out) {
  for (uint32_t n = 1; n < length; ++n) {
    const char32_t mask = (char32_t{1} << (6 * n)) - 1;
    if ((low & ~mask) == (high & ~mask)) continue;
    if ((low & mask) != 0) {
      split(low, low | mask, length, out);
      split((low | mask) + 1, high, length, out);
      return;
    }
    if ((high & mask) != mask) {
      split(low, (high & ~mask) - 1, length, out);
      split(high & ~mask, high, length, out);
      return;
    }
  }
  std::string first, last;
  append_utf8(first, low);
  append_utf8(last, high);
  Utf8Sequence sequence;
  sequence.length = static_cast<uint8_t>(length);
  for (size_t i = 0; i < length; ++i) {
    sequence.bytes[i] = {static_cast<uint8_t>(first[i]), static_cast<uint8_t>(last[i])};
  }
  out.push_back(sequence);
}

}  // namespace

std::vector<Utf8Sequence> utf8_sequences(const CodeSet& set) {
  static constexpr char32_t kLast[] = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};  // of each length
  std::vector<Utf8Sequence> out;
  for (auto [low, high] : set.ranges()) {
    for (uint32_t length = 1; length <= 4 && low <= high; ++length) {
      if (low > kLast[length - 1]) continue;
      const char32_t end = std::min(high, kLast[length - 1]);
      split(low, end, length, out);
      low = end + 1;
    }
  }
  return out;
}

}  // namespace shenbi::grammar
