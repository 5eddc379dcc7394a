// The row kernels, written once over sixteen lanes. Included after one of the lanes_*.h and math.inl.

#include "kernels/isa/rows_table.h"

namespace {

// Calls whole(i) for each full group of lanes of [0, n) and rest(i, count) for what is left.
template <class Whole, class Rest>
SHENBI_INLINE void for_groups(size_t n, Whole whole, Rest rest) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) whole(i);
  if (i < n) rest(i, n - i);
}

// out[i] = f(x[i])
template <class F>
SHENBI_INLINE void map(const float* x, size_t n, float* out, F f) {
  for_groups(
      n, [&](size_t i) { store(out + i, f(load(x + i))); },
      [&](size_t i, size_t count) { store_first(out + i, count, f(load_first(x + i, count))); });
}

// out[i] = f(a[i], b[i])
template <class F>
SHENBI_INLINE void map(const float* a, const float* b, size_t n, float* out, F f) {
  for_groups(
      n, [&](size_t i) { store(out + i, f(load(a + i), load(b + i))); },
      [&](size_t i, size_t count) {
        store_first(out + i, count, f(load_first(a + i, count), load_first(b + i, count)));
      });
}

// The one order of sums of a row: step(accumulator, i, group) folds a group into one of four accumulators in turn, so
// that element i ends in partial sum i % 64; then (0 + 1) + (2 + 3), then the tree of reduce_add. load_group(i, count)
// gives the lanes of elements i .. i + count - 1, and must give what adds nothing beyond.
template <class Group, class Step>
SHENBI_INLINE float fold_sum(size_t n, Group group, Step step) {
  Lanes partial[4] = {zero(), zero(), zero(), zero()};
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    partial[0] = step(partial[0], group(i, kLanes));
    partial[1] = step(partial[1], group(i + kLanes, kLanes));
    partial[2] = step(partial[2], group(i + 2 * kLanes, kLanes));
    partial[3] = step(partial[3], group(i + 3 * kLanes, kLanes));
  }
  for (int which = 0; i < n; ++which, i += kLanes) {
    const size_t count = n - i < kLanes ? n - i : kLanes;
    partial[which] = step(partial[which], group(i, count));
  }
  return reduce_add((partial[0] + partial[1]) + (partial[2] + partial[3]));
}

SHENBI_INLINE Lanes load_some(const float* p, size_t count, float rest = 0.0f) {
  return count == kLanes ? load(p) : load_first(p, count, rest);
}

SHENBI_INLINE Lanes add_square(Lanes sum, Lanes x) { return fma(x, x, sum); }
SHENBI_INLINE Lanes add_plain(Lanes sum, Lanes x) { return sum + x; }

float row_sum(const float* x, size_t n) {
  return fold_sum(n, [&](size_t i, size_t count) { return load_some(x + i, count); }, add_plain);
}

void row_rms_norm(const float* x, const float* weight, float epsilon, size_t n, float* out) {
  const float squares = fold_sum(n, [&](size_t i, size_t count) { return load_some(x + i, count); }, add_square);
  const Lanes factor = broadcast(1.0f / square_root(squares / static_cast<float>(n) + epsilon));
  if (weight == nullptr) {
    map(x, n, out, [&](Lanes v) { return v * factor; });
  } else {
    map(x, weight, n, out, [&](Lanes v, Lanes w) { return v * factor * w; });
  }
}

void row_layer_norm(const float* x, const float* weight, const float* bias, float epsilon, size_t n, float* out) {
  const Lanes mean = broadcast(row_sum(x, n) / static_cast<float>(n));
  const float squares = fold_sum(
      n,
      [&](size_t i, size_t count) {
        return count == kLanes ? load(x + i) - mean
                               : select(lane_index() < broadcast(static_cast<float>(count)),
                                        load_first(x + i, count) - mean, zero());
      },
      add_square);
  const Lanes factor = broadcast(1.0f / square_root(squares / static_cast<float>(n) + epsilon));
  const auto normal = [&](Lanes v) { return (v - mean) * factor; };
  if (weight == nullptr) {
    map(x, n, out, normal);
  } else {
    map(x, weight, n, out, [&](Lanes v, Lanes w) { return normal(v) * w; });
  }
  if (bias != nullptr) map(out, bias, n, out, add_plain);
}

SHENBI_INLINE void turn(Lanes& a, Lanes& b, Lanes cos, Lanes sin) {
  const Lanes first = fma(a, cos, negate(b * sin));
  b = fma(b, cos, a * sin);
  a = first;
}

void row_rope_half(float* head, size_t pairs, const float* cos, const float* sin) {
  float* other = head + pairs;
  for (size_t i = 0; i < pairs; i += kLanes) {
    const size_t count = pairs - i < kLanes ? pairs - i : kLanes;
    Lanes a = load_some(head + i, count), b = load_some(other + i, count);
    turn(a, b, load_some(cos + i, count), load_some(sin + i, count));
    store_first(head + i, count, a);
    store_first(other + i, count, b);
  }
}

void row_rope_adjacent(float* head, size_t pairs, const float* cos, const float* sin) {
  size_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    Lanes a, b;
    load_split(head + 2 * i, a, b);
    turn(a, b, load(cos + i), load(sin + i));
    store_joined(head + 2 * i, a, b);
  }
  if (i == pairs) return;
  const size_t count = pairs - i;
  float tile[2 * kLanes] = {};
  std::memcpy(tile, head + 2 * i, count * 2 * sizeof(float));
  Lanes a, b;
  load_split(tile, a, b);
  turn(a, b, load_first(cos + i, count), load_first(sin + i, count));
  store_joined(tile, a, b);
  std::memcpy(head + 2 * i, tile, count * 2 * sizeof(float));
}

// The activations. x * sigmoid(x); x * P(Z <= x); and gelu by tanh, x / 2 (1 + tanh u) = x * sigmoid(2u) with
// 2u = 2 sqrt(2 / pi) (x + 0.044715 x^3).
struct Silu {
  static SHENBI_INLINE Lanes of(Lanes x) { return x / (broadcast(1.0f) + exp(negate(x))); }
};
struct GeluErf {
  static SHENBI_INLINE Lanes of(Lanes x) { return x * normal_cdf(x); }
};
struct GeluTanh {
  static SHENBI_INLINE Lanes of(Lanes x) {
    const Lanes u = x * fma(x * x, broadcast(1.5957691f * 0.044715f), broadcast(1.5957691f));
    return x / (broadcast(1.0f) + exp(negate(u)));
  }
};
struct Relu {
  static SHENBI_INLINE Lanes of(Lanes x) { return max(zero(), x); }
};
struct ReluSquared {
  static SHENBI_INLINE Lanes of(Lanes x) {
    const Lanes positive = max(zero(), x);
    return positive * positive;
  }
};
struct Sigmoid {
  static SHENBI_INLINE Lanes of(Lanes x) { return sigmoid(x); }
};
struct Tanh {
  static SHENBI_INLINE Lanes of(Lanes x) { return tanh(x); }
};

template <class Activation>
void row_activate(const float* gate, const float* up, size_t n, float* out) {
  if (up == nullptr) {
    map(gate, n, out, [](Lanes x) { return Activation::of(x); });
  } else {
    map(gate, up, n, out, [](Lanes x, Lanes u) { return Activation::of(x) * u; });
  }
}

void row_add(const float* a, const float* b, size_t n, float* out) { map(a, b, n, out, add_plain); }

void row_add_scaled(const float* a, const float* b, float factor, size_t n, float* out) {
  map(a, b, n, out, [f = broadcast(factor)](Lanes x, Lanes y) { return fma(y, f, x); });
}

void row_multiply(const float* a, const float* b, size_t n, float* out) {
  map(a, b, n, out, [](Lanes x, Lanes y) { return x * y; });
}

void row_scale(const float* x, float factor, size_t n, float* out) {
  map(x, n, out, [f = broadcast(factor)](Lanes v) { return v * f; });
}

void row_softcap(const float* x, float cap, size_t n, float* out) {
  map(x, n, out, [c = broadcast(cap)](Lanes v) { return c * tanh(v / c); });
}

void row_exp(const float* x, size_t n, float* out) {
  map(x, n, out, [](Lanes v) { return exp(v); });
}

void row_subtract(const float* x, float offset, size_t n, float* out) {
  map(x, n, out, [o = broadcast(offset)](Lanes v) { return v - o; });
}

// max(x, best) keeps `best` where x is NaN.
float row_max(const float* x, size_t n) {
  const float lowest = -__builtin_inff();
  Lanes best[4] = {broadcast(lowest), broadcast(lowest), broadcast(lowest), broadcast(lowest)};
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    best[0] = max(load(x + i), best[0]);
    best[1] = max(load(x + i + kLanes), best[1]);
    best[2] = max(load(x + i + 2 * kLanes), best[2]);
    best[3] = max(load(x + i + 3 * kLanes), best[3]);
  }
  for (; i < n; i += kLanes) best[0] = max(load_some(x + i, n - i < kLanes ? n - i : kLanes, lowest), best[0]);
  return reduce_max(max(max(best[0], best[1]), max(best[2], best[3])));
}

float row_sum_exp(const float* x, float offset, size_t n, float* out) {
  const Lanes o = broadcast(offset);
  return fold_sum(
      n,
      [&](size_t i, size_t count) {
        if (count == kLanes) {
          const Lanes e = exp(load(x + i) - o);
          if (out != nullptr) store(out + i, e);
          return e;
        }
        const Lanes e = exp(load_first(x + i, count) - o);
        if (out != nullptr) store_first(out + i, count, e);
        return select(lane_index() < broadcast(static_cast<float>(count)), e, zero());
      },
      add_plain);
}

size_t row_find(const float* x, float value, size_t n) {
  const Lanes wanted = broadcast(value);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const uint32_t hits = mask_bits(equal(load(x + i), wanted));
    if (hits != 0) return i + static_cast<size_t>(__builtin_ctz(hits));
  }
  for (; i < n; ++i) {
    if (x[i] == value) return i;
  }
  return n;
}

constexpr shenbi::kernels::RowsTable kRows = {
    .rms_norm = row_rms_norm,
    .layer_norm = row_layer_norm,
    .rope_half = row_rope_half,
    .rope_adjacent = row_rope_adjacent,
    .activate = {row_activate<Silu>, row_activate<GeluErf>, row_activate<GeluTanh>, row_activate<Relu>,
                 row_activate<ReluSquared>, row_activate<Sigmoid>, row_activate<Tanh>},
    .add_scaled = row_add_scaled,
    .add = row_add,
    .multiply = row_multiply,
    .scale = row_scale,
    .softcap = row_softcap,
    .exp = row_exp,
    .subtract = row_subtract,
    .sum = row_sum,
    .max = row_max,
    .sum_exp = row_sum_exp,
    .find = row_find,
};

}  // namespace
