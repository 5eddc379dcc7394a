#include "nn/alibi.h"
#include "nn/compose.h"
#include "ops/attention.h"
#include "ops/layout.h"
#include "ops/rope.h"
#include "ops/round.h"

namespace shenbi::nn {
namespace {

using tensor::Shape;

/// Queries or keys: projected, normalised where the spec says so, cut into heads, turned. -> [tokens, heads, head_dim]
Variable positioned(const Scope& scope, const std::string& name, uint32_t heads, const AttentionSpec& spec,
                    const NormSpec& norm, const Variable& x, const Sequences& sequences) {
  const auto normed = [&](const Variable& y) { return compose_norm(scope, name + "_norm", norm, y); };
  Variable y = compose_linear(scope, name, x);
  if (spec.qk_norm == QkNorm::kFullWidth) y = normed(y);
  y = ops::reshape(y, Shape{y.shape().rows(), heads, spec.head_dim});
  if (spec.qk_norm == QkNorm::kPerHead) y = normed(y);
  if (spec.rope) {
    const RopeSpec& rope = *spec.rope;
    y = ops::rope(y, sequences.positions,
                  {rope.inverse_frequencies, rope.magnitude, rope.order == RopeOrder::kAdjacent});
  }
  if (spec.qk_norm == QkNorm::kPerHeadAfterRope) y = normed(y);
  return y;
}

}  // namespace

Variable compose_attention(const Scope& scope, const AttentionSpec& spec, const NormSpec& norm, const Variable& x,
                           const Sequences& sequences) {
  const Variable q = positioned(scope, "query", spec.num_heads, spec, norm, x, sequences);
  Variable k = positioned(scope, "key", spec.num_kv_heads, spec, norm, x, sequences);
  Variable v = compose_linear(scope, "value", x);
  v = ops::reshape(v, Shape{v.shape().rows(), spec.num_kv_heads, spec.value_dim});

  if (sequences.bf16_cache) k = ops::round_bf16(k), v = ops::round_bf16(v);

  ops::AttentionOptions options{
      .scale = spec.scale, .softcap = spec.softcap, .window = spec.window, .lengths = sequences.lengths};
  if (spec.alibi) options.alibi_slopes = alibi_slopes(spec.num_heads);
  const Variable y = ops::attention(q, k, v, options);
  return compose_linear(scope, "attention_output",
                        ops::reshape(y, Shape{y.shape()[0], size_t{spec.num_heads} * spec.value_dim}));
}

}  // namespace shenbi::nn
