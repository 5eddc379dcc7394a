#pragma once
// Converting matrices between storage types, on all threads.
//
//   quantize(values, rows, columns, importance, *find_quant_type("Q4_K"), blocks, team);    // floats -> blocks
//   convert(*source_type, source, rows, columns, importance, *target_type, target, team);   // blocks -> blocks
//
// The result does not depend on the number of threads: every block is encoded alone.

#include <cstddef>
#include <span>

#include "base/thread_team.h"
#include "kernels/quant_type.h"

namespace shenbi::kernels {

/// Reads `rows` rows of `columns` weights at `in` (from.row_bytes(columns) each) and writes them as `to` at `out`
/// (to.row_bytes(columns) each). `importance` holds one weight a column, how much an error there counts, or is empty.
/// The same type on both sides copies the bytes. In and out must not overlap. Needs no memory of its own beyond 4 KiB a
/// thread.
/// Throws Error{kUnsupported} if `to` has no encoder, Error{kInvalidArgument} if a block does not divide the columns or
/// the importance has another length.
void convert(const QuantType& from, const std::byte* in, size_t rows, size_t columns, std::span<const float> importance,
             const QuantType& to, std::byte* out, ThreadTeam& team);

/// The same from floats.
void quantize(const float* in, size_t rows, size_t columns, std::span<const float> importance, const QuantType& to,
              std::byte* out, ThreadTeam& team);

/// And to floats.
void dequantize(const QuantType& from, const std::byte* in, size_t rows, size_t columns, float* out, ThreadTeam& team);

}  // namespace shenbi::kernels
