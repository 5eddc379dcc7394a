#pragma once
// Runs many sequences through one model at once: continuous batching over a paged KV cache.
//
//   Engine engine(model, team, {.max_sequences = 8});
//   auto id = engine.submit({.prompt = ids, .max_tokens = 64, .on_token = [](const TokenEvent& e) { ... }});
//   while (engine.step()) {}
//
// Each step is one forward pass: every decoding sequence gets its next token, and what room is left in the step's
// budget goes to prompts: an equal share each, so that a short one is not kept waiting by a long one, and what is left
// of it to the oldest. The tokens of a sequence do not depend on who runs beside it, on the
// chunks, on the number of threads or on what the prefix tree held.
//
// Threads: step() and run() from one thread at a time; submit() and cancel() from any thread.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/thread_team.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/thinking_limit.h"
#include "grammar/grammar.h"
#include "models/decoder.h"

namespace shenbi::engine {

enum class FinishReason {
  kNone,
  kStop,    ///< an end token or a stop string
  kLength,  ///< max_tokens, or the context is full
  kCancelled,
  kFailed,  ///< TokenEvent::text and failure say why: a grammar too ambiguous to follow, a model file that was lost
};
std::string_view finish_reason_name(FinishReason reason) noexcept;

/// What on_token receives, in order: one event a token, the last with a finish reason. The views live during the call
/// only.
struct TokenEvent {
  uint64_t sequence = 0;
  int32_t id = -1;        ///< -1 in a final event without a token (cancelled)
  std::string_view text;  ///< what became certain: whole characters, no part of a stop string; may be empty
  float logprob = 0;
  const Sampler::TopLogprobs* top = nullptr;
  FinishReason finish = FinishReason::kNone;
  Code failure = Code::kInvalidArgument;  ///< kFailed: what kind
  std::string_view stop_string;           ///< which stop string matched, if one did
  uint32_t cached_tokens = 0;             ///< of the prompt, found in the prefix tree
  /// When the request was submitted, and when the first pass took it up (zero: none did).
  std::chrono::steady_clock::time_point queued{}, begun{};
};

/// One token of a prompt whose log-probabilities were asked for.
struct PromptToken {
  int32_t id = -1;
  float logprob = 0;  ///< natural log, given the tokens before it; 0 for the first, which nothing predicts
  Sampler::TopLogprobs top;
};

struct Request {
  std::vector<int32_t> prompt;
  uint32_t max_tokens = 0;  ///< 0: until the context is full
  SamplingParams sampling;
  std::vector<std::string> stop;  ///< strings; not part of the text
  std::vector<int32_t> stop_ids;  ///< besides the model's own end tokens
  bool ignore_end = false;        ///< the model's end tokens do not stop (benchmarks)
  bool logprobs = false;          ///< events carry the log-probability of their token (else 0)
  uint32_t top_logprobs = 0;      ///< and of so many best tokens
  bool keep_special = false;      ///< control tokens appear in the text
  int priority = 0;               ///< lower runs first among those that wait
  std::string tenant;             ///< prompts of different tenants share no cached pages

  /// Only tokens it allows are drawn; the answer ends where the grammar ends. Text with only one continuation is taken
  /// over without a pass of its own, unless log-probabilities are wanted.
  std::shared_ptr<grammar::Matcher> matcher;
  bool jump_ahead = true;  ///< false: nothing is taken over (benchmarks)

  std::optional<ThinkingLimit> thinking;

  /// The prompt's own tokens, once the whole prompt is read; then nothing of it comes from the prefix tree.
  std::function<void(const std::vector<PromptToken>&)> on_prompt;

  /// So many requests wait before this one, which cannot run yet; again whenever they have become fewer or more.
  std::function<void(uint32_t ahead)> on_wait;
  /// All are called inside step() and must not call into the engine except cancel().
  std::function<void(const TokenEvent&)> on_token;
};

/// From a text to one vector: the states behind the final norm, pooled over the text's tokens.
struct EmbeddingRequest {
  enum class Pooling { kMean, kLast };
  std::vector<int32_t> tokens;
  Pooling pooling = Pooling::kMean;
  /// Nobody wants it any more once this is true; its pass stops within one layer, unless answers share the step.
  std::shared_ptr<const std::atomic<bool>> cancelled;
  /// Called once, inside step(). The vector is not scaled to any length; it is empty if there is a failure, which is
  /// kCancelled for a text that nobody wanted any more.
  std::function<void(std::vector<float> vector, const Error* failure)> on_done;
};

/// Whether passes try guesses of the tokens to come: runs of tokens that stood in the prompt or the answer before. No
/// token of an answer depends on it: a guess counts only where it is the token that would have been chosen anyway.
enum class Speculation {
  kOff,
  kWhereItPays,  ///< as many guesses as make answers faster by what passes take here, mostly none
  kAlways,       ///< every guess there is (tests)
};

struct EngineOptions {
  uint32_t max_sequences = 16;  ///< running at once; more wait
  uint32_t step_tokens = 512;   ///< most tokens in one pass: bounds the pause a long prompt causes for the others
  uint64_t kv_bytes = 0;        ///< 0: enough for max_sequences full contexts, at most a quarter of the memory left
  Speculation speculation = Speculation::kOff;
};

/// Bounds of EngineStats::step_sizes, in tokens.
inline constexpr std::array<uint32_t, 11> kStepSizes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

struct EngineStats {
  uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0, steps = 0, preemptions = 0;
  std::array<uint64_t, kStepSizes.size() + 1> step_sizes{};  ///< passes of at most so many tokens; the last: larger
  uint64_t step_tokens = 0;                                  ///< of all passes
  uint64_t drafted_tokens = 0, accepted_tokens = 0;          ///< guesses in passes; those that were right
  uint32_t waiting = 0, running = 0;                         ///< requests now
  uint32_t used_pages = 0, total_pages = 0;  ///< of the KV cache; pages that only the prefix tree keeps count as free
};

class Engine {
 public:
  Engine(std::shared_ptr<const Model> model, ThreadTeam& team, const EngineOptions& options = {});
  ~Engine();

  /// Queues a request and returns its number. Throws Error{kInvalidArgument} if the prompt is empty, holds an id
  /// outside the vocabulary, or is as long as the context ("prompt has 5000 tokens, this model's maximum context
  /// length is 4096: ..."); nothing is ever cut.
  uint64_t submit(Request request);

  /// Queues a text to be embedded: one after the other, a chunk of at most step_tokens beside each pass of the answers.
  /// Throws like submit().
  void submit(EmbeddingRequest request);

  /// The sequence ends with kCancelled within one layer of the running pass (if nobody else is in it) or after the
  /// pass. Unknown or finished numbers are no error.
  void cancel(uint64_t sequence);

  /// Ends everything that runs or waits with kFailed and this reason; a pass under way stops between two layers.
  void fail_all(Code code, const std::string& reason);

  /// One forward pass. False when there is nothing left to do. Throws Error{kCorruptFile} if the model's file is no
  /// longer what it was: nothing computed from it is given out.
  bool step();

  /// Steps until every request has finished.
  void run();

  const Model& model() const noexcept;
  uint32_t context_length() const noexcept;
  /// For EngineStats::used_pages and total_pages.
  static constexpr uint32_t kPageTokens = models::kPagePositions;
  EngineStats stats() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::engine
