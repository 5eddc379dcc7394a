#include "kernels/attention.h"

#include <algorithm>

#include "kernels/isa/attention_table.h"
#include "kernels/isa/choose_table.h"

namespace shenbi::kernels {
namespace {

// Rows (queries x heads) of a task: enough that a page, once in the cache, is used long enough to hide its way from
// memory, few enough that their sums (64 rows x 256 dims x 4 bytes = 64 KB) stay in the second-level cache.
constexpr uint32_t kMaxRows = 64;
// Below this many rows the key and value tiles are loaded more often than they are used.
constexpr uint32_t kMinRows = 12;
// Partial results kept apart when few tasks are cut into chunks: 16 MB.
constexpr size_t kMaxPartialFloats = size_t{4} << 20;

constexpr uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

struct Buffer {
  std::unique_ptr<float[]> memory;
  size_t size = 0;
  void reserve(size_t floats) {
    if (floats > size) memory.reset(new float[floats]), size = floats;
  }
};

// A block of queries and heads; with chunks > 0 its chunks are tasks of their own, with partial results at `partials`.
struct Piece {
  uint32_t sequence, kv_head, head, heads, query, queries;
  uint32_t first_chunk = 0, chunks = 0;
  size_t partials = 0;
};

constexpr uint32_t kWhole = UINT32_MAX;
struct Task {
  uint32_t piece;
  uint32_t chunk;  // of the piece, or kWhole
};

}  // namespace

struct AttentionPlan::Impl {
  AttentionShape shape;
  std::vector<AttentionSequence> sequences;
  std::vector<Piece> pieces;
  std::vector<Task> tasks;
  std::vector<uint32_t> merges;  // pieces cut into chunks
  Buffer scratch, partials;
  size_t lane_scratch = 0;

  AttentionBlock block(const Piece& piece, const KvLayer& layer) const noexcept;
  void cut(int lanes);
  void split_chunks(int lanes);
  void deal(int lanes);
};

AttentionPlan::AttentionPlan() : impl_(std::make_unique<Impl>()) {}
AttentionPlan::~AttentionPlan() = default;
AttentionPlan::AttentionPlan(AttentionPlan&&) noexcept = default;
AttentionPlan& AttentionPlan::operator=(AttentionPlan&&) noexcept = default;

AttentionBlock AttentionPlan::Impl::block(const Piece& piece, const KvLayer& layer) const noexcept {
  const AttentionSequence& s = sequences[piece.sequence];
  const auto per_head = [&](const float* values) { return values == nullptr ? nullptr : values + piece.head; };
  return {.layer = reinterpret_cast<const unsigned char*>(layer.base),
          .page_stride = layer.page_stride,
          .key_offset = shape.layout.key_offset(piece.kv_head),
          .value_offset = shape.layout.value_offset(piece.kv_head),
          .pages = s.pages,
          .key_dim = shape.layout.key_dim,
          .value_dim = shape.layout.value_dim,
          .q = s.q + piece.query * s.q_stride + size_t{piece.head} * shape.layout.key_dim,
          .out = s.out + piece.query * s.out_stride + size_t{piece.head} * shape.layout.value_dim,
          .q_stride = s.q_stride,
          .out_stride = s.out_stride,
          .first_position = s.start + piece.query,
          .queries = piece.queries,
          .heads = piece.heads,
          .key_end = s.start + s.count,
          .scale = shape.scale,
          .softcap = shape.softcap,
          .window = shape.window,
          .causal = shape.causal,
          .slopes = per_head(shape.alibi_slopes),
          .sinks = per_head(shape.sinks)};
}

// Cuts the batch into pieces of at most kMaxRows rows; into smaller ones if that leaves lanes without work.
void AttentionPlan::Impl::cut(int lanes) {
  const uint32_t group = shape.num_heads / shape.layout.kv_heads;
  const uint32_t heads = divide_up(group, divide_up(group, kMaxRows));
  uint64_t queries = 0;
  for (const AttentionSequence& s : sequences) queries += s.count;
  const uint64_t rows_each = queries * shape.num_heads / (4 * static_cast<uint64_t>(lanes));
  const uint32_t rows = static_cast<uint32_t>(std::clamp<uint64_t>(rows_each, kMinRows, kMaxRows));
  const uint32_t step = std::max(1u, rows / heads);

  pieces.clear();
  for (uint32_t i = 0; i < sequences.size(); ++i) {
    for (uint32_t query = 0; query < sequences[i].count; query += step) {
      for (uint32_t kv_head = 0; kv_head < shape.layout.kv_heads; ++kv_head) {
        for (uint32_t head = 0; head < group; head += heads) {
          pieces.push_back({.sequence = i,
                            .kv_head = kv_head,
                            .head = kv_head * group + head,
                            .heads = std::min(heads, group - head),
                            .query = query,
                            .queries = std::min(step, sequences[i].count - query)});
        }
      }
    }
  }
}

// A batch of few long pieces (decode) is cut along the keys too. Merging in the order of chunks is what attend() does
// as well, so this changes who computes, not what.
void AttentionPlan::Impl::split_chunks(int lanes) {
  tasks.clear();
  merges.clear();
  const bool few = pieces.size() < 4 * static_cast<size_t>(lanes) && lanes > 1;
  size_t floats = 0;
  for (uint32_t i = 0; i < pieces.size(); ++i) {
    Piece& piece = pieces[i];
    const AttentionBlock b = block(piece, {});
    const uint32_t first = attention_first_key(b, b.first_position) / kAttentionChunk;
    const uint32_t end = (attention_end_key(b, b.first_position + b.queries - 1) - 1) / kAttentionChunk + 1;
    const size_t each = attention_partial_floats(size_t{b.queries} * b.heads, b.value_dim);
    const size_t needed = each * (end - first);
    if (!few || end - first < 2 || floats + needed > kMaxPartialFloats) {
      tasks.push_back({i, kWhole});
      continue;
    }
    piece.first_chunk = first;
    piece.chunks = end - first;
    piece.partials = floats;
    floats += needed;
    for (uint32_t chunk = 0; chunk < piece.chunks; ++chunk) tasks.push_back({i, chunk});
    merges.push_back(i);
  }
  partials.reserve(floats);
}

// The last queries of a prompt see the most keys, and the longest tasks should start first: from the end, one to each
// lane's share after the other.
void AttentionPlan::Impl::deal(int lanes) {
  const std::vector<Task> ascending(tasks);
  const size_t count = tasks.size(), shares = static_cast<size_t>(lanes);
  size_t from = count;
  for (size_t round = 0; from > 0; ++round) {
    for (size_t share = 0; share < shares; ++share) {
      const size_t begin = count * share / shares, end = count * (share + 1) / shares;
      if (begin + round < end) tasks[begin + round] = ascending[--from];
    }
  }
}

void AttentionPlan::prepare(const AttentionShape& shape, std::span<const AttentionSequence> sequences, int lanes) {
  Impl& plan = *impl_;
  plan.shape = shape;
  plan.sequences.assign(sequences.begin(), sequences.end());
  plan.cut(lanes);
  plan.split_chunks(lanes);
  plan.deal(lanes);
  size_t floats = 0;
  for (const Piece& piece : plan.pieces) {
    floats = std::max(floats, attention_scratch_floats(size_t{piece.queries} * piece.heads, shape.layout.value_dim));
  }
  plan.lane_scratch = (floats + 63) / 64 * 64;
  plan.scratch.reserve(plan.lane_scratch * static_cast<size_t>(lanes));
}

size_t attention_tasks(const AttentionPlan& plan) noexcept { return plan.impl().tasks.size(); }
size_t attention_merges(const AttentionPlan& plan) noexcept { return plan.impl().merges.size(); }

void attend_task(const Lane& lane, const AttentionPlan& owner, const KvLayer& layer, size_t i) noexcept {
  const AttentionPlan::Impl& plan = owner.impl();
  const AttentionTable& table = SHENBI_TABLE(attention, chosen_isa());
  float* scratch = plan.scratch.memory.get() + static_cast<size_t>(lane.index()) * plan.lane_scratch;
  const Task& task = plan.tasks[i];
  const Piece& piece = plan.pieces[task.piece];
  const AttentionBlock block = plan.block(piece, layer);
  if (task.chunk == kWhole) return table.attend(block, scratch);
  const size_t each = attention_partial_floats(size_t{block.queries} * block.heads, block.value_dim);
  float* partial = plan.partials.memory.get() + piece.partials + task.chunk * each;
  table.attend_chunk(block, piece.first_chunk + task.chunk, partial, scratch);
}

void attend_merge(const AttentionPlan& owner, const KvLayer& layer, size_t i) noexcept {
  const AttentionPlan::Impl& plan = owner.impl();
  const Piece& piece = plan.pieces[plan.merges[i]];
  SHENBI_TABLE(attention, chosen_isa())
      .merge(plan.block(piece, layer), plan.partials.memory.get() + piece.partials, piece.chunks);
}

void attend_all(Lane& lane, const AttentionPlan& plan, const KvLayer& layer) noexcept {
  lane.pieces(attention_tasks(plan), [&](size_t i) { attend_task(lane, plan, layer, i); });
  const size_t merges = attention_merges(plan);
  if (merges > 0) lane.pieces(merges, [&](size_t i) { attend_merge(plan, layer, i); });
}

}  // namespace shenbi::kernels
