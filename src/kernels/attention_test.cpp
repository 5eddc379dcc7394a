#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>

#include "base/float16.h"
#include "base/random.h"
#include "kernels/isa_guard.h"

namespace shenbi::kernels {
namespace {

std::vector<float> normals(size_t count, uint64_t seed, float scale = 1.0f) {
  Philox random(seed);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = scale * random.normal(i);
  return values;
}

/// One sequence with all its keys and values in pages of a pool whose unused slots hold NaN.
class Fixture {
 public:
  AttentionShape shape;
  uint32_t positions;
  std::vector<float> q, k, v, slopes, sinks;

  Fixture(uint32_t heads, uint32_t kv_heads, uint32_t key_dim, uint32_t value_dim, uint32_t length, uint64_t seed = 1)
      : positions(length) {
    shape.layout = {.kv_heads = kv_heads, .key_dim = key_dim, .value_dim = value_dim};
    shape.num_heads = heads;
    shape.scale = 1.5f / std::sqrt(static_cast<float>(key_dim));
    q = normals(size_t{length} * heads * key_dim, seed);
    k = normals(size_t{length} * kv_heads * key_dim, seed + 100);
    v = normals(size_t{length} * kv_heads * value_dim, seed + 200);
    const uint32_t pages = (length + kKvPagePositions - 1) / kKvPagePositions;
    page_ids.resize(pages);
    for (uint32_t i = 0; i < pages; ++i) page_ids[i] = (i * 7 + 3) % pages_in_pool(pages);
    pool.assign(pages_in_pool(pages) * shape.layout.page_bytes(), std::byte{0xFF});  // bf16 0xFFFF is a NaN
    for (uint32_t p = 0; p < length; ++p) store(p);
  }

  void with_alibi() {
    slopes.resize(shape.num_heads);
    for (size_t h = 0; h < slopes.size(); ++h) slopes[h] = std::exp2(-1.0f - static_cast<float>(h));
    shape.alibi_slopes = slopes.data();
  }
  void with_sinks() {
    sinks = normals(shape.num_heads, 77, 2.0f);
    shape.sinks = sinks.data();
  }

  void store(uint32_t p) {
    store_kv(shape.layout, page(p), p % kKvPagePositions,
             k.data() + size_t{p} * shape.layout.kv_heads * shape.layout.key_dim,
             v.data() + size_t{p} * shape.layout.kv_heads * shape.layout.value_dim);
  }
  std::byte* page(uint32_t p) { return pool.data() + page_ids[p / kKvPagePositions] * shape.layout.page_bytes(); }

  size_t q_width() const { return size_t{shape.num_heads} * shape.layout.key_dim; }
  size_t out_width() const { return size_t{shape.num_heads} * shape.layout.value_dim; }

  AttentionSequence slice(uint32_t start, uint32_t count, float* out) const {
    return {.q = q.data() + start * q_width(),
            .q_stride = q_width(),
            .out = out,
            .out_stride = out_width(),
            .pages = page_ids.data(),
            .start = start,
            .count = count};
  }

  /// Attention of positions [start, start + count) as one slice.
  std::vector<float> run(uint32_t start, uint32_t count, int threads = 1) const {
    std::vector<float> out(count * out_width(), std::numeric_limits<float>::quiet_NaN());
    const AttentionSequence sequence = slice(start, count, out.data());
    run_all({&sequence, 1}, threads);
    return out;
  }
  void run_all(std::span<const AttentionSequence> sequences, int threads) const {
    AttentionPlan plan;
    plan.prepare(shape, sequences, threads);
    ThreadTeam team(threads, false);
    team.run([&](Lane& lane) { attend_all(lane, plan, {pool.data(), shape.layout.page_bytes()}); });
  }

  /// The textbook formula in double, on keys and values rounded to bf16.
  std::vector<double> reference(uint32_t start, uint32_t count) const {
    std::vector<double> out(count * out_width());
    for (uint32_t i = 0; i < count; ++i) {
      for (uint32_t h = 0; h < shape.num_heads; ++h) {
        reference_row(start + i, start + count, h, out.data() + i * out_width() + size_t{h} * shape.layout.value_dim);
      }
    }
    return out;
  }

 private:
  static size_t pages_in_pool(size_t pages) {
    size_t size = pages + 3;
    while (size % 7 == 0) ++size;
    return size;
  }

  void reference_row(uint32_t p, uint32_t end, uint32_t h, double* out) const {
    const auto& layout = shape.layout;
    const uint32_t kv_head = h / (shape.num_heads / layout.kv_heads);
    std::vector<double> scores(end, -std::numeric_limits<double>::infinity());
    for (uint32_t key = 0; key < end; ++key) {
      if (shape.causal && key > p) continue;
      if (shape.window != 0 && (key + shape.window <= p || key >= p + shape.window)) continue;
      double dot = 0;
      for (uint32_t d = 0; d < layout.key_dim; ++d) {
        dot += double{q[p * q_width() + size_t{h} * layout.key_dim + d]} *
               bf16_to_f32(f32_to_bf16(k[(size_t{key} * layout.kv_heads + kv_head) * layout.key_dim + d]));
      }
      double s = dot * shape.scale;
      if (shape.softcap != 0) s = shape.softcap * std::tanh(s / shape.softcap);
      if (!slopes.empty()) s += slopes[h] * (double{static_cast<float>(key)} - p);
      scores[key] = s;
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = sinks.empty() ? 0 : std::exp(sinks[h] - largest);
    for (uint32_t key = 0; key < end; ++key) {
      const double weight = std::exp(scores[key] - largest);
      sum += weight;
      for (uint32_t d = 0; d < layout.value_dim && weight > 0; ++d) {
        out[d] +=
            weight * bf16_to_f32(f32_to_bf16(v[(size_t{key} * layout.kv_heads + kv_head) * layout.value_dim + d]));
      }
    }
    for (uint32_t d = 0; d < layout.value_dim; ++d) out[d] /= sum;
  }

  std::vector<uint32_t> page_ids;
  std::vector<std::byte> pool;
};

double largest_difference(const std::vector<float>& found, const std::vector<double>& wanted) {
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - wanted[i]);
    worst = std::isnan(difference) ? std::numeric_limits<double>::infinity() : std::max(worst, difference);
  }
  return worst;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Scores are sums of up to 256 f32 products of size <= 4, so off by about 1e-5 absolute; outputs are means of values of
// size about 1 under weights that are off by as much, relatively.
constexpr double kTolerance = 2e-5;

void expect_right_everywhere(const Fixture& f, uint32_t start, uint32_t count, const std::string& what) {
  std::vector<float> scalar;
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    const std::vector<float> out = f.run(start, count);
    if (isa == Isa::kScalar) {
      EXPECT_LT(largest_difference(out, f.reference(start, count)), kTolerance) << what;
      scalar = out;
    } else {
      EXPECT_TRUE(same_bits(out, scalar)) << what << ' ' << isa_name(isa);
    }
  }
}

}  // namespace

TEST(KvLayout, gives_back_what_was_stored_rounded_to_bf16) {
  for (const uint32_t dim : {1u, 15u, 16u, 64u, 80u, 100u, 256u}) {
    Fixture f(2, 2, dim, dim + 3, 40);
    std::vector<float> k(2 * dim), v(2 * (dim + 3));
    for (uint32_t p = 0; p < 40; ++p) {
      load_kv(f.shape.layout, f.page(p), p % kKvPagePositions, k.data(), v.data());
      for (size_t i = 0; i < k.size(); ++i) ASSERT_EQ(k[i], bf16_to_f32(f32_to_bf16(f.k[p * k.size() + i])));
      for (size_t i = 0; i < v.size(); ++i) ASSERT_EQ(v[i], bf16_to_f32(f32_to_bf16(f.v[p * v.size() + i])));
    }
  }
}

TEST(KvLayout, places_pairs_of_dims_of_keys_and_pairs_of_positions_of_values) {
  const KvLayout layout{.kv_heads = 2, .key_dim = 6, .value_dim = 80};
  EXPECT_EQ(layout.key_bytes(), 6u * 32 * 2);
  EXPECT_EQ(layout.value_bytes(), 80u * 32 * 2);
  EXPECT_EQ(layout.page_bytes(), 2u * (6 + 80) * 32 * 2);
  EXPECT_EQ(layout.value_offset(1), (6u + 80 + 6) * 32 * 2);
  std::vector<std::byte> page(layout.page_bytes());
  std::vector<float> k(12), v(160);
  k[6 + 3] = 1;    // head 1, dim 3
  v[80 + 70] = 1;  // head 1, dim 70: the second chunk, 16 wide
  store_kv(layout, page.data(), 5, k.data(), v.data());
  const auto* elements = reinterpret_cast<const uint16_t*>(page.data());
  const uint16_t one = f32_to_bf16(1);
  EXPECT_EQ(elements[layout.key_offset(1) / 2 + (3 / 2 * 32 + 5) * 2 + 1], one);
  EXPECT_EQ(elements[layout.value_offset(1) / 2 + 64 * 32 + (5 / 2 * 16 + 6) * 2 + 1], one);
}

TEST(Attention, equals_the_formula_for_every_head_size_and_group_size) {
  for (const uint32_t dim : {16u, 32u, 64u, 80u, 96u, 128u, 256u}) {
    for (const uint32_t group : {1u, 4u, 8u}) {
      const Fixture f(2 * group, 2, dim, dim, 70, dim + group);
      expect_right_everywhere(f, 66, 1, "decode dim " + std::to_string(dim) + " group " + std::to_string(group));
      expect_right_everywhere(f, 57, 9, "slice dim " + std::to_string(dim) + " group " + std::to_string(group));
    }
  }
}
}  // namespace shenbi::kernels
