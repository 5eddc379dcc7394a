#include "tokenizers/trie.h"

#include <algorithm>

namespace shenbi::tokenizers {

Trie::Trie(std::vector<std::pair<std::string_view, int32_t>> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  keys.erase(std::unique(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
             keys.end());
  if (!keys.empty() && keys.front().first.empty()) keys.erase(keys.begin());

  // Breadth first: a node is the range of sorted keys that share its prefix.
  struct Range {
    size_t begin, end, depth;
  };
  std::vector<Range> ranges = {{0, keys.size(), 0}};
  nodes_.emplace_back();
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && keys[begin].first.size() == depth) nodes_[node].value = keys[begin++].second;
    nodes_[node].first = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const auto label = static_cast<uint8_t>(keys[begin].first[depth]);
      size_t next = begin;
      while (next < end && static_cast<uint8_t>(keys[next].first[depth]) == label) ++next;
      if (node == 0) root_[label] = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({.label = label});
      ranges.push_back({begin, next, depth + 1});
      ++nodes_[node].count;
      begin = next;
    }
  }
}

}  // namespace shenbi::tokenizers
