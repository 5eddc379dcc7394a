#pragma once
// Where tensors lie in a file: size arithmetic that cannot wrap, and the proof that no two tensors share a byte.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/quant_type.h"

namespace shenbi::formats {

/// a * b and a + b, or nothing where the result does not fit in 64 bits.
std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) noexcept;
std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) noexcept;
/// `value` rounded up to a multiple of `alignment` (a power of two), or nothing where that does not fit.
std::optional<uint64_t> checked_align(uint64_t value, uint64_t alignment) noexcept;

/// Product of all dimensions (1 for a scalar), or nothing where it does not fit in 63 bits.
std::optional<uint64_t> element_count(std::span<const uint64_t> shape) noexcept;

/// Bytes of a tensor, or nothing where the product wraps. Precondition: the row is a whole number of blocks.
std::optional<uint64_t> tensor_bytes(const kernels::QuantType& type, std::span<const uint64_t> shape) noexcept;
/// Length of a row: the innermost dimension, 1 for a scalar.
uint64_t columns(std::span<const uint64_t> shape) noexcept;

/// A tensor's place: bytes [begin, end) of the data section. `index` says whose.
struct Extent {
  uint64_t begin = 0, end = 0;
  size_t index = 0;
};

/// Sorts by place and returns the first two (neighbours) that share a byte, if any. Empty extents share nothing.
std::optional<std::pair<Extent, Extent>> find_overlap(std::vector<Extent>& extents);

}  // namespace shenbi::formats
