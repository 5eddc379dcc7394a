#pragma once
// U8: one byte, 0 to 255. A safetensors type; GGUF has no number for it. Also the container of packed formats (MXFP4
// blocks).

#include "kernels/quant_type.h"

namespace shenbi::kernels::quant {

inline QuantType u8() {
  return {.name = "U8",
          .gguf_id = kFirstNonGgufTypeId + 0,
          .block_elements = 1,
          .block_bytes = 1,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(std::to_integer<uint8_t>(in[i]));
          }};
}

}  // namespace shenbi::kernels::quant
