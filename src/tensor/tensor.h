#pragma once
// Tensor: a dtype, a shape and shared memory. Data only: it computes nothing, knows no gradient and no device but the
// CPU. Always contiguous, row-major, outermost axis first.
//
//   Tensor x = Tensor::zeros({2, 3});
//   x.values<float>()[5] = 1.0f;
//   Tensor row = x.rows(1, 2);            // shares memory
//
// Copying a Tensor copies the handle; clone() copies the numbers. Ops never write to their inputs, so sharing is safe
// as long as whoever writes (an optimiser, a loader) does so while nobody computes. A default-constructed Tensor is
// empty: "no tensor", the way an absent bias is passed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace shenbi::tensor {

class Tensor {
 public:
  Tensor() = default;

  /// Memory is aligned to 64 bytes. Throws Error{kOutOfMemory} naming shape and bytes when the system has none.
  static Tensor uninitialized(const Shape& shape, DType dtype = DType::kF32);
  static Tensor zeros(const Shape& shape, DType dtype = DType::kF32);
  /// Copies `values`; their number must be that of the shape.
  static Tensor of(const Shape& shape, std::span<const float> values);
  static Tensor of(const Shape& shape, std::span<const double> values);
  static Tensor scalar(double value, DType dtype = DType::kF32);
  /// Borrows memory that `owner` keeps alive (a memory map). Nobody may write through it if it is read-only.
  static Tensor borrow(const Shape& shape, DType dtype, const std::byte* data, std::shared_ptr<const void> owner);

  bool defined() const noexcept { return storage_ != nullptr; }
  const Shape& shape() const noexcept { return shape_; }
  DType dtype() const noexcept { return dtype_; }
  size_t elements() const noexcept { return shape_.elements(); }
  size_t bytes() const noexcept { return shape_.elements() * size_of(dtype_); }
  const std::byte* data() const noexcept { return data_; }
  std::byte* data() noexcept { return data_; }

  /// The numbers as T. Throws Error{kInvalidArgument} if T is not the dtype. Valid while a tensor shares the memory.
  template <class T>
  std::span<const T> values() const {
    check_dtype(dtype_of<T>());
    return {reinterpret_cast<const T*>(data_), elements()};
  }
  template <class T>
  std::span<T> values() {
    check_dtype(dtype_of<T>());
    return {reinterpret_cast<T*>(data_), elements()};
  }
  /// The only number of a one-element f32 or f64 tensor.
  double item() const;

  /// The same memory under another shape with as many elements.
  Tensor reshaped(const Shape& shape) const;
  /// Items [begin, end) of the outermost axis; shares the memory.
  Tensor rows(size_t begin, size_t end) const;
  Tensor clone() const;
  /// A copy in another float dtype; this one itself when the dtype is the same.
  Tensor to(DType dtype) const;

  /// True when nobody else holds this memory, so that its owner may write to it.
  bool is_unique() const noexcept { return storage_.use_count() == 1; }

  std::string text() const;  ///< "f32 [2, 3]"

 private:
  void check_dtype(DType wanted) const;

  std::shared_ptr<const void> storage_;
  std::byte* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::kF32;
};

/// sum += addend, element by element; same float dtype and shape. What accumulating gradients needs.
void add_into(Tensor& sum, const Tensor& addend);

}  // namespace shenbi::tensor
