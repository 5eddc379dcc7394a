// Attention at the sizes of real models. Decode is bound by memory, whose speed on shared machines changes within
// seconds, so each repetition times a read of the same bytes right before the kernel, in the same thread region, and
// the ratio counts.
//
//   build/release/kernels_bench --benchmark_filter=attention

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include "base/random.h"
#include "kernels/attention.h"
#include "kernels/huge_memory.h"

namespace shenbi::kernels {
namespace {

// One thread is timed by its own clock, so that the time slices of other processes do not count.
double seconds(int threads) {
  timespec now{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A pool of `layers` layers whose pages belong to one sequence, in order, as a fresh engine hands them out.
struct Pool {
  AttentionShape shape;
  size_t layers, pages, page_bytes;
  std::shared_ptr<uint8_t> memory;
  std::vector<uint32_t> ids;
  std::vector<float> q, out;

  Pool(uint32_t heads, uint32_t kv_heads, uint32_t dim, size_t positions, size_t layer_count, size_t queries)
      : layers(layer_count), pages(positions / kKvPagePositions) {
    shape = {.layout = {.kv_heads = kv_heads, .key_dim = dim, .value_dim = dim}, .num_heads = heads, .scale = 0.1f};
    page_bytes = layers * shape.layout.page_bytes();
    memory = allocate_huge(pages * page_bytes);
    // Any finite bf16 will do: a sign, the exponent of 0.5 .. 2, seven bits that vary.
    auto* elements = reinterpret_cast<uint16_t*>(memory.get());
    for (size_t i = 0; i < pages * page_bytes / 2; ++i) {
      elements[i] = static_cast<uint16_t>(0x3F00u | ((i * 0x9E37u) & 0x80FFu));
    }
    ids.resize(pages);
    for (size_t i = 0; i < pages; ++i) ids[i] = static_cast<uint32_t>(i);
    q.resize(queries * heads * dim);
    Philox random(1);
    for (size_t i = 0; i < q.size(); ++i) q[i] = random.normal(i);
    out.resize(q.size());
  }

  AttentionSequence slice(uint32_t start, uint32_t count) {
    const size_t width = size_t{shape.num_heads} * shape.layout.key_dim;
    return {.q = q.data(),
            .q_stride = width,
            .out = out.data(),
            .out_stride = width,
            .pages = ids.data(),
            .start = start,
            .count = count};
  }
  KvLayer layer(size_t index) const {
    return {reinterpret_cast<const std::byte*>(memory.get()) + index * shape.layout.page_bytes(), page_bytes};
  }
};

uint64_t read_all(const uint8_t* bytes, size_t size) {
  uint64_t sums[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(bytes);
  for (size_t i = 0; i + 8 <= size / 8; i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += words[i + j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One new token against `positions` earlier ones, over as many layers as make 256 MB.
void decode(benchmark::State& state, uint32_t heads, uint32_t kv_heads, uint32_t dim) {
  const auto positions = static_cast<size_t>(state.range(0));
  const int threads = static_cast<int>(state.range(1));
  const size_t layer_bytes = positions * kv_heads * dim * 4;
  Pool pool(heads, kv_heads, dim, positions, std::max<size_t>(1, (size_t{256} << 20) / layer_bytes), 1);
  const size_t bytes = pool.layers * layer_bytes;
  ThreadTeam team(threads);
  AttentionPlan plan;
  const AttentionSequence slice = pool.slice(static_cast<uint32_t>(positions - 1), 1);
  plan.prepare(pool.shape, {&slice, 1}, threads);
  std::vector<double> ratios, speeds, streams;
  for (auto _ : state) {
    double begin = 0, middle = 0, end = 0;
    team.run([&](Lane& lane) {
      if (lane.index() == 0) begin = seconds(threads);
      const auto [from, to] = lane.share(bytes, 4096);
      benchmark::DoNotOptimize(read_all(pool.memory.get() + from, to - from));
      lane.barrier();
      if (lane.index() == 0) middle = seconds(threads);
      for (size_t i = 0; i < pool.layers; ++i) attend_all(lane, plan, pool.layer(i));
      if (lane.index() == 0) end = seconds(threads);
    });
    state.SetIterationTime(end - middle);
    speeds.push_back(static_cast<double>(bytes) / (end - middle) * 1e-9);
    streams.push_back(static_cast<double>(bytes) / (middle - begin) * 1e-9);
    ratios.push_back(speeds.back() / streams.back());
  }
  state.counters["GB/s"] = median(speeds);
  state.counters["stream"] = median(streams);
  state.counters["percent"] = 100 * median(ratios);
  state.counters["us/layer"] = static_cast<double>(layer_bytes) / median(speeds) * 1e-3;
}

void attention_decode_gemma_270m(benchmark::State& state) { decode(state, 4, 1, 256); }
void attention_decode_llama_1b(benchmark::State& state) { decode(state, 32, 8, 64); }
void attention_decode_mha_128(benchmark::State& state) { decode(state, 16, 16, 128); }
#define DECODE(name) \
  BENCHMARK(name)->ArgsProduct({{4096, 32768}, {1, 2}})->UseManualTime()->Unit(benchmark::kMillisecond)
DECODE(attention_decode_gemma_270m);
DECODE(attention_decode_llama_1b);
DECODE(attention_decode_mha_128);

// A prompt of 512 tokens behind `start` earlier ones. GFLOP/s counts the 4 * dim operations of each visible pair.
void prefill(benchmark::State& state, uint32_t heads, uint32_t kv_heads, uint32_t dim) {
  const auto start = static_cast<uint32_t>(state.range(0));
  const int threads = static_cast<int>(state.range(1));
  constexpr uint32_t kCount = 512;
  Pool pool(heads, kv_heads, dim, start + kCount, 1, kCount);
  ThreadTeam team(threads);
  AttentionPlan plan;
  const AttentionSequence slice = pool.slice(start, kCount);
  plan.prepare(pool.shape, {&slice, 1}, threads);
  double total = 0;
  for (auto _ : state) {
    const double begin = seconds(threads);
    team.run([&](Lane& lane) { attend_all(lane, plan, pool.layer(0)); });
    const double taken = seconds(threads) - begin;
    state.SetIterationTime(taken);
    total += taken;
  }
  const double pairs = double{kCount} * start + double{kCount} * (kCount + 1) / 2;
  const double each = total / static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = pairs * heads * dim * 4 * 1e-9 / each;
  state.counters["us/token"] = each / kCount * 1e6;
}

void attention_prefill_gemma_270m(benchmark::State& state) { prefill(state, 4, 1, 256); }
void attention_prefill_llama_1b(benchmark::State& state) { prefill(state, 32, 8, 64); }
#define PREFILL(name) BENCHMARK(name)->ArgsProduct({{0, 4096}, {1, 2}})->UseManualTime()->Unit(benchmark::kMillisecond)
PREFILL(attention_prefill_gemma_270m);
PREFILL(attention_prefill_llama_1b);

void attention_store_kv(benchmark::State& state) {
  const KvLayout layout{.kv_heads = 1, .key_dim = 256, .value_dim = 256};
  std::vector<std::byte> page(layout.page_bytes());
  std::vector<float> k(256, 1.5f), v(256, 2.5f);
  uint32_t position = 0;
  for (auto _ : state) {
    store_kv(layout, page.data(), position++ % kKvPagePositions, k.data(), v.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(attention_store_kv);

}  // namespace
}  // namespace shenbi::kernels
