#pragma once
// F8_E4M3 ("fn": finite): sign, 4 exponent bits with bias 7, 3 mantissa bits; no infinity, 0x7F and 0xFF are NaN, the
// largest value is 448 (Micikevicius et al. 2022, arXiv 2209.05433). A safetensors type; GGUF has no number for it.

#include <bit>

#include "kernels/quant_type.h"

namespace shenbi::kernels::quant {

constexpr float f8_e4m3_to_f32(uint8_t bits) noexcept {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24;
  const uint32_t exponent = (bits >> 3) & 0xFu, mantissa = bits & 0x7u;
  if (exponent == 0xF && mantissa == 0x7) return std::bit_cast<float>(sign | 0x7FC00000u);
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 120) << 23) | (mantissa << 20));
  // Subnormal: mantissa * 2^-9, a normal float.
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-9f));
}

inline QuantType f8_e4m3() {
  return {.name = "F8_E4M3",
          .gguf_id = kFirstNonGgufTypeId + 2,
          .block_elements = 1,
          .block_bytes = 1,
          .decode = [](const std::byte* in, size_t count, float* out) noexcept {
            for (size_t i = 0; i < count; ++i) out[i] = f8_e4m3_to_f32(std::to_integer<uint8_t>(in[i]));
          }};
}

}  // namespace shenbi::kernels::quant
