#pragma once
// What this machine can do and how much of it the kernels reach. Memory bandwidth of shared and virtual machines
// changes within seconds, so a product is always measured together with a read stream, turn by turn inside one thread
// region, and the ratio is what counts.

#include <string_view>

#include "base/thread_team.h"
#include "kernels/packed_matrix.h"

namespace shenbi::kernels {

/// Bytes per second / 1e9 that all lanes together read from memory; median of several turns.
double read_stream_gbps(ThreadTeam& team);

/// 1e12 multiplications and additions per second of int8 dot products in registers, all lanes together; best of
/// several.
double int8_peak_tops(ThreadTeam& team);

/// One token through a large matrix of this type, against a read stream.
struct GemvSpeed {
  double gbps = 0;         ///< packed bytes per second / 1e9, median
  double stream_gbps = 0;  ///< median
  double of_stream = 0;    ///< median of the ratios of neighbouring turns
};
GemvSpeed measure_gemv(const QuantType& type, Precision precision, ThreadTeam& team);

/// Seconds of one product of rows x columns with `tokens`, weights not in the cache; best of several.
double measure_product(const QuantType& type, size_t rows, size_t columns, size_t tokens, ThreadTeam& team);

/// Median of several turns of (time of `tokens` tokens) / (time of 1), turn by turn.
double measure_batch_ratio(const QuantType& type, size_t tokens, ThreadTeam& team);

}  // namespace shenbi::kernels
