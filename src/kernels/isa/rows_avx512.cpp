// rows.inl for avx512.

#include "kernels/isa/lanes_avx512.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/rows.inl"

namespace shenbi::kernels {
const RowsTable* rows_avx512() noexcept { return &kRows; }
}  // namespace shenbi::kernels
