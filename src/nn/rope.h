#pragma once
// Rotary frequencies: turns what a config says about positions into the RopeSpec that blocks execute. Every scaling
// ends here, in numbers: nothing above knows that there is more than one kind.
//
//   RopeConfig config{.dims = 64, .theta = 500000.0, .scaling = RopeScaling::kLlama3, .factor = 8.0,
//                     .original_context = 8192, .low_frequency_factor = 1.0, .high_frequency_factor = 4.0};
//   RopeSpec rope = make_rope(config, RopeOrder::kHalf);

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/spec.h"

namespace shenbi::nn {

enum class RopeScaling : uint8_t {
  kNone,
  kLinear,      ///< positions / factor (Chen et al. 2023, arXiv 2306.15595)
  kDynamicNtk,  ///< theta grown for `context_length` positions; nothing happens up to original_context
  kFixedNtk,    ///< theta * factor^(dims / (dims - 2)), always (Hunyuan's alpha)
  kLlama3,      ///< long waves / factor, short ones kept, smooth between (Llama 3.1)
  kYarn,        ///< NTK by parts with an attention factor (Peng et al. 2023, arXiv 2309.00071)
  kLongrope,    ///< one factor a frequency, short or long list (Ding et al. 2024, arXiv 2402.13753)
};

/// Numbers as a config.json or GGUF writes them; the comment names the kinds that read a field.
struct RopeConfig {
  uint32_t dims = 0;       ///< leading dims of a head that turn; even
  double theta = 10000.0;  ///< base
  RopeScaling scaling = RopeScaling::kNone;
  std::optional<double> factor;   ///< linear, dynamic, fixed, llama3: must; yarn, longrope: default context / original
  uint64_t context_length = 0;    ///< dynamic, longrope: positions that will be used; yarn, longrope: default of factor
  uint64_t original_context = 0;  ///< dynamic, llama3, yarn, longrope: positions before the scaling
  double low_frequency_factor = 1.0, high_frequency_factor = 4.0;  ///< llama3
  double beta_fast = 32.0, beta_slow = 1.0;                        ///< yarn: turns over original_context
  bool truncate = true;                                            ///< yarn: round the ends of the ramp outwards
  std::optional<double> attention_factor;                          ///< yarn, longrope
  std::optional<double> mscale, mscale_all_dim;                    ///< yarn (DeepSeek)
  std::vector<float> short_factors, long_factors;                  ///< longrope: dims / 2 each
  std::vector<float> frequency_factors;  ///< all: extra divisors, dims / 2 or empty (GGUF's rope_freqs.weight)
};

/// Computed in double, rounded once to f32. Longrope takes the long list when context_length > original_context and
/// keeps it for every position. Throws Error{kInvalidArgument} naming the field that is missing, of the wrong length or
/// out of range (0, negative, not finite).
RopeSpec make_rope(const RopeConfig& config, RopeOrder order);

}  // namespace shenbi::nn
