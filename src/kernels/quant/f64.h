#pragma once
// F64: IEEE double, little-endian; rounded to the nearest float. GGUF id 28. Read only: no weights are multiplied in
// it.

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType f64() {
  return {.name = "F64",
          .gguf_id = 28,
          .block_elements = 1,
          .block_bytes = 8,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load_block<double>(in + i * sizeof(double)));
          }};
}

}  // namespace shenbi::kernels::quant
