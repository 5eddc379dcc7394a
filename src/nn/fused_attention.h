#pragma once
// Attention of the inference path: what happens to a token between the projections and the paged attention kernel.

#include <cstddef>
#include <cstdint>

#include "kernels/kv_layout.h"
#include "kernels/rows.h"
#include "nn/fused_linear.h"
#include "nn/fused_norm.h"
#include "nn/spec.h"

namespace shenbi::nn {

struct FusedAttention {
  AttentionSpec spec;
  FusedLinear query, key, value, output;
  FusedNorm query_norm, key_norm;
  kernels::KvLayout layout;
  FormSet input_forms;   ///< what query, key and value want
  FormSet output_forms;  ///< what output wants

  size_t query_width() const noexcept { return size_t{spec.num_heads} * spec.head_dim; }
  size_t key_width() const noexcept { return size_t{spec.num_kv_heads} * spec.head_dim; }
  size_t value_width() const noexcept { return size_t{spec.num_kv_heads} * spec.value_dim; }
  size_t mixed_width() const noexcept { return size_t{spec.num_heads} * spec.value_dim; }

  /// One token, in place: biases, norms of query and key, RoPE; then key and value go to `page_layer`, the layer's part
  /// of the page that holds `position`. `table` is that of spec.rope, or null.
  void place_token(float* q, float* k, float* v, const kernels::RopeTable* table, uint32_t position,
                   std::byte* page_layer) const noexcept;
};

}  // namespace shenbi::nn
