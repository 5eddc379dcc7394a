// Row kernels at the widths of Gemma 3 270M (640, 2048 in the MLP, 262,144 logits).
//
//   build/release/kernels_bench --benchmark_filter=rows

#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.h"
#include "kernels/rows.h"

namespace shenbi::kernels {
namespace {

std::vector<float> normals(size_t count, uint64_t seed) {
  Philox random(seed);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = random.normal(i);
  return values;
}

void rows_rms_norm(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const std::vector<float> x = normals(n, 1), weight = normals(n, 2);
  std::vector<float> out(n);
  for (auto _ : state) {
    rms_norm(x.data(), n, 1, n, weight.data(), 1e-6f, out.data(), n);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rows_rms_norm)->Arg(256)->Arg(640)->Arg(2048);

void rows_layer_norm(benchmark::State& state) {
  const std::vector<float> x = normals(640, 1), weight = normals(640, 2);
  std::vector<float> out(640);
  for (auto _ : state) {
    layer_norm(x.data(), 640, 1, 640, weight.data(), weight.data(), 1e-6f, out.data(), 640);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rows_layer_norm);

void rows_rope(benchmark::State& state) {
  RopeTable table(std::vector<float>(128, 0.01f), 1.0f);
  table.reserve(100);
  std::vector<float> x = normals(4 * 256, 1);
  for (auto _ : state) {
    rope(x.data(), 4, 256, 256, static_cast<RopePairs>(state.range(0)), table.cos(50), table.sin(50));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rows_rope)->Arg(0)->Arg(1);

void rows_activate_gated(benchmark::State& state) {
  const std::vector<float> gate = normals(2048, 1), up = normals(2048, 2);
  std::vector<float> out(2048);
  for (auto _ : state) {
    activate_gated(static_cast<RowActivation>(state.range(0)), gate.data(), up.data(), 2048, out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rows_activate_gated)->DenseRange(0, 4);

void rows_softmax_of_262144(benchmark::State& state) {
  const std::vector<float> x = normals(262'144, 1);
  std::vector<float> out(x.size());
  for (auto _ : state) softmax(x.data(), x.size(), out.data());
}
BENCHMARK(rows_softmax_of_262144)->Unit(benchmark::kMicrosecond);

void rows_softcap_of_262144(benchmark::State& state) {
  std::vector<float> x = normals(262'144, 1);
  for (auto _ : state) softcap(x.data(), 30.0f, x.size(), x.data());
}
BENCHMARK(rows_softcap_of_262144)->Unit(benchmark::kMicrosecond);

void rows_argmax_of_262144(benchmark::State& state) {
  const std::vector<float> x = normals(262'144, 1);
  for (auto _ : state) benchmark::DoNotOptimize(argmax(x.data(), x.size()));
}
BENCHMARK(rows_argmax_of_262144)->Unit(benchmark::kMicrosecond);

void rows_top_k_of_262144(benchmark::State& state) {
  const std::vector<float> x = normals(262'144, 1);
  std::vector<Scored> out;
  for (auto _ : state) top_k(x.data(), x.size(), static_cast<size_t>(state.range(0)), out);
}
BENCHMARK(rows_top_k_of_262144)->Arg(1)->Arg(40)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace shenbi::kernels
