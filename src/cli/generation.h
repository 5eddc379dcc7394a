#pragma once
// One answer, streamed to stdout: what run and chat share.

#include <string>
#include <vector>

#include "engine/engine.h"

namespace shenbi::cli {

struct Answer {
  std::string text;
  std::vector<int32_t> ids;
  engine::FinishReason finish = engine::FinishReason::kNone;
  size_t prompt_tokens = 0;
  double first_token_s = 0;            ///< from submit to the first token
  uint64_t drafted = 0, accepted = 0;  ///< guessed tokens; those that were right
  double decode_tps = 0;               ///< tokens a second after the first
};

/// Runs the request to its end, writing text to stdout as it becomes certain. SIGINT cancels it (the answer then ends
/// with kCancelled). A stdout that no longer takes bytes cancels it too.
Answer stream_answer(engine::Engine& engine, engine::Request request);

/// "5 prompt tokens, first token after 0.05 s; 32 tokens at 120.1 tokens/s (length)"
std::string describe(const Answer& answer);

}  // namespace shenbi::cli
