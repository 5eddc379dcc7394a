#include "chat/jinja/sorting.h"

#include <algorithm>
#include <numeric>

namespace shenbi::chat::jinja {

std::vector<uint32_t> sorted_order(Heap& heap, const std::vector<Value>& keys, bool reverse) {
  std::vector<uint32_t> order(keys.size()), merged(keys.size());
  std::iota(order.begin(), order.end(), 0u);
  // Descending keeps equal keys in their order, as Python does by reversing before and after.
  const auto takes_right = [&](uint32_t left, uint32_t right) {
    return reverse ? less(heap, keys[left], keys[right]) : less(heap, keys[right], keys[left]);
  };
  for (size_t width = 1; width < keys.size(); width *= 2) {
    for (size_t begin = 0; begin < keys.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, keys.size()), end = std::min(begin + 2 * width, keys.size());
      size_t left = begin, right = middle;
      for (size_t to = begin; to < end; ++to) {
        const bool from_right = left == middle || (right < end && takes_right(order[left], order[right]));
        merged[to] = order[from_right ? right++ : left++];
      }
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace shenbi::chat::jinja
