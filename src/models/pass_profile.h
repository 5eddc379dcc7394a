#pragma once
// Where the time of forward passes goes, op by op, and what each op must at least move and compute: together the share
// of the machine's limit that it reaches.
//
//   PassProfile profile;
//   workspace.record(&profile);
//   decoder->forward(...);
//   profile.seconds[index(PassOp::kMlp)] ...  against decoder->costs()[index(PassOp::kMlp)].bytes
//
// Times are lane 0's, from the end of a phase to the end of the next, so they hold the waiting for the slowest lane too
// and add up to the pass. What is done with single rows counts with the product before it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shenbi::models {

enum class PassOp : uint8_t {
  kEmbed,            ///< looking up rows, the first norm
  kQkv,              ///< query, key and value projections; head norms, rotary positions, storing keys and values
  kAttention,        ///< scores and mixing, conversion of the result
  kAttentionOutput,  ///< its projection; residual and norm
  kMlp,              ///< feed forward: gate, up, activation, down; routing and experts; residual and norm
  kHead,             ///< output head
};
inline constexpr size_t kPassOps = 6;
inline constexpr std::array<std::string_view, kPassOps> kPassOpNames = {"embed", "qkv", "attention", "attention output",
                                                                        "mlp",   "head"};

constexpr size_t index(PassOp op) noexcept { return static_cast<size_t>(op); }

struct PassProfile {
  std::array<double, kPassOps> seconds = {};
};

/// Of weights, over all layers. What attention reads and computes grows with the position and is not in here.
struct OpCost {
  size_t bytes = 0;       ///< packed weights that one token reads
  size_t operations = 0;  ///< multiplications and additions for one token
};
using OpCosts = std::array<OpCost, kPassOps>;

}  // namespace shenbi::models
