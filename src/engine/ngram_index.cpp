#include "engine/ngram_index.h"

#include <algorithm>
#include <bit>

namespace shenbi::engine {
namespace {

constexpr size_t kMostPlaces = 32;  // looked at in one chain: less than 0.1 us
constexpr size_t kFewestChains = 256;

size_t common_end(std::span<const int32_t> a, std::span<const int32_t> b, size_t most) {
  size_t length = 0;
  while (length < most && a[a.size() - 1 - length] == b[b.size() - 1 - length]) ++length;
  return length;
}

}  // namespace

size_t NgramIndex::chain_of(int32_t before, int32_t last) const noexcept {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(before)} << 32 | static_cast<uint32_t>(last);
  const uint64_t mixed = (pair ^ (pair >> 29)) * 0x9E3779B97F4A7C15u;  // golden ratio: spreads neighbouring ids
  return static_cast<size_t>(mixed >> 32) & (heads_.size() - 1);
}

void NgramIndex::link(std::span<const int32_t> history, size_t place) {
  uint32_t& head = heads_[chain_of(history[place - 1], history[place])];
  previous_[place] = head;
  head = static_cast<uint32_t>(place + 1);
}

void NgramIndex::extend(std::span<const int32_t> history) {
  size_t place = std::max<size_t>(previous_.size(), 1);
  if (history.size() <= previous_.size()) return;
  previous_.resize(history.size());
  if (heads_.size() < history.size()) {  // doubled, so that chains stay short; all links are made anew
    heads_.assign(std::max(kFewestChains, std::bit_ceil(2 * history.size())), 0);
    place = 1;
  }
  for (; place < history.size(); ++place) link(history, place);
}

NgramIndex::Match NgramIndex::find(std::span<const int32_t> history) const {
  Match best;
  const size_t size = history.size();
  if (size < kShortest + 1 || previous_.size() < size) return best;
  uint32_t link = previous_[size - 1];  // the head is the end itself
  for (size_t looked = 0; link != 0 && looked < kMostPlaces; ++looked, link = previous_[link - 1]) {
    const size_t next = link;
    const size_t length = common_end(history.first(next), history, std::min(next, kLongest));
    if (length >= kShortest && length > best.length) best = {next, length};
    if (best.length == kLongest) break;
  }
  return best;
}

}  // namespace shenbi::engine
