#pragma once
// Slopes of attention with linear biases (Press et al. 2021, arXiv 2108.12409).

#include <cstdint>
#include <vector>

namespace shenbi::nn {

/// One slope a head. For a power of two p: 2^(-8 i / p), i = 1 .. p. Other counts take those of the next lower power p
/// and then every second one of 2p.
std::vector<float> alibi_slopes(uint32_t num_heads);

}  // namespace shenbi::nn
