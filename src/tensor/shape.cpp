#include "tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace shenbi::tensor {

Shape::Shape(std::span<const size_t> sizes) : rank_(sizes.size()) {
  if (sizes.size() > kMaxRank)
    throw Error(Code::kInvalidArgument,
                fmt::format("shape: {} axes, at most {} are supported", sizes.size(), kMaxRank));
  for (size_t axis = 0; axis < rank_; ++axis) {
    sizes_[axis] = sizes[axis];
    if (__builtin_mul_overflow(elements_, sizes[axis], &elements_))
      throw Error(Code::kInvalidArgument, fmt::format("shape: [{}] has too many elements", fmt::join(sizes, ", ")));
  }
}

size_t Shape::rows() const noexcept {
  size_t rows = 1;
  for (size_t axis = 0; axis + 1 < rank_; ++axis) rows *= sizes_[axis];
  return rows;
}

Shape Shape::with(size_t axis, size_t size) const {
  SHENBI_CHECK(axis < rank_);
  auto sizes = sizes_;
  sizes[axis] = size;
  return Shape(std::span<const size_t>(sizes.data(), rank_));
}

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(sizes_.begin(), sizes_.begin() + rank_, ", ")); }

}  // namespace shenbi::tensor
