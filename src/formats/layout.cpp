#include "formats/layout.h"

#include <algorithm>
#include <limits>

namespace shenbi::formats {

std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) noexcept {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) noexcept {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

std::optional<uint64_t> checked_align(uint64_t value, uint64_t alignment) noexcept {
  const auto raised = checked_add(value, alignment - 1);
  if (!raised) return std::nullopt;
  return *raised & ~(alignment - 1);
}

std::optional<uint64_t> element_count(std::span<const uint64_t> shape) noexcept {
  // 63 bits, so that every later count also fits where signed numbers are used. A zero anywhere must not hide a wrap
  // among the other dimensions, or the same shape would be accepted or not by the order of its dimensions.
  uint64_t product = 1;
  bool empty = false;
  for (const uint64_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
      continue;
    }
    if (__builtin_mul_overflow(product, dimension, &product)) return std::nullopt;
    if (product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  }
  return empty ? 0 : product;
}

uint64_t columns(std::span<const uint64_t> shape) noexcept { return shape.empty() ? 1 : shape.back(); }

std::optional<uint64_t> tensor_bytes(const kernels::QuantType& type, std::span<const uint64_t> shape) noexcept {
  const auto elements = element_count(shape);
  if (!elements) return std::nullopt;
  return checked_multiply(*elements / type.block_elements, type.block_bytes);
}

std::optional<std::pair<Extent, Extent>> find_overlap(std::vector<Extent>& extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  const Extent* last = nullptr;  // the extent that reaches furthest so far
  for (const Extent& extent : extents) {
    if (extent.begin == extent.end) continue;
    if (last && extent.begin < last->end) return std::pair(*last, extent);
    last = &extent;
  }
  return std::nullopt;
}

}  // namespace shenbi::formats
