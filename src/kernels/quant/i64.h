#pragma once
// I64: signed 64-bit integers, little-endian; beyond 2^24 the float is the nearest one. GGUF id 27. Read only: no
// weights are multiplied in it.

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType i64() {
  return {.name = "I64",
          .gguf_id = 27,
          .block_elements = 1,
          .block_bytes = 8,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i)
              out[i] = static_cast<float>(load_block<int64_t>(in + i * sizeof(int64_t)));
          }};
}

}  // namespace shenbi::kernels::quant
