#pragma once
// Speed of the engine on a model: prefill, decode at several batch sizes, start.

#include <cstdint>
#include <map>
#include <vector>

#include "base/thread_team.h"
#include "engine/engine.h"
#include "engine/model.h"

namespace shenbi::eval {

struct SpeedOptions {
  uint32_t prompt_tokens = 512;
  uint32_t new_tokens = 128;
  std::vector<uint32_t> batches = {1};
  uint32_t repeats = 3;
  engine::Speculation speculation = engine::Speculation::kOff;
};

struct DecodeSpeed {
  double tps = 0;                      ///< tokens a second of all sequences together, median
  double gbps = 0;                     ///< weights read a second (one reading a step serves all sequences)
  uint64_t drafted = 0, accepted = 0;  ///< guessed tokens of all repeats; those that were right
  double of_stream = 0;                ///< gbps / read stream measured just before and after, median
};

struct Speed {
  double prefill_tps = 0;                  ///< median
  std::map<uint32_t, DecodeSpeed> decode;  ///< by batch size
  double stream_gbps = 0;                  ///< read stream with the same threads, median
  double int8_tops = 0;                    ///< peak of int8 products in registers
};

/// Prompts are random tokens, different in every repeat, so that nothing is answered from the prefix tree; end tokens
/// do not stop. Greedy choice. Throws Error{kInvalidArgument} if prompt and answer do not fit the context.
Speed measure_speed(std::shared_ptr<const engine::Model> model, const SpeedOptions& options, ThreadTeam& team);

}  // namespace shenbi::eval
