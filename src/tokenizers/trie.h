#pragma once
// A byte trie over a fixed set of keys: all keys that begin at a place, or the longest one.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::tokenizers {

class Trie {
 public:
  Trie() = default;
  /// Keys need to live only during the call; empty keys are left out; of equal keys the first wins. Values must be >=
  /// 0.
  explicit Trie(std::vector<std::pair<std::string_view, int32_t>> keys);

  struct Hit {
    size_t length = 0;  ///< 0: no key begins here
    int32_t value = -1;
  };

  /// Calls visit(length, value) for each key that begins at text[begin], shortest first.
  template <class Visit>
  void each(std::string_view text, size_t begin, Visit&& visit) const {
    uint32_t node = 0;
    for (size_t i = begin; i < text.size(); ++i) {
      node = child(node, static_cast<uint8_t>(text[i]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) visit(i + 1 - begin, nodes_[node].value);
    }
  }
  Hit longest(std::string_view text, size_t begin) const {
    Hit hit;
    each(text, begin, [&](size_t length, int32_t value) { hit = {length, value}; });
    return hit;
  }
  bool empty() const noexcept { return nodes_.size() < 2; }
  bool may_begin_with(uint8_t byte) const noexcept { return root_[byte] != 0; }

 private:
  struct Node {
    uint32_t first = 0;  // children lie side by side, sorted by label
    uint16_t count = 0;
    uint8_t label = 0;
    int32_t value = -1;
  };
  uint32_t child(uint32_t node, uint8_t label) const noexcept {
    if (node == 0) return root_[label];
    uint32_t low = nodes_[node].first, high = low + nodes_[node].count;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (nodes_[middle].label < label)
        low = middle + 1;
      else
        high = middle;
    }
    return low < nodes_[node].first + nodes_[node].count && nodes_[low].label == label ? low : 0;
  }

  std::vector<Node> nodes_;
  std::array<uint32_t, 256> root_{};
};

}  // namespace shenbi::tokenizers
