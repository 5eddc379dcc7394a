#pragma once
// A shape: up to eight sizes, outermost first, as in PyTorch. A value without heap memory.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

namespace shenbi::tensor {

class Shape {
 public:
  static constexpr size_t kMaxRank = 8;

  Shape() = default;  ///< a scalar: rank 0, one element
  /// Throws Error{kInvalidArgument} over kMaxRank sizes or when their product overflows.
  Shape(std::initializer_list<size_t> sizes) : Shape(std::span<const size_t>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const size_t> sizes);

  size_t rank() const noexcept { return rank_; }
  size_t operator[](size_t axis) const noexcept { return sizes_[axis]; }
  size_t elements() const noexcept { return elements_; }
  /// Size of the innermost axis; 1 for a scalar.
  size_t columns() const noexcept { return rank_ == 0 ? 1 : sizes_[rank_ - 1]; }
  /// Product of all other sizes: the tensor seen as rows() x columns().
  size_t rows() const noexcept;

  /// The same shape with another size on one axis.
  Shape with(size_t axis, size_t size) const;

  std::string text() const;  ///< "[3, 640]"

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<size_t, kMaxRank> sizes_ = {};
  size_t rank_ = 0;
  size_t elements_ = 1;
};

}  // namespace shenbi::tensor
