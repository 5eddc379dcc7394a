// Attention over paged keys and values, written once over sixteen lanes. Included after one of the lanes_*.h and
// math.inl.
//
// A page is worked on in three steps: scores of all rows (the key tile stays in the first-level cache), softmax of each
// row's 32 scores against its running maximum, sums of values of all rows (the value tile stays). Rows go through the
// tiles several at a time, as many as accumulators fit into the registers; what a row gets does not depend on its
// neighbours.

#include "kernels/isa/attention_table.h"

namespace {

using shenbi::kernels::AttentionBlock;
using shenbi::kernels::kAttentionChunk;

constexpr uint32_t kPage = 32;
constexpr int kMaxRowsAtOnce = 6;
constexpr float kNothing = -__builtin_inff();

// Accumulators: rows x halves of a page x 2 (even and odd dims) for scores, rows x 16-dim groups for values.
constexpr int kScoreHalves = kAccumulators >= 24 ? 2 : 1;
constexpr int kScoreRows = kAccumulators / (2 * kScoreHalves);
constexpr int kValueGroups = kAccumulators >= 24 ? 4 : 1;
constexpr int kValueRows = kAccumulators / kValueGroups;
static_assert(kScoreRows <= kMaxRowsAtOnce && kValueRows <= kMaxRowsAtOnce);

struct Partial {
  float* largest;
  float* sum;
  float* values;
};

SHENBI_INLINE size_t padded_values(const AttentionBlock& block) { return (block.value_dim + size_t{15}) / 16 * 16; }

SHENBI_INLINE Partial partial_at(const AttentionBlock& block, float* memory) {
  const size_t rows = size_t{block.queries} * block.heads;
  return {memory, memory + rows, memory + 2 * rows};
}

SHENBI_INLINE float exp_one(float x) {
  float lanes[kLanes];
  store(lanes, exp(broadcast(x)));
  return lanes[0];
}

// scores[r * 32 + position] = q[r] . key(position) for R rows, `Halves` x 16 positions from `keys` on.
template <int R, int Halves>
SHENBI_INLINE void score_tile(const float* const* q, const unsigned char* keys, uint32_t key_dim, ptrdiff_t lead,
                              float* scores) {
  constexpr size_t kLine = kLanes * 4, kPairBytes = kPage * 4;
  Lanes evens[R][Halves], odds[R][Halves];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int h = 0; h < Halves; ++h) evens[r][h] = odds[r][h] = zero();
  }
  uint32_t d = 0;
  for (; d + 1 < key_dim; d += 2, keys += kPairBytes) {
    Lanes key[Halves];
    if (lead != 0) {
#pragma GCC unroll 2
      for (int h = 0; h < Halves; ++h) __builtin_prefetch(keys + lead + h * kLine);
    }
#pragma GCC unroll 2
    for (int h = 0; h < Halves; ++h) key[h] = even(load_pairs(keys + h * kLine));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Lanes factor = broadcast(q[r][d]);
#pragma GCC unroll 2
      for (int h = 0; h < Halves; ++h) evens[r][h] = fma(factor, key[h], evens[r][h]);
    }
#pragma GCC unroll 2
    for (int h = 0; h < Halves; ++h) key[h] = odd(load_pairs(keys + h * kLine));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Lanes factor = broadcast(q[r][d + 1]);
#pragma GCC unroll 2
      for (int h = 0; h < Halves; ++h) odds[r][h] = fma(factor, key[h], odds[r][h]);
    }
  }
  if (d < key_dim) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int h = 0; h < Halves; ++h) {
        evens[r][h] = fma(broadcast(q[r][d]), even(load_pairs(keys + h * kLine)), evens[r][h]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int h = 0; h < Halves; ++h) store(scores + r * kPage + h * kLanes, evens[r][h] + odds[r][h]);
  }
}

template <int R>
void score_rows(const float* const* q, const unsigned char* keys, uint32_t key_dim, ptrdiff_t lead, float* scores) {
  for (int h = 0; h < 2; h += kScoreHalves) {
    score_tile<R, kScoreHalves>(q, keys + h * kLanes * 4, key_dim, lead, scores + h * kLanes);
  }
}

void score_rows(int rows, const float* const* q, const unsigned char* keys, uint32_t key_dim, ptrdiff_t lead,
                float* scores) {
  switch (rows) {
    case 1:
      return score_rows<1>(q, keys, key_dim, lead, scores);
    case 2:
      return score_rows<2>(q, keys, key_dim, lead, scores);
    case 3:
      return score_rows<3 <= kScoreRows ? 3 : 1>(q, keys, key_dim, lead, scores);
    case 4:
      return score_rows<4 <= kScoreRows ? 4 : 1>(q, keys, key_dim, lead, scores);
    case 5:
      return score_rows<5 <= kScoreRows ? 5 : 1>(q, keys, key_dim, lead, scores);
    default:
      return score_rows<kScoreRows>(q, keys, key_dim, lead, scores);
  }
}

// Scores of one row and page -> their exp against the row's running maximum, in place. Positions outside [first, end)
// get 0 whatever their score is. Returns the factor for what the row has summed before.
SHENBI_INLINE float soften(const AttentionBlock& block, uint32_t head, float relative, uint32_t first, uint32_t end,
                           float* scores, float& largest, float* sums) {
  Lanes s[2];
  const Lanes low = broadcast(static_cast<float>(first)), high = broadcast(static_cast<float>(end));
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h) {
    const Lanes slot = lane_index() + broadcast(static_cast<float>(h) * 16.0f);
    Lanes x = load(scores + h * kLanes) * broadcast(block.scale);
    if (block.softcap != 0) x = broadcast(block.softcap) * tanh(x / broadcast(block.softcap));
    if (block.slopes != nullptr) x = fma(broadcast(block.slopes[head]), slot + broadcast(relative), x);
    s[h] = select(slot < low, broadcast(kNothing), select(slot < high, x, broadcast(kNothing)));
  }
  const float here = reduce_max(max(s[0], s[1]));
  const float factor = here > largest ? exp_one(largest - here) : 1.0f;  // exp(0) is exactly 1
  if (here > largest) largest = here;
  const Lanes offset = broadcast(largest);
  const Lanes p0 = exp(s[0] - offset), p1 = exp(s[1] - offset);
  store(scores, p0);
  store(scores + kLanes, p1);
  store(sums, fma(load(sums), broadcast(factor), p0 + p1));
  return factor;
}

// values[r] = values[r] * factors[r] + sum over positions [first, end) of p[r * 32 + position] * value(position),
// ascending, for R rows and `Groups` x 16 dims from `tile` on, where a pair of positions takes `pair_bytes`.
template <int R, int Groups>
SHENBI_INLINE void value_tile(const float* p, const float* factors, const unsigned char* tile, size_t pair_bytes,
                              ptrdiff_t lead, uint32_t first, uint32_t end, float* values, size_t stride) {
  constexpr size_t kLine = kLanes * 4;
  Lanes sum[R][Groups];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) {
      sum[r][g] = load(values + static_cast<size_t>(r) * stride + g * kLanes) * broadcast(factors[r]);
    }
  }
  const auto add_even = [&](uint32_t t) __attribute__((always_inline)) {
    const unsigned char* pairs = tile + t / 2 * pair_bytes;
    Lanes value[Groups];
    if (lead != 0) {
#pragma GCC unroll 4
      for (int g = 0; g < Groups; ++g) __builtin_prefetch(pairs + lead + g * kLine);
    }
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) value[g] = even(load_pairs(pairs + g * kLine));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Lanes weight = broadcast(p[r * kPage + t]);
#pragma GCC unroll 4
      for (int g = 0; g < Groups; ++g) sum[r][g] = fma(weight, value[g], sum[r][g]);
    }
  };
  const auto add_odd = [&](uint32_t t) __attribute__((always_inline)) {
    const unsigned char* pairs = tile + t / 2 * pair_bytes;
    Lanes value[Groups];
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) value[g] = odd(load_pairs(pairs + g * kLine));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Lanes weight = broadcast(p[r * kPage + t]);
#pragma GCC unroll 4
      for (int g = 0; g < Groups; ++g) sum[r][g] = fma(weight, value[g], sum[r][g]);
    }
  };
  uint32_t t = first;
  if (t % 2 != 0 && t < end) add_odd(t++);
  for (; t + 1 < end; t += 2) {
    add_even(t);
    add_odd(t + 1);
  }
  if (t < end) add_even(t);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) store(values + static_cast<size_t>(r) * stride + g * kLanes, sum[r][g]);
  }
}

// All dims of R rows: chunks of 64 dims, each [16 pairs][width][2], then in the last chunk what is left.
template <int R>
void value_rows(const float* p, const float* factors, const unsigned char* tile, ptrdiff_t lead, uint32_t first,
                uint32_t end, float* values, size_t padded) {
  for (size_t begin = 0; begin < padded; begin += 64) {
    const size_t width = padded - begin < 64 ? padded - begin : 64;
    const unsigned char* chunk = tile + begin * kPage * 2;
    size_t d = 0;
    for (; d + kValueGroups * kLanes <= width; d += kValueGroups * kLanes) {
      value_tile<R, kValueGroups>(p, factors, chunk + d * 4, width * 4, lead, first, end, values + begin + d, padded);
    }
    for (; d < width; d += kLanes) {
      value_tile<R, 1>(p, factors, chunk + d * 4, width * 4, lead, first, end, values + begin + d, padded);
    }
  }
}

void value_rows(int rows, const float* p, const float* factors, const unsigned char* tile, ptrdiff_t lead,
                uint32_t first, uint32_t end, float* values, size_t padded) {
  switch (rows) {
    case 1:
      return value_rows<1>(p, factors, tile, lead, first, end, values, padded);
    case 2:
      return value_rows<2>(p, factors, tile, lead, first, end, values, padded);
    case 3:
      return value_rows<3 <= kValueRows ? 3 : 1>(p, factors, tile, lead, first, end, values, padded);
    case 4:
      return value_rows<4 <= kValueRows ? 4 : 1>(p, factors, tile, lead, first, end, values, padded);
    case 5:
      return value_rows<5 <= kValueRows ? 5 : 1>(p, factors, tile, lead, first, end, values, padded);
    default:
      return value_rows<kValueRows>(p, factors, tile, lead, first, end, values, padded);
  }
}

SHENBI_INLINE uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
SHENBI_INLINE uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

struct Scratch {
  float* scores;   // [rows, 32]
  float* sums;     // [rows, 16]
  float* factors;  // [rows]
};

// The queries [begin, end) that see something of positions [from, to). Ranges of neighbouring queries move upwards
// only, so these queries are neighbours too.
struct Range {
  uint32_t begin, end;
};
SHENBI_INLINE Range queries_that_see(const AttentionBlock& block, uint32_t from, uint32_t to) {
  uint32_t begin = 0, end = block.queries;
  while (begin < end && attention_end_key(block, block.first_position + begin) <= from) ++begin;
  while (end > begin && attention_first_key(block, block.first_position + end - 1) >= to) --end;
  return {begin, end};
}

// Positions that any query of the block sees.
SHENBI_INLINE Range keys_of(const AttentionBlock& block) {
  return {attention_first_key(block, block.first_position),
          attention_end_key(block, block.first_position + block.queries - 1)};
}

void attend_page(const AttentionBlock& block, uint32_t page, Partial partial, Scratch scratch) {
  const uint32_t from = page * kPage;
  const Range seen = queries_that_see(block, from, from + kPage);
  if (seen.begin == seen.end) return;
  const unsigned char* tiles = block.layer + block.pages[page] * block.page_stride;
  const uint32_t first_row = seen.begin * block.heads, end_row = seen.end * block.heads;
  // In decode a page is used once, as it comes from memory: while the keys are read their values are called for, and
  // with the values the keys of the next page (0: nothing to call for).
  const bool once = end_row - first_row <= kMaxRowsAtOnce;
  const bool more = page < (keys_of(block).end - 1) / kPage;
  const ptrdiff_t to_values = once ? static_cast<ptrdiff_t>(block.value_offset - block.key_offset) : 0;
  const ptrdiff_t to_next =
      once && more
          ? (block.layer + block.pages[page + 1] * block.page_stride + block.key_offset) - (tiles + block.value_offset)
          : 0;

  for (uint32_t row = first_row; row < end_row; row += kScoreRows) {
    const int count = static_cast<int>(smaller(kScoreRows, end_row - row));
    const float* q[kScoreRows];
    for (int i = 0; i < count; ++i) {
      const uint32_t r = row + static_cast<uint32_t>(i);
      q[i] = block.q + r / block.heads * block.q_stride + size_t{r % block.heads} * block.key_dim;
    }
    score_rows(count, q, tiles + block.key_offset, block.key_dim, to_values, scratch.scores + size_t{row} * kPage);
  }

  uint32_t first = kPage, end = 0;  // of the slots that any row sees: all others may hold anything
  for (uint32_t query = seen.begin; query < seen.end; ++query) {
    const uint32_t position = block.first_position + query;
    const uint32_t low = larger(attention_first_key(block, position), from) - from;
    const uint32_t high = smaller(attention_end_key(block, position), from + kPage) - from;
    first = smaller(first, low);
    end = larger(end, high);
    // Slot + relative = key position - query position.
    const float relative = static_cast<float>(static_cast<int64_t>(from) - static_cast<int64_t>(position));
    for (uint32_t head = 0; head < block.heads; ++head) {
      const size_t row = size_t{query} * block.heads + head;
      scratch.factors[row] = soften(block, head, relative, low, high, scratch.scores + row * kPage,
                                    partial.largest[row], scratch.sums + row * kLanes);
    }
  }

  const size_t padded = padded_values(block);
  for (uint32_t row = first_row; row < end_row; row += kValueRows) {
    value_rows(static_cast<int>(smaller(kValueRows, end_row - row)), scratch.scores + size_t{row} * kPage,
               scratch.factors + row, tiles + block.value_offset, to_next, first, end, partial.values + row * padded,
               padded);
  }
}

Scratch scratch_at(const AttentionBlock& block, float* memory) {
  const size_t rows = size_t{block.queries} * block.heads;
  return {memory, memory + rows * kPage, memory + rows * (kPage + kLanes)};
}

void attend_chunk(const AttentionBlock& block, uint32_t chunk, float* memory, float* scratch_memory) {
  const size_t rows = size_t{block.queries} * block.heads;
  const Partial partial = partial_at(block, memory);
  const Scratch scratch = scratch_at(block, scratch_memory);
  for (size_t r = 0; r < rows; ++r) partial.largest[r] = kNothing;
  std::memset(partial.values, 0, rows * padded_values(block) * sizeof(float));
  std::memset(scratch.sums, 0, rows * kLanes * sizeof(float));

  const Range keys = keys_of(block);
  const uint32_t from = larger(keys.begin, chunk * kAttentionChunk);
  // The end of the chunk may be 2^32, which is why it is compared from below.
  const uint32_t last = smaller(keys.end - 1, chunk * kAttentionChunk + (kAttentionChunk - 1));
  for (uint32_t page = from / kPage; page <= last / kPage; ++page) attend_page(block, page, partial, scratch);
  for (size_t r = 0; r < rows; ++r) partial.sum[r] = reduce_add(load(scratch.sums + r * kLanes));
}

// into = into + from, for each row: both are sums of exp(score - own largest).
void merge_partial(const AttentionBlock& block, float* into_memory, float* from_memory) {
  const Partial into = partial_at(block, into_memory), from = partial_at(block, from_memory);
  const size_t rows = size_t{block.queries} * block.heads, padded = padded_values(block);
  for (size_t r = 0; r < rows; ++r) {
    if (from.largest[r] == kNothing) continue;
    const float largest = into.largest[r] > from.largest[r] ? into.largest[r] : from.largest[r];
    const float old_factor = exp_one(into.largest[r] - largest), new_factor = exp_one(from.largest[r] - largest);
    into.largest[r] = largest;
    into.sum[r] = into.sum[r] * old_factor + from.sum[r] * new_factor;
    const Lanes of_old = broadcast(old_factor), of_new = broadcast(new_factor);
    float* a = into.values + r * padded;
    const float* b = from.values + r * padded;
    for (size_t d = 0; d < padded; d += kLanes) store(a + d, fma(load(b + d), of_new, load(a + d) * of_old));
  }
}

// Sums -> means. A sink adds to the sum of weights only.
void finish(const AttentionBlock& block, float* memory) {
  const Partial partial = partial_at(block, memory);
  const size_t padded = padded_values(block);
  for (uint32_t query = 0; query < block.queries; ++query) {
    for (uint32_t head = 0; head < block.heads; ++head) {
      const size_t row = size_t{query} * block.heads + head;
      float factor = 1.0f, sum = partial.sum[row];
      if (block.sinks != nullptr) {
        const float sink = block.sinks[head], own = partial.largest[row];
        const float largest = sink > own ? sink : own;
        factor = exp_one(own - largest);
        sum = sum * factor + exp_one(sink - largest);
      }
      const Lanes weight = broadcast(factor / sum);
      float* out = block.out + query * block.out_stride + size_t{head} * block.value_dim;
      const float* values = partial.values + row * padded;
      size_t d = 0;
      // Adding 0 turns -0 into 0: which of them an all-zero sum is depends on the slots that were passed over.
      for (; d + kLanes <= block.value_dim; d += kLanes) store(out + d, load(values + d) * weight + zero());
      if (d < block.value_dim) store_first(out + d, block.value_dim - d, load(values + d) * weight + zero());
    }
  }
}

void merge(const AttentionBlock& block, float* partials, size_t chunks) {
  const size_t floats = shenbi::kernels::attention_partial_floats(size_t{block.queries} * block.heads, block.value_dim);
  for (size_t i = 1; i < chunks; ++i) merge_partial(block, partials, partials + i * floats);
  finish(block, partials);
}

void attend(const AttentionBlock& block, float* memory) {
  const size_t rows = size_t{block.queries} * block.heads;
  float* total = memory + rows * (kPage + kLanes + 1);
  float* part = total + shenbi::kernels::attention_partial_floats(rows, block.value_dim);
  const Range keys = keys_of(block);
  const uint32_t first = keys.begin / kAttentionChunk, last = (keys.end - 1) / kAttentionChunk;
  attend_chunk(block, first, total, memory);
  for (uint32_t chunk = first + 1; chunk <= last; ++chunk) {
    attend_chunk(block, chunk, part, memory);
    merge_partial(block, total, part);
  }
  finish(block, total);
}

void store_keys(const float* keys, size_t dims, uint32_t position, unsigned char* tile) {
  unsigned char* slot = tile + size_t{position} * 4;
  for (size_t d = 0; d < dims; d += 2 * kLanes) {
    const size_t count = dims - d < 2 * kLanes ? dims - d : 2 * kLanes;
    float tail[2 * kLanes] = {};
    if (count < 2 * kLanes) std::memcpy(tail, keys + d, count * sizeof(float));
    Lanes evens, odds;
    load_split(count < 2 * kLanes ? tail : keys + d, evens, odds);
    uint32_t pairs[kLanes];
    store_pairs(pairs, make_pairs(evens, odds));
    for (size_t i = 0; i < (count + 1) / 2; ++i) std::memcpy(slot + (d / 2 + i) * kPage * 4, &pairs[i], 4);
  }
}

void store_values(const float* values, size_t dims, uint32_t position, unsigned char* tile) {
  const size_t padded = (dims + 15) / 16 * 16;
  for (size_t d = 0; d < padded; d += kLanes) {
    const size_t chunk = d / 64 * 64, width = padded - chunk < 64 ? padded - chunk : 64;
    const Lanes lanes = dims - d < kLanes ? load_first(values + d, dims - d) : load(values + d);
    uint32_t pairs[kLanes];
    store_pairs(pairs, make_pairs(lanes, lanes));
    // Single elements, because another thread may be writing the other position of these pairs.
    unsigned char* slot = tile + chunk * kPage * 2 + (position / 2 * width + (d - chunk)) * 4 + position % 2 * 2;
    for (size_t i = 0; i < kLanes; ++i) std::memcpy(slot + i * 4, &pairs[i], 2);
  }
}

constexpr shenbi::kernels::AttentionTable kAttention = {.store_keys = store_keys,
                                                        .store_values = store_values,
                                                        .attend = attend,
                                                        .attend_chunk = attend_chunk,
                                                        .merge = merge};

}  // namespace
