#pragma once
// From rows of a file to panels of the kernels (packed_layout.h draws them).

#include <cstddef>
#include <cstdint>

#include "kernels/isa.h"
#include "kernels/packed_layout.h"
#include "kernels/quant_type.h"

namespace shenbi::kernels {

/// The layout that a type is packed into. Common types keep their size; the others are spread to a byte a weight with
/// f32 scales, which loses nothing; types without integers inside become floats.
PackedLayout packed_layout_of(const QuantType& type);

/// The kernels of an instruction set that this machine has.
const PackedKernels& packed_kernels(Isa isa) noexcept;

/// For tests: whether Isa::kAvx2 does without the 256-bit dot product on machines that have it.
void force_plain_avx2(bool plain) noexcept;

/// Bytes of 16 rows.
size_t packed_panel_bytes(PackedLayout layout, size_t columns);

/// Packs rows [row_begin, row_end) of `data` into `packed`, the zeroed memory of the whole matrix. Bounds are multiples
/// of 16 or `rows`; different ranges may be packed at the same time.
void pack_rows(const QuantType& type, PackedLayout layout, const std::byte* data, size_t rows, size_t columns,
               size_t row_begin, size_t row_end, uint8_t* packed) noexcept;

}  // namespace shenbi::kernels
