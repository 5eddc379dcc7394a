#pragma once
// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
// A number depends only on (seed, stream, index), so sampling does not depend on batch, threads or order.
//
//   Philox random(seed, sequence_id);
//   float u = random.uniform(step);   // in [0, 1)

#include <array>
#include <cstdint>

namespace shenbi {

class Philox {
 public:
  explicit Philox(uint64_t seed, uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  /// Four independent 32-bit words for this index.
  std::array<uint32_t, 4> block(uint64_t index) const noexcept;

  /// Uniform in [0, 1) with 24 bits, so that it is exact in f32.
  float uniform(uint64_t index) const noexcept { return static_cast<float>(block(index)[0] >> 8) * 0x1p-24f; }
  /// Uniform in [0, 1) with 53 bits.
  double uniform64(uint64_t index) const noexcept;
  /// Standard normal (Box-Muller on two words of the block).
  float normal(uint64_t index) const noexcept;

 private:
  uint64_t seed_, stream_;
};

}  // namespace shenbi
