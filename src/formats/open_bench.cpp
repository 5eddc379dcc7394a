// How long a model takes to open: the wait before anything else can begin.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/folders.h"
#include "formats/safetensors.h"
#include "formats/tensor_writer.h"

namespace shenbi::formats {

namespace {

/// 262,144 tokens with scores and types, and the 236 tensors of an 18-layer model: the shape of the default model.
void open_gguf_with_a_large_vocabulary(benchmark::State& state) {
  constexpr size_t kTokens = 262'144;
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.gguf";
  {
    std::vector<std::string> words;
    for (size_t i = 0; i < kTokens; ++i) words.push_back(fmt::format("token{}", i));
    GgufWriter writer(path);
    writer.set("tokenizer.ggml.tokens", std::vector<std::string_view>(words.begin(), words.end()));
    writer.set("tokenizer.ggml.scores", std::vector<float>(kTokens, -1.0f));
    writer.set("tokenizer.ggml.token_type", std::vector<int32_t>(kTokens, 1));
    for (int i = 0; i < 236; ++i) writer.declare(fmt::format("tensor{}", i), *kernels::find_quant_type("F32"), {8, 8});
    writer.append(std::vector<std::byte>(236 * 256));
    writer.finish();
  }
  for (auto _ : state) benchmark::DoNotOptimize(Checkpoint::open(path));
}
BENCHMARK(open_gguf_with_a_large_vocabulary)->Unit(benchmark::kMillisecond);

/// As many tensors as the largest mixture of experts has when every expert is a tensor.
void open_safetensors_with_92000_tensors(benchmark::State& state) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  {
    SafetensorsWriter writer(path);
    for (int i = 0; i < 92'000; ++i) {
      writer.declare(fmt::format("model.layers.{}.mlp.experts.{}.down_proj.weight", i / 1024, i % 1024),
                     *kernels::find_quant_type("I8"), {1});
    }
    writer.append(std::vector<std::byte>(92'000));
    writer.finish();
  }
  for (auto _ : state) benchmark::DoNotOptimize(Checkpoint::open(path));
}
BENCHMARK(open_safetensors_with_92000_tensors)->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace shenbi::formats
