// rows.inl for scalar.

#include "kernels/isa/lanes_scalar.h"
#include "kernels/isa/math.inl"

#include "kernels/isa/rows.inl"

namespace shenbi::kernels {
const RowsTable* rows_scalar() noexcept { return &kRows; }
}  // namespace shenbi::kernels
