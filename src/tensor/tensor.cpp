#include "tensor/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/float16.h"

namespace shenbi::tensor {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector register

std::shared_ptr<std::byte> allocate(const Shape& shape, DType dtype) {
  size_t bytes = 0;
  void* memory = nullptr;
  if (!__builtin_mul_overflow(shape.elements(), size_of(dtype), &bytes))
    memory = ::operator new(std::max<size_t>(bytes, 1), kAlignment, std::nothrow);
  if (memory == nullptr)
    throw Error(Code::kOutOfMemory, fmt::format("tensor: no memory for {} {}", name_of(dtype), shape.text()));
  return {static_cast<std::byte*>(memory), [](std::byte* p) { ::operator delete(p, kAlignment); }};
}

template <class T>
Tensor copy_of(const Shape& shape, std::span<const T> values) {
  if (values.size() != shape.elements())
    throw Error(Code::kInvalidArgument, fmt::format("tensor: {} values for shape {}", values.size(), shape.text()));
  Tensor tensor = Tensor::uninitialized(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), tensor.values<T>().begin());
  return tensor;
}

template <class T>
T load(const std::byte* data, size_t i) noexcept {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void store(std::byte* data, size_t i, T value) noexcept {
  std::memcpy(data + i * sizeof(T), &value, sizeof(T));
}

double load_as_double(const std::byte* data, DType dtype, size_t i) noexcept {
  switch (dtype) {
    case DType::kF64:
      return load<double>(data, i);
    case DType::kF16:
      return f16_to_f32(load<uint16_t>(data, i));
    case DType::kBf16:
      return bf16_to_f32(load<uint16_t>(data, i));
    default:
      return load<float>(data, i);
  }
}

void store_double(std::byte* data, DType dtype, size_t i, double value) noexcept {
  switch (dtype) {
    case DType::kF64:
      return store(data, i, value);
    case DType::kF16:
      return store(data, i, f32_to_f16(static_cast<float>(value)));
    case DType::kBf16:
      return store(data, i, f32_to_bf16(static_cast<float>(value)));
    default:
      return store(data, i, static_cast<float>(value));
  }
}

bool is_float(DType dtype) noexcept { return dtype <= DType::kBf16; }

template <class T>
void add_values(Tensor& sum, const Tensor& addend) {
  const auto to = sum.values<T>();
  const auto from = addend.values<T>();
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

std::string_view name_of(DType dtype) noexcept {
  constexpr std::string_view kNames[] = {"f32", "f64", "f16", "bf16", "i64", "i32", "u8"};
  return kNames[static_cast<size_t>(dtype)];
}

Tensor Tensor::uninitialized(const Shape& shape, DType dtype) {
  auto memory = allocate(shape, dtype);
  std::byte* const data = memory.get();
  return borrow(shape, dtype, data, std::move(memory));
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor tensor = uninitialized(shape, dtype);
  std::memset(tensor.data_, 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::of(const Shape& shape, std::span<const float> values) { return copy_of(shape, values); }
Tensor Tensor::of(const Shape& shape, std::span<const double> values) { return copy_of(shape, values); }

Tensor Tensor::scalar(double value, DType dtype) {
  if (!is_float(dtype)) throw Error(Code::kInvalidArgument, fmt::format("tensor: scalar of {}", name_of(dtype)));
  Tensor tensor = uninitialized({}, dtype);
  store_double(tensor.data_, dtype, 0, value);
  return tensor;
}

Tensor Tensor::borrow(const Shape& shape, DType dtype, const std::byte* data, std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.storage_ = std::move(owner);
  tensor.data_ = const_cast<std::byte*>(data);
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

double Tensor::item() const {
  if (elements() != 1 || !is_float(dtype_) || !defined())
    throw Error(Code::kInvalidArgument, fmt::format("tensor: item() of {}", text()));
  return load_as_double(data_, dtype_, 0);
}

Tensor Tensor::reshaped(const Shape& shape) const {
  if (shape.elements() != elements())
    throw Error(Code::kInvalidArgument, fmt::format("reshape: {} does not fit {}", text(), shape.text()));
  Tensor tensor = *this;
  tensor.shape_ = shape;
  return tensor;
}

Tensor Tensor::rows(size_t begin, size_t end) const {
  if (shape_.rank() == 0 || begin > end || end > shape_[0])
    throw Error(Code::kInvalidArgument, fmt::format("tensor: rows {} to {} of {}", begin, end, text()));
  Tensor tensor = *this;
  tensor.shape_ = shape_.with(0, end - begin);
  if (shape_[0] != 0) tensor.data_ += bytes() / shape_[0] * begin;
  return tensor;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy = uninitialized(shape_, dtype_);
  std::memcpy(copy.data_, data_, bytes());
  return copy;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_ || !defined()) return *this;
  if (!is_float(dtype) || !is_float(dtype_))
    throw Error(Code::kInvalidArgument, fmt::format("tensor: {} cannot become {}", text(), name_of(dtype)));
  Tensor copy = uninitialized(shape_, dtype);
  for (size_t i = 0; i < elements(); ++i) store_double(copy.data_, dtype, i, load_as_double(data_, dtype_, i));
  return copy;
}

std::string Tensor::text() const { return fmt::format("{} {}", name_of(dtype_), shape_.text()); }

void Tensor::check_dtype(DType wanted) const {
  if (wanted != dtype_ || !defined())
    throw Error(Code::kInvalidArgument,
                fmt::format("tensor: {} read as {}", defined() ? text() : "an empty tensor", name_of(wanted)));
}

void add_into(Tensor& sum, const Tensor& addend) {
  if (sum.shape() != addend.shape() || sum.dtype() != addend.dtype())
    throw Error(Code::kInvalidArgument, fmt::format("add_into: {} and {}", sum.text(), addend.text()));
  sum.dtype() == DType::kF64 ? add_values<double>(sum, addend) : add_values<float>(sum, addend);
}

}  // namespace shenbi::tensor
