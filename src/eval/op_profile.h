#pragma once
// Which op of a model takes how long, and how near each is to what the machine gives at that moment: reading one token
// against the read stream, reading a prompt against the peak of int8 products. Both limits are measured right before
// and right after, because memory bandwidth of shared machines changes within seconds.

#include <string_view>
#include <vector>

#include "base/thread_team.h"
#include "engine/model.h"

namespace shenbi::eval {

struct OpSpeed {
  std::string_view op;
  double share = 0;     ///< of the phase's time
  double gbps = 0;      ///< bytes that must be read a second: weights, keys and values; 0: none
  double tops = 0;      ///< multiplications and additions a second / 1e12; 0: none that count
  double of_limit = 0;  ///< decode: gbps / stream; prefill: tops / peak
};

struct PhaseProfile {
  double tokens_per_second = 0;
  double stream_gbps = 0, int8_tops = 0;  ///< of the same second
  double of_limit = 0;                    ///< of the whole phase
  std::vector<OpSpeed> ops;               ///< longest first
};

struct OpProfile {
  PhaseProfile prefill, decode;
};

/// A prompt of `prompt_tokens`, then `new_tokens` one by one behind it. Throws Error{kInvalidArgument} if they do not
/// fit the context.
OpProfile profile_ops(const engine::Model& model, uint32_t prompt_tokens, uint32_t new_tokens, ThreadTeam& team);

}  // namespace shenbi::eval
