// One task is one head of one sequence. It walks over tiles of 64 queries by the keys that any of them may see:
//   S = scale * Q K^T, capped, biased, masked     P = softmax(S)     O = P V
// and back:
//   dP = dO V^T     dS = P * (dP - rowsum(P * dP)), times the slope of the cap, times scale
//   dQ = dS K       dK += dS^T Q       dV += P^T dO
// Tiles come in ascending order, and query heads that share a key head add up in ascending order after all tasks: one
// order of every sum, however many threads.
#include "ops/attention.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/gemm.h"
#include "ops/op.h"
#include "ops/softmax_row.h"

namespace shenbi::ops {
namespace {

// 64 queries: a tile of 64 x 1024 f32 scores is 256 KB, a quarter of a level-2 cache.
constexpr size_t kTileQueries = 64;

struct Sizes {
  size_t tokens, heads, kv_heads, key_dim, value_dim;
  size_t group() const noexcept { return heads / kv_heads; }
};

/// Scores of queries [first_query, first_query + queries) against keys [first_key, first_key + keys) of one sequence.
struct Tile {
  size_t first_query, queries, first_key, keys;
};

/// The keys [begin, end) that one query sees.
struct Seen {
  size_t begin, end;
};
Seen seen_by(size_t query, size_t length, const AttentionOptions& options) noexcept {
  if (!options.causal) return {0, length};
  return {options.window != 0 && query + 1 > options.window ? query + 1 - options.window : 0, query + 1};
}

Tile tile_at(size_t first_query, size_t length, const AttentionOptions& options) noexcept {
  const size_t queries = std::min(kTileQueries, length - first_query);
  const size_t first_key = seen_by(first_query, length, options).begin;
  const size_t end = seen_by(first_query + queries - 1, length, options).end;
  return {first_query, queries, first_key, end - first_key};
}

template <class T>
struct Scratch {
  std::vector<T> p, slope, dp;  ///< [kTileQueries, keys]
};

/// One head of one sequence: where its rows start, and how far apart they lie.
template <class T>
struct Head {
  const T *q, *k, *v;
  size_t q_stride, k_stride, v_stride;
  size_t length, key_dim, value_dim;
  double alibi;
};

/// Scores -> probabilities, in place; `slope`, if given, receives the derivative of the cap.
template <class T>
void probabilities(const Tile& tile, const Head<T>& head, const AttentionOptions& options, T* p, T* slope) noexcept {
  const T scale = static_cast<T>(options.scale), cap = static_cast<T>(options.softcap),
          alibi = static_cast<T>(head.alibi);
  for (size_t i = 0; i < tile.queries; ++i) {
    T* row = p + i * tile.keys;
    const size_t query = tile.first_query + i;
    const Seen seen = seen_by(query, head.length, options);
    const size_t begin = seen.begin - tile.first_key, end = seen.end - tile.first_key;
    for (size_t j = begin; j < end; ++j) {
      T score = row[j] * scale;
      if (options.softcap > 0) {
        const T t = std::tanh(score / cap);
        if (slope) slope[i * tile.keys + j] = 1 - t * t;
        score = cap * t;
      }
      const T distance = static_cast<T>(tile.first_key + j) - static_cast<T>(query);
      row[j] = score + alibi * distance;
    }
    softmax_row(row + begin, end - begin);
    std::fill(row, row + begin, T{0});
    std::fill(row + end, row + tile.keys, T{0});
  }
}

template <class T>
void score(const Tile& tile, const Head<T>& head, const AttentionOptions& options, T* p, T* slope) {
  gemm(Gemm<T>{.layout = GemmLayout::kNT,
               .m = tile.queries,
               .n = tile.keys,
               .k = head.key_dim,
               .a = head.q + tile.first_query * head.q_stride,
               .b = head.k + tile.first_key * head.k_stride,
               .c = p,
               .a_stride = head.q_stride,
               .b_stride = head.k_stride},
       nullptr);
  probabilities(tile, head, options, p, slope);
}

template <class T>
void forward(const Head<T>& head, const AttentionOptions& options, Scratch<T>& scratch, T* out, size_t out_stride) {
  for (size_t first = 0; first < head.length; first += kTileQueries) {
    const Tile tile = tile_at(first, head.length, options);
    score<T>(tile, head, options, scratch.p.data(), nullptr);
    gemm(Gemm<T>{.layout = GemmLayout::kNN,
                 .m = tile.queries,
                 .n = head.value_dim,
                 .k = tile.keys,
                 .a = scratch.p.data(),
                 .b = head.v + tile.first_key * head.v_stride,
                 .c = out + first * out_stride,
                 .b_stride = head.v_stride,
                 .c_stride = out_stride},
         nullptr);
  }
}

/// Where the gradients of one query head go: rows of [tokens, heads, dims], zero before.
template <class T>
struct HeadGradients {
  const T* out;
  T *q, *k, *v;
  size_t key_stride, value_stride;
};

template <class T>
void backward(const Head<T>& head, const AttentionOptions& options, Scratch<T>& scratch, const HeadGradients<T>& d) {
  T *const p = scratch.p.data(), *const dp = scratch.dp.data();
  T* const slope = options.softcap > 0 ? scratch.slope.data() : nullptr;
  for (size_t first = 0; first < head.length; first += kTileQueries) {
    const Tile tile = tile_at(first, head.length, options);
    const T* const d_out = d.out + first * d.value_stride;
    score(tile, head, options, p, slope);
    gemm(Gemm<T>{.layout = GemmLayout::kTN,
                 .m = tile.keys,
                 .n = head.value_dim,
                 .k = tile.queries,
                 .a = p,
                 .b = d_out,
                 .c = d.v + tile.first_key * d.value_stride,
                 .b_stride = d.value_stride,
                 .c_stride = d.value_stride,
                 .accumulate = true},
         nullptr);
    gemm(Gemm<T>{.layout = GemmLayout::kNT,
                 .m = tile.queries,
                 .n = tile.keys,
                 .k = head.value_dim,
                 .a = d_out,
                 .b = head.v + tile.first_key * head.v_stride,
                 .c = dp,
                 .a_stride = d.value_stride,
                 .b_stride = head.v_stride},
         nullptr);
    for (size_t i = 0; i < tile.queries; ++i) {
      const size_t row = i * tile.keys;
      const Seen seen = seen_by(first + i, head.length, options);
      softmax_gradient_row(p + row, dp + row, dp + row, tile.keys);
      for (size_t j = seen.begin - tile.first_key; j < seen.end - tile.first_key; ++j)
        dp[row + j] *= static_cast<T>(options.scale) * (slope ? slope[row + j] : T{1});
    }
    gemm(Gemm<T>{.layout = GemmLayout::kNN,
                 .m = tile.queries,
                 .n = head.key_dim,
                 .k = tile.keys,
                 .a = dp,
                 .b = head.k + tile.first_key * head.k_stride,
                 .c = d.q + first * d.key_stride,
                 .b_stride = head.k_stride,
                 .c_stride = d.key_stride},
         nullptr);
    gemm(Gemm<T>{.layout = GemmLayout::kTN,
                 .m = tile.keys,
                 .n = head.key_dim,
                 .k = tile.queries,
                 .a = dp,
                 .b = head.q + first * head.q_stride,
                 .c = d.k + tile.first_key * d.key_stride,
                 .b_stride = head.q_stride,
                 .c_stride = d.key_stride,
                 .accumulate = true},
         nullptr);
  }
}

/// Runs f(head, first token of the sequence, query head, scratch) for every head of every sequence, in parallel.
template <class T, class F>
void each_head(const Tape& tape, const Sizes& n, const AttentionOptions& options, const Tensor& q, const Tensor& k,
               const Tensor& v, bool back, F&& f) {
  std::vector<size_t> starts(options.lengths.size());
  std::exclusive_scan(options.lengths.begin(), options.lengths.end(), starts.begin(), size_t{0});
  const size_t longest = *std::max_element(options.lengths.begin(), options.lengths.end());
  std::vector<Scratch<T>> scratch(static_cast<size_t>(tape.team().count()));
  for (auto& s : scratch) {
    s.p.resize(kTileQueries * longest);
    if (back) s.dp.resize(kTileQueries * longest);
    if (back && options.softcap > 0) s.slope.resize(kTileQueries * longest);
  }
  const T *queries = q.values<T>().data(), *keys = k.values<T>().data(), *values = v.values<T>().data();
  const size_t q_stride = n.heads * n.key_dim, k_stride = n.kv_heads * n.key_dim, v_stride = n.kv_heads * n.value_dim;
  const auto work = [&](Lane& lane) {
    const auto [begin, end] = lane.share(starts.size() * n.heads);
    for (size_t task = begin; task < end; ++task) {
      const size_t start = starts[task / n.heads], h = task % n.heads, kv = h / n.group();
      const Head<T> head{.q = queries + start * q_stride + h * n.key_dim,
                         .k = keys + start * k_stride + kv * n.key_dim,
                         .v = values + start * v_stride + kv * n.value_dim,
                         .q_stride = q_stride,
                         .k_stride = k_stride,
                         .v_stride = v_stride,
                         .length = options.lengths[task / n.heads],
                         .key_dim = n.key_dim,
                         .value_dim = n.value_dim,
                         .alibi = options.alibi_slopes.empty() ? 0.0 : static_cast<double>(options.alibi_slopes[h])};
      f(head, start, h, scratch[static_cast<size_t>(lane.index())]);
    }
  };
  if (ThreadTeam* team = team_for_product(tape, n.tokens * n.heads, longest, n.key_dim)) return team->run(work);
  ThreadTeam alone(1);
  alone.run(work);
}

/// [tokens, heads, dims] -> [tokens, kv_heads, dims]: query heads that read one key head add up.
Tensor sum_groups(const Tape& tape, const Tensor& x, size_t kv_heads) {
  const size_t tokens = x.shape()[0], group = x.shape()[1] / kv_heads, dims = x.shape()[2];
  if (group == 1) return x;
  Tensor out = Tensor::uninitialized({tokens, kv_heads, dims}, x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
    const T* from = x.values<T>().data();
    T* const to = out.values<T>().data();
    parallel(tape, tokens * kv_heads, group * dims, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row)
        for (size_t j = 0; j < dims; ++j) {
          T sum = 0;
          for (size_t h = 0; h < group; ++h) sum += from[(row * group + h) * dims + j];
          to[row * dims + j] = sum;
        }
    });
  });
  return out;
}

Sizes check(const Variable& q, const Variable& k, const Variable& v, AttentionOptions& options) {
  require_floats("attention", {q, k, v});
  const Shape &a = q.shape(), &b = k.shape(), &c = v.shape();
  require(a.rank() == 3 && b.rank() == 3 && c.rank() == 3 && a[0] == b[0] && a[0] == c[0] && a[2] == b[2] &&
              b[1] == c[1] && b[1] > 0 && a[1] % b[1] == 0,
          "attention: q {}, k {} and v {} do not fit", a.text(), b.text(), c.text());
  require(options.alibi_slopes.empty() || options.alibi_slopes.size() == a[1], "attention: {} slopes for {} heads",
          options.alibi_slopes.size(), a[1]);
  require(options.causal || options.window == 0, "attention: a window of {} without causal order", options.window);
  if (options.lengths.empty()) options.lengths = {a[0]};
  const size_t total = std::accumulate(options.lengths.begin(), options.lengths.end(), size_t{0});
  require(total == a[0], "attention: the sequences have {} tokens, q {}", total, a.text());
  return {.tokens = a[0], .heads = a[1], .kv_heads = b[1], .key_dim = a[2], .value_dim = c[2]};
}

}  // namespace

Variable attention(const Variable& query, const Variable& key, const Variable& value, const AttentionOptions& given) {
  AttentionOptions options = given;
  const Sizes n = check(query, key, value, options);
  const Tensor q = query.value(), k = key.value(), v = value.value();
  Tape& tape = query.tape();
  Tensor out = Tensor::uninitialized({n.tokens, n.heads, n.value_dim}, q.dtype());
  with_type(q.dtype(), [&]<class T>(T) {
    T* const to = out.values<T>().data();
    const size_t stride = n.heads * n.value_dim;
    each_head<T>(tape, n, options, q, k, v, false,
                 [&](const Head<T>& head, size_t start, size_t h, Scratch<T>& scratch) {
                   forward(head, options, scratch, to + start * stride + h * n.value_dim, stride);
                 });
  });

  return tape.record("attention", out, {query, key, value}, [=, &tape](const Tensor& g) {
    Tensor dq = Tensor::uninitialized(q.shape(), q.dtype());
    Tensor dk = Tensor::zeros(q.shape(), q.dtype()), dv = Tensor::zeros({n.tokens, n.heads, n.value_dim}, q.dtype());
    with_type(q.dtype(), [&]<class T>(T) {
      const T* up = g.values<T>().data();
      T *to_q = dq.values<T>().data(), *to_k = dk.values<T>().data(), *to_v = dv.values<T>().data();
      const size_t key_stride = n.heads * n.key_dim, value_stride = n.heads * n.value_dim;
      each_head<T>(
          tape, n, options, q, k, v, true, [&](const Head<T>& head, size_t start, size_t h, Scratch<T>& scratch) {
            const size_t key_at = start * key_stride + h * n.key_dim, value_at = start * value_stride + h * n.value_dim;
            backward(head, options, scratch,
                     HeadGradients<T>{.out = up + value_at,
                                      .q = to_q + key_at,
                                      .k = to_k + key_at,
                                      .v = to_v + value_at,
                                      .key_stride = key_stride,
                                      .value_stride = value_stride});
          });
    });
    return std::vector<Tensor>{dq, sum_groups(tape, dk, n.kv_heads), sum_groups(tape, dv, n.kv_heads)};
  });
}

}  // namespace shenbi::ops
