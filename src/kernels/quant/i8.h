#pragma once
// I8: signed bytes. GGUF id 24. Read only: no weights are multiplied in it.

#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType i8() {
  return {.name = "I8",
          .gguf_id = 24,
          .block_elements = 1,
          .block_bytes = 1,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load_block<int8_t>(in + i * sizeof(int8_t)));
          }};
}

}  // namespace shenbi::kernels::quant
