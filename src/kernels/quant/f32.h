#pragma once
// F32: IEEE single, little-endian. GGUF id 0.

#include <cstring>

#include "kernels/quant_type.h"

namespace shenbi::kernels::quant {

inline QuantType f32() {
  return {.name = "F32",
          .gguf_id = 0,
          .block_elements = 1,
          .block_bytes = 4,
          // An empty tensor has null pointers, which memcpy may not be given even for no bytes.
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            if (count > 0) std::memcpy(out, in, count * 4);
          },
          .encode = [](const float* in, size_t count, const float*, std::byte* out) noexcept {
            if (count > 0) std::memcpy(out, in, count * 4);
          }};
}

}  // namespace shenbi::kernels::quant
