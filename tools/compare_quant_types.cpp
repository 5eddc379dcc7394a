// Compares the encoders with ggml's: the error each leaves on bell-shaped and on real weights, and how long it takes.
//
//   g++ -std=c++23 -O2 -ffp-contract=off -Isrc -Ibuild/dev/generated tools/compare_quant_types.cpp
//       build/dev/generated/kernels/quant_registry.cpp src/kernels/quant_type.cpp src/kernels/quant_grids.cpp -ldl
//       -o compare_quant_types && ./compare_quant_types libggml-base.so rows.f32
//
// rows.f32 holds 512,000 floats of a real matrix (200 rows of 2560). Prints lines of the table in docs/quant-types.md.
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/quant_type.h"

using namespace shenbi::kernels;

namespace {

constexpr size_t kRows = 200, kColumns = 2560;
using QuantizeChunk = size_t (*)(int, const float*, void*, int64_t, int64_t, int64_t, const float*);

struct Encoded {
  std::vector<float> values;
  double seconds;
};

template <class Encode>
Encoded round_trip(const QuantType& type, Encode&& encode) {
  std::vector<std::byte> blocks(kRows * type.row_bytes(kColumns));
  const std::clock_t start = std::clock();  // processor time: other work on the machine does not count
  encode(blocks.data());
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  Encoded result{std::vector<float>(kRows * kColumns), seconds};
  type.decode(blocks.data(), kRows * kColumns / type.block_elements, result.values.data());
  return result;
}

double error(const std::vector<float>& x, const std::vector<float>& y, const float* importance) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sum += (importance ? importance[i % kColumns] : 1.0) * (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
  }
  return std::sqrt(sum);
}

/// Prints two cells: the relative error, and its ratio to that of ggml.
std::pair<Encoded, Encoded> compare(const QuantType& type, QuantizeChunk ggml, const std::vector<float>& x,
                                    const float* importance) {
  Encoded ours = round_trip(type, [&](std::byte* out) {
    for (size_t r = 0; r < kRows; ++r) {
      type.encode(x.data() + r * kColumns, kColumns / type.block_elements, importance,
                  out + r * type.row_bytes(kColumns));
    }
  });
  Encoded theirs = round_trip(type, [&](std::byte* out) {
    ggml(static_cast<int>(type.gguf_id), x.data(), out, 0, kRows, kColumns, importance);
  });
  const double mine = error(x, ours.values, importance), other = error(x, theirs.values, importance);
  const double norm = error(x, std::vector<float>(x.size()), importance);
  if (other > 0) {
    std::printf(" | %.5f | %.3f", mine / norm, mine / other);
  } else {
    std::printf(" | %.5f | -", mine / norm);
  }
  return {std::move(ours), std::move(theirs)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: compare_quant_types libggml-base.so rows.f32\n"), 2;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (!library) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const auto ggml = reinterpret_cast<QuantizeChunk>(dlsym(library, "ggml_quantize_chunk"));
  const auto init = reinterpret_cast<void (*)(int)>(dlsym(library, "ggml_quantize_init"));
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::lognormal_distribution<float> lognormal(0.0f, 1.0f);
  std::vector<float> bell(kRows * kColumns), real(kRows * kColumns), importance(kColumns);
  for (float& x : bell) x = normal(random);
  for (float& x : importance) x = lognormal(random);
  std::ifstream file(argv[2], std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(real.data()), static_cast<std::streamsize>(real.size() * sizeof(float)))) {
    return std::fprintf(stderr, "%s: fewer than %zu floats\n", argv[2], real.size()), 1;
  }
  for (const QuantType* type : all_quant_types()) {
    if (!type->encode || type->block_elements == 1) continue;
    init(static_cast<int>(type->gguf_id));
    std::printf("| %-6s | %.4g", std::string(type->name).c_str(), 8.0 * type->block_bytes / type->block_elements);
    compare(*type, ggml, bell, nullptr);
    const auto [ours, theirs] = compare(*type, ggml, real, nullptr);
    compare(*type, ggml, real, importance.data());
    std::printf(" | %.0f / %.0f |\n", kRows * kColumns / ours.seconds / 1e6, kRows * kColumns / theirs.seconds / 1e6);
  }
}
