#pragma once
// I32: signed 32-bit integers, little-endian; beyond 2^24 the float is the nearest one. GGUF id 26. Read only: no
// weights are multiplied in it.

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType i32() {
  return {.name = "I32",
          .gguf_id = 26,
          .block_elements = 1,
          .block_bytes = 4,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i)
              out[i] = static_cast<float>(load_block<int32_t>(in + i * sizeof(int32_t)));
          }};
}

}  // namespace shenbi::kernels::quant
