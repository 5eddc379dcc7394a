// rows.inl for avx2.

#include "kernels/isa/lanes_avx2.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/rows.inl"

namespace shenbi::kernels {
const RowsTable* rows_avx2() noexcept { return &kRows; }
}  // namespace shenbi::kernels
