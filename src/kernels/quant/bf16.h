#pragma once
// BF16: the upper 16 bits of an IEEE single, little-endian. GGUF id 30.

#include "base/float16.h"
#include "kernels/quant_block.h"

namespace shenbi::kernels::quant {

inline QuantType bf16() {
  return {.name = "BF16",
          .gguf_id = 30,
          .block_elements = 1,
          .block_bytes = 2,
          .decode =
              [](const std::byte* in, size_t count, float* out) noexcept {
                for (size_t i = 0; i < count; ++i) out[i] = bf16_to_f32(load_block<uint16_t>(in + 2 * i));
              },
          .encode =
              [](const float* in, size_t count, const float*, std::byte* out) noexcept {
                for (size_t i = 0; i < count; ++i) {
                  const uint16_t half = f32_to_bf16(in[i]);
                  std::memcpy(out + 2 * i, &half, 2);
                }
              }};
}

}  // namespace shenbi::kernels::quant
