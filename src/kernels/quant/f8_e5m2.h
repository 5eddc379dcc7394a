#pragma once
// F8_E5M2: the upper byte of an IEEE half, infinities and NaN included. A safetensors type; GGUF has no number for it.

#include "base/float16.h"
#include "kernels/quant_type.h"

namespace shenbi::kernels::quant {

inline QuantType f8_e5m2() {
  return {.name = "F8_E5M2",
          .gguf_id = kFirstNonGgufTypeId + 3,
          .block_elements = 1,
          .block_bytes = 1,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) {
              out[i] = f16_to_f32(static_cast<uint16_t>(std::to_integer<uint16_t>(in[i]) << 8));
            }
          }};
}

}  // namespace shenbi::kernels::quant
