#pragma once
// I16: signed 16-bit integers, little-endian. GGUF id 25. Read only: no weights are multiplied in it.

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType i16() {
  return {.name = "I16",
          .gguf_id = 25,
          .block_elements = 1,
          .block_bytes = 2,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i)
              out[i] = static_cast<float>(load_block<int16_t>(in + i * sizeof(int16_t)));
          }};
}

}  // namespace shenbi::kernels::quant
