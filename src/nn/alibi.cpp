#include "nn/alibi.h"

#include <bit>
#include <cmath>

namespace shenbi::nn {

std::vector<float> alibi_slopes(uint32_t num_heads) {
  const uint32_t power = std::bit_floor(num_heads);
  std::vector<float> slopes(num_heads);
  for (uint32_t h = 0; h < num_heads; ++h) {
    const double exponent = h < power ? -8.0 * (h + 1) / power : -8.0 * (2 * (h - power) + 1) / (2.0 * power);
    slopes[h] = static_cast<float>(std::exp2(exponent));
  }
  return slopes;
}

}  // namespace shenbi::nn
