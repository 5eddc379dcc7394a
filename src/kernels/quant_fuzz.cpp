// Any bytes are a legal block of any type: decode and split must stay inside them and agree; any floats must encode to
// blocks that decode to finite numbers (the float types themselves excepted).
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/quant_type.h"

using namespace shenbi::kernels;

namespace {

uint32_t bits(float value) { return std::isnan(value) ? 0x7FC00000u : std::bit_cast<uint32_t>(value); }

void decode_any(const QuantType& type, const uint8_t* data, size_t size) {
  const size_t blocks = size / type.block_bytes, elements = blocks * type.block_elements;
  // Exactly as large as the blocks, so that the sanitizer sees one byte beyond.
  auto copy = std::make_unique<std::byte[]>(blocks * type.block_bytes);
  std::memcpy(copy.get(), data, blocks * type.block_bytes);
  auto values = std::make_unique<float[]>(elements);
  type.decode(copy.get(), blocks, values.get());
  if (!type.split) return;
  auto q = std::make_unique<int8_t[]>(elements);
  auto scale = std::make_unique<float[]>(elements / 16), min = std::make_unique<float[]>(elements / 16);
  type.split(copy.get(), blocks, q.get(), scale.get(), min.get());
  for (size_t i = 0; i < elements; ++i) {
    if (bits(scale[i / 16] * q[i] - min[i / 16]) != bits(values[i])) std::abort();
  }
}

void encode_any(const QuantType& type, const uint8_t* data, size_t size, bool with_importance) {
  if (!type.encode) return;
  const size_t parts = with_importance ? 2 : 1;
  const size_t blocks = size / (4 * parts) / type.block_elements, elements = blocks * type.block_elements;
  auto values = std::make_unique<float[]>(elements), importance = std::make_unique<float[]>(elements);
  std::memcpy(values.get(), data, 4 * elements);
  if (with_importance) std::memcpy(importance.get(), data + 4 * elements, 4 * elements);
  auto out = std::make_unique<std::byte[]>(blocks * type.block_bytes);
  type.encode(values.get(), blocks, with_importance ? importance.get() : nullptr, out.get());
  type.decode(out.get(), blocks, values.get());
  for (size_t i = 0; i < elements; ++i) {
    if (type.block_elements > 1 && !std::isfinite(values[i])) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto& types = all_quant_types();
  const QuantType& type = *types[data[0] % types.size()];
  const uint8_t what = data[1];
  data += 2;
  size -= 2;
  if (what % 3 == 0) {
    decode_any(type, data, size);
  } else {
    encode_any(type, data, size, what % 3 == 1);
  }
  return 0;
}
