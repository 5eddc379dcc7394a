#include "kernels/kv_layout.h"

#include <algorithm>
#include <cstring>

#include "base/float16.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kChunkDims = 64;

// Index, in bf16 elements, of dim d of a position inside the key tile of a head.
constexpr size_t key_index(size_t d, size_t position) noexcept {
  return (d / 2 * kKvPagePositions + position) * 2 + d % 2;
}

// Calls body(dim, index in bf16 elements) for every dim of a position inside the value tile of a head.
template <class Body>
void for_each_value(uint32_t value_dim, size_t position, Body body) noexcept {
  for (size_t begin = 0; begin < value_dim; begin += kChunkDims) {
    const size_t padded = (value_dim + size_t{15}) / 16 * 16;
    const size_t width = std::min(kChunkDims, padded - begin);
    const size_t first = begin * kKvPagePositions + position / 2 * width * 2 + position % 2;
    for (size_t i = 0; i < width; ++i) body(begin + i, first + 2 * i);
  }
}

uint16_t* tile(std::byte* page_layer, size_t offset) noexcept {
  return reinterpret_cast<uint16_t*>(page_layer + offset);
}

}  // namespace

void store_kv(const KvLayout& layout, std::byte* page_layer, uint32_t position_in_page, const float* k,
              const float* v) noexcept {
  for (uint32_t head = 0; head < layout.kv_heads; ++head) {
    uint16_t* keys = tile(page_layer, layout.key_offset(head));
    const float* key = k + size_t{head} * layout.key_dim;
    for (size_t d = 0; d < layout.key_dim; ++d) keys[key_index(d, position_in_page)] = f32_to_bf16(key[d]);
    if (layout.key_dim % 2 != 0) keys[key_index(layout.key_dim, position_in_page)] = 0;

    uint16_t* values = tile(page_layer, layout.value_offset(head));
    const float* value = v + size_t{head} * layout.value_dim;
    for_each_value(layout.value_dim, position_in_page, [&](size_t d, size_t index) {
      values[index] = d < layout.value_dim ? f32_to_bf16(value[d]) : uint16_t{0};
    });
  }
}

void load_kv(const KvLayout& layout, const std::byte* page_layer, uint32_t position_in_page, float* k,
             float* v) noexcept {
  for (uint32_t head = 0; head < layout.kv_heads; ++head) {
    const auto* keys = reinterpret_cast<const uint16_t*>(page_layer + layout.key_offset(head));
    for (size_t d = 0; d < layout.key_dim; ++d) {
      k[size_t{head} * layout.key_dim + d] = bf16_to_f32(keys[key_index(d, position_in_page)]);
    }
    const auto* values = reinterpret_cast<const uint16_t*>(page_layer + layout.value_offset(head));
    for_each_value(layout.value_dim, position_in_page, [&](size_t d, size_t index) {
      if (d < layout.value_dim) v[size_t{head} * layout.value_dim + d] = bf16_to_f32(values[index]);
    });
  }
}

}  // namespace shenbi::kernels
