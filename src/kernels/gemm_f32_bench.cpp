// f32 products against the peak of the machine's fma units, measured in the same run.
//
//   build/release/kernels_bench --benchmark_filter=gemm_f32

#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/gemm_f32.h"
#include "kernels/isa/choose_table.h"
#include "kernels/isa/gemm_f32_table.h"

namespace shenbi::kernels {
namespace {

// One tile on panels that stay in the first-level cache: what the registers can do.
void gemm_f32_peak_of_one_thread(benchmark::State& state) {
  const GemmTable& table = SHENBI_TABLE(gemm_f32, chosen_isa());
  constexpr size_t kDepth = 128;
  std::vector<float> a(table.tile_rows * kDepth, 0.5f), b(table.tile_columns * kDepth, 0.5f);
  std::vector<float> c(table.tile_rows * table.tile_columns);
  for (auto _ : state) {
    table.tile(a.data(), b.data(), kDepth, c.data(), table.tile_columns, table.tile_rows, table.tile_columns, false);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(table.tile_rows * table.tile_columns * kDepth);
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(gemm_f32_peak_of_one_thread);

void product(benchmark::State& state, GemmLayout layout, size_t m, size_t n, size_t k) {
  std::vector<float> a(m * k, 0.5f), b(n * k, 0.25f), c(m * n);
  ThreadTeam team(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    gemm_f32({.layout = layout, .m = m, .n = n, .k = k, .a = a.data(), .b = b.data(), .c = c.data()}, &team);
  }
  const double flops = 2.0 * static_cast<double>(m * n * k);
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void gemm_f32_nt_1024(benchmark::State& state) { product(state, GemmLayout::kNT, 1024, 1024, 1024); }
void gemm_f32_nn_1024(benchmark::State& state) { product(state, GemmLayout::kNN, 1024, 1024, 1024); }
void gemm_f32_tn_1024(benchmark::State& state) { product(state, GemmLayout::kTN, 1024, 1024, 1024); }
void gemm_f32_nt_of_64_tokens(benchmark::State& state) { product(state, GemmLayout::kNT, 64, 2048, 640); }
void gemm_f32_nt_of_1_token(benchmark::State& state) { product(state, GemmLayout::kNT, 1, 2048, 640); }
// One thread is timed by its own clock (the default), so that the time slices of other processes do not count.
#define PRODUCT(name)                                     \
  BENCHMARK(name)->Arg(1)->Unit(benchmark::kMicrosecond); \
  BENCHMARK(name)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond)
PRODUCT(gemm_f32_nt_1024);
PRODUCT(gemm_f32_nn_1024);
PRODUCT(gemm_f32_tn_1024);
PRODUCT(gemm_f32_nt_of_64_tokens);
PRODUCT(gemm_f32_nt_of_1_token);

}  // namespace
}  // namespace shenbi::kernels
