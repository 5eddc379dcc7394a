#pragma once
// Element types of tensors in memory. (Block-quantised weights are not tensors: they are kernels::QuantType rows and
// become tensors when decoded.)

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace shenbi::tensor {

enum class DType : uint8_t { kF32, kF64, kF16, kBf16, kI64, kI32, kU8 };

constexpr size_t size_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBf16:
      return 2;
    case DType::kU8:
      return 1;
  }
  return 0;
}

/// "f32", "bf16", ... as error messages print it.
std::string_view name_of(DType dtype) noexcept;

/// The dtype of a C++ type. f16 and bf16 have none: they are storage only, arithmetic runs in f32 or f64.
template <class T>
constexpr DType dtype_of() noexcept {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kU8;
}

}  // namespace shenbi::tensor
