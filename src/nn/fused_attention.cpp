#include "nn/fused_attention.h"

namespace shenbi::nn {
namespace {

void normalise_heads(const FusedNorm& norm, float* heads, size_t num_heads, size_t head_dim) noexcept {
  norm.apply(heads, num_heads, head_dim, heads);
}

}  // namespace

void FusedAttention::place_token(float* q, float* k, float* v, const kernels::RopeTable* table, uint32_t position,
                                 std::byte* page_layer) const noexcept {
  query.add_bias(q);
  key.add_bias(k);
  value.add_bias(v);
  if (spec.qk_norm == QkNorm::kFullWidth) {
    query_norm.apply(q, 1, query_width(), q);
    key_norm.apply(k, 1, key_width(), k);
  }
  if (spec.qk_norm == QkNorm::kPerHead) {
    normalise_heads(query_norm, q, spec.num_heads, spec.head_dim);
    normalise_heads(key_norm, k, spec.num_kv_heads, spec.head_dim);
  }
  if (spec.rope) {
    const auto pairs = spec.rope->order == RopeOrder::kHalf ? kernels::RopePairs::kHalf : kernels::RopePairs::kAdjacent;
    const float *cos = table->cos(position), *sin = table->sin(position);
    kernels::rope(q, spec.num_heads, spec.head_dim, spec.rope->dims, pairs, cos, sin);
    kernels::rope(k, spec.num_kv_heads, spec.head_dim, spec.rope->dims, pairs, cos, sin);
  }
  if (spec.qk_norm == QkNorm::kPerHeadAfterRope) {
    normalise_heads(query_norm, q, spec.num_heads, spec.head_dim);
    normalise_heads(key_norm, k, spec.num_kv_heads, spec.head_dim);
  }
  kernels::store_kv(layout, page_layer, position % kernels::kKvPagePositions, k, v);
}

}  // namespace shenbi::nn
