#include "kernels/isa.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/cpu.h"
#include "base/error.h"

namespace shenbi::kernels {
namespace {

// The choice of this process; -1 until the first question.
std::atomic<int> g_choice{-1};

bool is_available(Isa isa) {
  const auto& all = available_isas();
  return std::find(all.begin(), all.end(), isa) != all.end();
}

Isa choose() {
  const char* wish = std::getenv("SHENBI_ISA");
  if (wish == nullptr || *wish == '\0') return available_isas().back();
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (isa_name(isa) != wish) continue;
    if (is_available(isa)) return isa;
    throw Error(Code::kInvalidArgument, fmt::format("SHENBI_ISA={}: this machine cannot run it", wish));
  }
  throw Error(Code::kInvalidArgument, fmt::format("SHENBI_ISA={}: must be scalar, avx2 or avx512", wish));
}

}  // namespace

std::string_view isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> isas = [] {
    std::vector<Isa> found{Isa::kScalar};
    if (cpu_features().avx2) found.push_back(Isa::kAvx2);
    // The int8 dot product is what makes 512 bits worth it: without VNNI (Skylake-X) AVX2 is as good.
    if (cpu_features().avx512 && cpu_features().avx512_vnni) found.push_back(Isa::kAvx512);
    return found;
  }();
  return isas;
}

Isa chosen_isa() {
  int choice = g_choice.load(std::memory_order_relaxed);
  if (choice < 0) {
    choice = static_cast<int>(choose());
    int unset = -1;
    if (!g_choice.compare_exchange_strong(unset, choice, std::memory_order_relaxed)) choice = unset;
  }
  return static_cast<Isa>(choice);
}

void force_isa(Isa isa) {
  SHENBI_CHECK(is_available(isa));
  g_choice.store(static_cast<int>(isa), std::memory_order_relaxed);
}

}  // namespace shenbi::kernels
