#pragma once
// Picks one of the per-instruction-set tables that a kernel family declares as functions.

#include "kernels/isa.h"

namespace shenbi::kernels {

#if defined(__x86_64__) || defined(_M_X64)
#define SHENBI_TABLE(family, isa) \
  ((isa) == Isa::kAvx512 ? *family##_avx512() : ((isa) == Isa::kAvx2 ? *family##_avx2() : *family##_scalar()))
#else
#define SHENBI_TABLE(family, isa) (static_cast<void>(isa), *family##_scalar())
#endif

}  // namespace shenbi::kernels
