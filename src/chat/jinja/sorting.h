#pragma once
// Python's sorted(): stable, by `<` alone. A merge sort of its own, because a comparison may fail (or be inconsistent,
// as NaN is) half-way, which std::sort does not allow.

#include <cstdint>
#include <vector>

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

/// The order of `keys`: result[i] is the index of the i-th.
std::vector<uint32_t> sorted_order(Heap& heap, const std::vector<Value>& keys, bool reverse);

}  // namespace shenbi::chat::jinja
