#pragma once
// What every command that runs a model does first: find it, load it, say on how many threads.

#include <memory>
#include <optional>
#include <string>

#include "base/thread_team.h"
#include "cli/arguments.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "engine/sampler.h"

namespace shenbi::cli {

struct ModelOptions {
  std::string model;
  uint32_t threads = 0;  ///< 0: what affinity and container quota really give
  uint32_t context = 0;  ///< 0: the model's own, at most kDefaultContext
  std::string precision = "int8";
  bool whole_head = false;  ///< no coarse form of the output head
  bool quiet = false;
};

/// Contexts of 128k and more are asked for, not assumed.
inline constexpr uint32_t kDefaultContext = 8192;

/// Declares MODEL, --threads, --context, --precision, --whole-head, --quiet.
void declare_model_options(Arguments& args, ModelOptions& options);

struct Session {
  std::unique_ptr<ThreadTeam> team;
  std::shared_ptr<const engine::Model> model;
  std::string threads_note;  ///< "2 threads (2 of 2 CPUs)"; empty with --quiet

  /// Says on stderr how many threads work. Called once nothing can be wrong with the input any more: an error is the
  /// only line then.
  void announce() const;
};

/// A team of `threads` threads, or of the thread budget (0). More than the budget is allowed with a warning.
std::unique_ptr<ThreadTeam> make_team(uint32_t threads, bool quiet);
Session open_session(const ModelOptions& options);

/// --speculate of the commands that write answers.
struct SpeculationOption {
  std::string word = "ngram";

  void declare(Arguments& args);
  engine::Speculation use() const;
};

inline constexpr double kModelDefault = -1;    ///< of a sampling option that is not given
inline constexpr double kMaxTopK = 1u << 30;   ///< beyond every vocabulary
inline constexpr double kMaxSeed = 1LL << 53;  ///< the largest whole number that every JSON reader keeps

/// Sampling flags shared by run and chat. Unset ones keep the model's own defaults.
struct SamplingOptions {
  double temperature = kModelDefault, top_p = kModelDefault, min_p = kModelDefault, typical_p = kModelDefault;
  double repetition_penalty = kModelDefault, dry_multiplier = kModelDefault;
  double frequency_penalty = 0, presence_penalty = 0;
  int64_t top_k = -1, seed = -1;
};
void declare_sampling_options(Arguments& args, SamplingOptions& options);
engine::SamplingParams sampling_params(const SamplingOptions& options, const engine::SamplingParams& defaults);

}  // namespace shenbi::cli
