#pragma once
// BOOL: one byte, anything but 0 is true. A safetensors type; GGUF has no number for it.

#include "kernels/quant_type.h"

namespace shenbi::kernels::quant {

inline QuantType boolean() {
  return {.name = "BOOL",
          .gguf_id = kFirstNonGgufTypeId + 1,
          .block_elements = 1,
          .block_bytes = 1,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) out[i] = in[i] == std::byte{0} ? 0.0f : 1.0f;
          }};
}

}  // namespace shenbi::kernels::quant
