#pragma once
// Which instruction set the kernels use. One translation unit an instruction set (kernels/isa/<isa>.cpp, each compiled with its
// own -m flags by file name (cmake/isa.cmake), including no std templates: the linker might keep an AVX-512 copy of a shared inline function), one table each,
// chosen once at start. SHENBI_ISA=scalar|avx2|avx512 overrides the choice downwards; tests loop over available().

#include <string_view>
#include <vector>

namespace shenbi::kernels {

enum class Isa { kScalar, kAvx2, kAvx512 };  // later: kNeon; AMX was tried (docs/kernels.md)

std::string_view isa_name(Isa isa) noexcept;

/// What this machine can run, slowest first; always starts with kScalar.
const std::vector<Isa>& available_isas();

/// The best of them, or what SHENBI_ISA says. An unknown or unavailable SHENBI_ISA is Error{kInvalidArgument}.
Isa chosen_isa();

/// For tests and benchmarks: overrides the choice of this process from now on (no kernel may be running).
void force_isa(Isa isa);

}  // namespace shenbi::kernels
