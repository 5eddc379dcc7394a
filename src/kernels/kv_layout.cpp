#include "kernels/kv_layout.h"

#include <algorithm>

#include "base/float16.h"
#include "kernels/isa/attention_table.h"
#include "kernels/isa/choose_table.h"

namespace shenbi::kernels {
namespace {

constexpr size_t kChunkDims = 64;

// Index, in bf16 elements, of dim d of a position inside the key tile of a head.
constexpr size_t key_index(size_t d, size_t position) noexcept {
  return (d / 2 * kKvPagePositions + position) * 2 + d % 2;
}

// Index of dim d inside the value tile; the next dims of its chunk follow at every second element.
constexpr size_t value_index(size_t value_dim, size_t d, size_t position) noexcept {
  const size_t padded = (value_dim + 15) / 16 * 16, begin = d / kChunkDims * kChunkDims;
  const size_t width = std::min(kChunkDims, padded - begin);
  return begin * kKvPagePositions + (position / 2 * width + (d - begin)) * 2 + position % 2;
}

}  // namespace

void store_kv(const KvLayout& layout, std::byte* page_layer, uint32_t position_in_page, const float* k,
              const float* v) noexcept {
  const AttentionTable& table = SHENBI_TABLE(attention, chosen_isa());
  auto* page = reinterpret_cast<unsigned char*>(page_layer);
  for (uint32_t head = 0; head < layout.kv_heads; ++head) {
    table.store_keys(k + size_t{head} * layout.key_dim, layout.key_dim, position_in_page,
                     page + layout.key_offset(head));
    table.store_values(v + size_t{head} * layout.value_dim, layout.value_dim, position_in_page,
                       page + layout.value_offset(head));
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
    for (size_t d = 0; d < layout.value_dim; ++d) {
      v[size_t{head} * layout.value_dim + d] = bf16_to_f32(values[value_index(layout.value_dim, d, position_in_page)]);
    }
  }
}

}  // namespace shenbi::kernels
