// kernels_bench [--threads N] [type ...]: how close the matrix products come to what the machine can do.
//
// Columns: GB/s of packed weights for one token, the read stream measured in turn with it, their ratio; the time of 4
// and 16 tokens over the time of one; 10^12 operations per second of a product with 512 and 128 tokens.

#include <fmt/core.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "kernels/isa.h"
#include "kernels/measure.h"

namespace {

using namespace shenbi;
using namespace shenbi::kernels;

double tops(const QuantType& type, size_t rows, size_t columns, size_t tokens, ThreadTeam& team) {
  return 2e-12 * static_cast<double>(rows * columns * tokens) / measure_product(type, rows, columns, tokens, team);
}

void report(const QuantType& type, ThreadTeam& team) {
  const GemvSpeed gemv = measure_gemv(type, Precision::kInt8, team);
  fmt::print("{:8} {:7.1f} {:7.1f} {:5.0f} %", type.name, gemv.gbps, gemv.stream_gbps, 100 * gemv.of_stream());
  for (const size_t tokens : {4, 16}) fmt::print(" {:7.2f}", measure_batch_ratio(type, tokens, team));
  fmt::print(" {:8.3f} {:8.3f}\n", tops(type, 8192, 2048, 512, team), tops(type, 8192, 2048, 128, team));
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) try {
  int threads = thread_budget().threads;
  std::vector<std::string> names;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--threads") == 0 && i + 1 < count) {
      threads = std::atoi(arguments[++i]);
    } else {
      names.emplace_back(arguments[i]);
    }
  }
  if (threads < 1) throw Error(Code::kInvalidArgument, "--threads must be at least 1");
  if (names.empty()) names = {"Q8_0", "Q5_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q3_K", "Q2_K", "BF16", "F16", "F32"};
  ThreadTeam team(threads);
  fmt::print("{}, {} threads, {}: stream {:.1f} GB/s, int8 peak {:.2f} TOPS\n", cpu_model_name(), threads,
             isa_name(chosen_isa()), read_stream_gbps(team), int8_peak_tops(team));
  fmt::print("{:8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8}\n", "type", "GB/s", "stream", "ratio", "4 : 1", "16 : 1",
             "TOPS 512", "TOPS 128");
  for (const std::string& name : names) {
    const QuantType* type = find_quant_type(name);
    if (type == nullptr) throw Error(Code::kNotFound, fmt::format("no such type: {}", name));
    report(*type, team);
  }
} catch (const shenbi::Error& error) {
  fmt::print(stderr, "kernels_bench: {}\n", error.what());
  return code_info(error.code()).exit_code;
}
