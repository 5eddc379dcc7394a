#pragma once
// What this machine can do and how much of it the kernels reach. Memory bandwidth of shared and virtual machines
// changes within seconds and other programs take turns on the cores, so a product is measured turn by turn with a read
// stream inside one thread region, and the best turns of both are compared.

#include "base/thread_team.h"
#include "kernels/packed_matrix.h"

namespace shenbi::kernels {

/// Bytes per second / 1e9 that all lanes together read from memory; best of several turns.
double read_stream_gbps(ThreadTeam& team);

/// 1e12 multiplications and additions per second of int8 dot products in registers, all lanes together; best of
/// several.
double int8_peak_tops(ThreadTeam& team);

/// One token through a large matrix of this type, against a read stream.
struct GemvSpeed {
  double gbps = 0;         ///< packed bytes per second / 1e9
  double stream_gbps = 0;  ///< bytes per second / 1e9 of the read stream
  double of_stream() const { return gbps / stream_gbps; }
};
GemvSpeed measure_gemv(const QuantType& type, Precision precision, ThreadTeam& team);

/// Seconds of one product of rows x columns with `tokens`, weights not in the cache; best of several.
double measure_product(const QuantType& type, size_t rows, size_t columns, size_t tokens, ThreadTeam& team);

/// (time of `tokens` tokens) / (time of 1), best of several turns of each.
double measure_batch_ratio(const QuantType& type, size_t tokens, ThreadTeam& team);

}  // namespace shenbi::kernels
