#include "base/random.h"

#include <cmath>
#include <numbers>

namespace shenbi {

std::array<uint32_t, 4> Philox::block(uint64_t index) const noexcept {
  std::array<uint32_t, 4> x = {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                               static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)};
  uint32_t k0 = static_cast<uint32_t>(seed_), k1 = static_cast<uint32_t>(seed_ >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = 0xD2511F53ull * x[0], p1 = 0xCD9E8D57ull * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;  // golden ratio and sqrt(3)-1, the Weyl sequence of the paper
    k1 += 0xBB67AE85u;
  }
  return x;
}

double Philox::uniform64(uint64_t index) const noexcept {
  const auto words = block(index);
  const uint64_t bits = (static_cast<uint64_t>(words[1]) << 32) | words[0];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

float Philox::normal(uint64_t index) const noexcept {
  const auto words = block(index);
  const double u = (static_cast<double>(words[2]) + 1.0) * 0x1p-32;  // (0, 1]: the logarithm stays finite
  const double v = static_cast<double>(words[3]) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

}  // namespace shenbi
