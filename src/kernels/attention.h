#pragma once
// Scaled dot-product attention over paged keys and values (layout: kernels/kv_layout.h), grouped heads, f32 inside.
//
//   AttentionPlan plan;                                    // once a forward pass and shape, outside the thread region
//   plan.prepare(shape, sequences, team.count());
//   team.run([&](Lane& lane) {
//     for (layer ...) {
//       ... store_kv() of the new positions; lane.barrier();
//       attend_all(lane, plan, {pool.base + layer * layout.page_bytes(), pool.page_bytes});
//     }
//   });
//
// Truth. For one query at position p and one head, scores of the keys it may see are
//     s = scale * (even + odd)       even, odd: fma chains over the even and the odd dims of q.k, ascending
//     s = cap * tanh(s / cap)        if softcap
//     s = fma(slope, key - p, s)     if alibi
// and the sums run over pages of 32 positions in ascending order, starting anew every 32 pages (1024 positions, at
// absolute positions divisible by 1024); the parts are merged in ascending order. Nothing of this depends on how a
// sequence is cut into slices, on the other sequences, on the number of lanes or on the instruction set: the result is
// the same, bit for bit. What lies in slots no query of the slice may see is never read into a result. Details:
// docs/attention.md.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_team.h"
#include "kernels/kv_layout.h"

namespace shenbi::kernels {

/// What a layer's attention is; the same for all sequences of a batch.
struct AttentionShape {
  KvLayout layout;
  uint32_t num_heads = 0;  ///< a multiple of layout.kv_heads; head h reads kv head h / (num_heads / kv_heads)
  float scale = 1.0f;      ///< multiplies q.k
  float softcap = 0;       ///< 0: none
  uint32_t window = 0;     ///< a query sees keys of positions > own - window (and < own + window if not causal); 0: all
  bool causal = true;      ///< false: every query of the slice sees all positions up to the slice's end (encoders)
  const float* alibi_slopes = nullptr;  ///< [num_heads] or null
  const float* sinks = nullptr;  ///< [num_heads] or null: a logit a head that takes part in the softmax without a value
};

/// New positions start .. start + count - 1 of one sequence. Their keys and those of all earlier positions that a query
/// may see lie in the pages when attend_all() runs.
struct AttentionSequence {
  const float* q = nullptr;  ///< [count, num_heads, key_dim], rows q_stride floats apart, positions applied
  size_t q_stride = 0;
  float* out = nullptr;  ///< [count, num_heads, value_dim], rows out_stride floats apart
  size_t out_stride = 0;
  const uint32_t* pages = nullptr;  ///< page ids; entry i holds positions [32i, 32i + 32)
  uint32_t start = 0;
  uint32_t count = 0;
};

/// Where one layer lies: page id p starts at base + p * page_stride.
struct KvLayer {
  const std::byte* base = nullptr;
  size_t page_stride = 0;
};

/// The work of a batch cut into tasks, and the scratch memory for it. prepare() is not thread-safe and allocates only
/// when a batch is larger than any before. The spans' pointees must outlive the attend_all() calls, the spans need not.
class AttentionPlan {
 public:
  AttentionPlan();
  ~AttentionPlan();
  AttentionPlan(AttentionPlan&&) noexcept;
  AttentionPlan& operator=(AttentionPlan&&) noexcept;

  /// Precondition: lanes >= 1; pages hold enough ids; dims and heads are not 0.
  void prepare(const AttentionShape& shape, std::span<const AttentionSequence> sequences, int lanes);

  struct Impl;
  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// One layer is one or two phases of pieces (Lane::pieces): tasks in any order, each by any lane of the `lanes`; then,
// if there are any, merges.
size_t attention_tasks(const AttentionPlan& plan) noexcept;
void attend_task(const Lane& lane, const AttentionPlan& plan, const KvLayer& layer, size_t task) noexcept;
size_t attention_merges(const AttentionPlan& plan) noexcept;
void attend_merge(const AttentionPlan& plan, const KvLayer& layer, size_t merge) noexcept;

/// SPMD: both phases. `out` is complete and visible when it returns.
void attend_all(Lane& lane, const AttentionPlan& plan, const KvLayer& layer) noexcept;

}  // namespace shenbi::kernels
