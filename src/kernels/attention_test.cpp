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

  KvLayer layer() const { return {pool.data(), shape.layout.page_bytes()}; }

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
    team.run([&](Lane& lane) { attend_all(lane, plan, layer()); });
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

TEST(KvLayout, stores_the_same_bytes_on_every_instruction_set_whatever_the_values) {
  const KvLayout layout{.kv_heads = 2, .key_dim = 70, .value_dim = 100};
  const float odd_ones[] = {std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::signaling_NaN(),
                            1e-40f,
                            3.4e38f,
                            -0.0f,
                            1.00390625f,
                            1.01171875f};  // the last two are ties
  std::vector<float> k = normals(140, 1), v = normals(200, 2);
  std::copy(std::begin(odd_ones), std::end(odd_ones), k.begin() + 30);
  std::copy(std::begin(odd_ones), std::end(odd_ones), v.begin() + 90);
  for (const Isa isa : available_isas()) {
    IsaGuard guard(isa);
    std::vector<std::byte> page(layout.page_bytes(), std::byte{0x11});
    std::vector<float> k_back(140), v_back(200);
    for (const uint32_t position : {6u, 31u}) {
      store_kv(layout, page.data(), position, k.data(), v.data());
      load_kv(layout, page.data(), position, k_back.data(), v_back.data());
      for (size_t i = 0; i < 140; ++i) ASSERT_EQ(f32_to_bf16(k_back[i]), f32_to_bf16(k[i])) << isa_name(isa) << i;
      for (size_t i = 0; i < 200; ++i) ASSERT_EQ(f32_to_bf16(v_back[i]), f32_to_bf16(v[i])) << isa_name(isa) << i;
    }
    for (const uint32_t neighbour : {5u, 7u, 30u}) {
      load_kv(layout, page.data(), neighbour, k_back.data(), v_back.data());
      for (const float untouched : k_back) ASSERT_EQ(f32_to_bf16(untouched), 0x1111);
      for (const float untouched : v_back) ASSERT_EQ(f32_to_bf16(untouched), 0x1111);
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

TEST(Attention, values_may_be_narrower_than_keys_and_dims_odd) {
  expect_right_everywhere(Fixture(8, 1, 192, 128, 40), 30, 10, "latent attention, 192 and 128");
  expect_right_everywhere(Fixture(2, 2, 7, 5, 40), 30, 10, "7 and 5");
}

TEST(Attention, of_the_first_position_is_its_value) {
  const Fixture f(4, 2, 64, 64, 1);
  const std::vector<float> out = f.run(0, 1);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], bf16_to_f32(f32_to_bf16(f.v[i / 128 * 64 + i % 64])));
}

TEST(Attention, windows_begin_and_end_where_they_should) {
  for (const uint32_t window : {1u, 2u, 31u, 32u, 33u, 64u, 1000u}) {
    Fixture f(4, 2, 32, 32, 150);
    f.shape.window = window;
    expect_right_everywhere(f, 0, 100, "window " + std::to_string(window));
    expect_right_everywhere(f, 149, 1, "window " + std::to_string(window));
  }
}

TEST(Attention, softcap_alibi_and_sinks_change_the_scores_as_documented) {
  for (const int mask : {1, 2, 4, 7}) {
    Fixture f(4, 2, 64, 64, 90);
    if (mask & 1) f.shape.softcap = 3.0f;
    if (mask & 2) f.with_alibi();
    if (mask & 4) f.with_sinks();
    expect_right_everywhere(f, 60, 30, "options " + std::to_string(mask));
  }
}

TEST(Attention, that_is_not_causal_sees_the_whole_slice) {
  for (const uint32_t window : {0u, 20u}) {
    Fixture f(4, 4, 32, 32, 75);
    f.shape.causal = false;
    f.shape.window = window;
    expect_right_everywhere(f, 0, 75, "window " + std::to_string(window));
  }
}

TEST(Attention, over_several_chunks_equals_the_formula) {
  Fixture f(4, 1, 32, 32, 2100);
  expect_right_everywhere(f, 2080, 20, "three chunks");
  f.shape.window = 1030;
  expect_right_everywhere(f, 2040, 20, "the window ends in the first or second chunk");
}

TEST(Attention, does_not_depend_on_how_a_sequence_is_cut_into_slices) {
  Fixture f(8, 2, 32, 48, 1200);
  f.shape.window = 1100;
  f.shape.softcap = 5;
  f.with_alibi();
  constexpr uint32_t kStart = 1000, kCount = 190;
  const std::vector<float> whole = f.run(kStart, kCount);
  for (const std::vector<uint32_t>& cuts : {std::vector<uint32_t>{1}, {31, 1}, {64, 3, 100}, {17, 32, 5}, {189, 1}}) {
    uint32_t done = 0;
    for (size_t i = 0; done < kCount; ++i) {
      const uint32_t count = std::min(cuts[i % cuts.size()], kCount - done);
      const std::vector<float> part = f.run(kStart + done, count, 2);
      ASSERT_EQ(std::memcmp(part.data(), whole.data() + done * f.out_width(), part.size() * sizeof(float)), 0)
          << "cut at " << done;
      done += count;
    }
  }
}

TEST(Attention, does_not_depend_on_lanes_or_on_the_rest_of_the_batch) {
  for (const uint32_t start : {40u, 2200u}) {  // 2200: with lanes to spare, chunks become tasks of their own
    const Fixture f(4, 1, 64, 64, start + 40);
    const std::vector<float> alone = f.run(start, 3);
    for (const int threads : {2, 3, 8}) {
      EXPECT_TRUE(same_bits(f.run(start, 3, threads), alone)) << threads << " lanes";
      std::vector<std::vector<float>> outs;
      std::vector<AttentionSequence> batch;
      for (const auto& [from, count] : {std::pair{start, 3u}, {start + 10, 1u}, {0u, 33u}, {start, 3u}}) {
        outs.emplace_back(count * f.out_width());
        batch.push_back(f.slice(from, count, outs.back().data()));
      }
      f.run_all(batch, threads);
      EXPECT_TRUE(same_bits(outs[0], alone));
      EXPECT_TRUE(same_bits(outs[3], alone));
      EXPECT_TRUE(same_bits(outs[2], f.run(0, 33)));
    }
  }
}

TEST(Attention, never_reads_a_slot_that_no_query_sees) {
  // Every fixture's unused slots are NaN; here those of the future are overwritten with other values too.
  Fixture f(4, 2, 64, 64, 100);
  const std::vector<float> before = f.run(50, 5);
  for (uint32_t p = 55; p < 100; ++p) {
    std::fill_n(f.k.begin() + p * 128, 128, std::numeric_limits<float>::infinity());
    std::fill_n(f.v.begin() + p * 128, 128, std::numeric_limits<float>::quiet_NaN());
    f.store(p);
  }
  EXPECT_TRUE(same_bits(f.run(50, 5), before));
  f.shape.window = 10;
  const std::vector<float> windowed = f.run(50, 5);
  for (uint32_t p = 0; p <= 40; ++p) {
    std::fill_n(f.v.begin() + p * 128, 128, std::numeric_limits<float>::quiet_NaN());
    f.store(p);
  }
  EXPECT_TRUE(same_bits(f.run(50, 5), windowed));
}

TEST(Attention, plan_is_reused_from_layer_to_layer_and_batch_to_batch) {
  const Fixture f(8, 2, 64, 64, 300);
  std::vector<float> out(20 * f.out_width());
  AttentionPlan plan;
  ThreadTeam team(2, false);
  for (const uint32_t start : {0u, 200u}) {
    const AttentionSequence sequence = f.slice(start, 20, out.data());
    plan.prepare(f.shape, {&sequence, 1}, 2);
    team.run([&](Lane& lane) {
      attend_all(lane, plan, f.layer());
      attend_all(lane, plan, f.layer());
    });
    EXPECT_TRUE(same_bits(out, f.run(start, 20)));
  }
}

}  // namespace shenbi::kernels
