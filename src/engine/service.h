#pragma once
// The models of a running server: loaded when first asked for, kept within a memory budget, all stepped by one thread.
//
//   Service service({.threads = 2});
//   auto model = service.load("gemma3:270m");            // blocks; joins a load that is under way
//   uint64_t number = service.submit(*model, request);   // events arrive on the service's thread
//   service.cancel(*model, number);
//
// One thread and one team do the computing for every model, turn by turn: two models that generate at once share the
// cores instead of fighting for them. A model that nobody uses is unloaded when room is needed, or after `idle_unload`.
// A model whose file is lost under it (cut short, a failing disk) ends its requests with the reason and leaves; the
// next request loads it anew, and hears what is wrong with the file. Thread-safe.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/model.h"
#include "grammar/grammar_cache.h"

namespace shenbi::engine {

/// A model was read from its files, or could not be.
struct LoadReport {
  std::string model;
  std::chrono::steady_clock::time_point begun, ended;
  uint64_t bytes = 0;  ///< in memory; 0 if it failed
  bool failed = false;
};

struct ServiceOptions {
  uint32_t threads = 0;  ///< 0: what this process really gets
  uint32_t context = 0;  ///< 0: each model's own, at most context_cap
  uint32_t context_cap = 8192;
  kernels::Precision precision = kernels::Precision::kInt8;
  bool whole_head = false;  ///< no coarse form of output heads: less memory, the same answers later
  Speculation speculation = Speculation::kOff;
  uint64_t memory_bytes = 0;            ///< for weights and caches; 0: three quarters of what this process may use
  uint32_t max_sequences = 16;          ///< of one model at once
  uint32_t max_waiting = 512;           ///< of one model; beyond it Error{kRateLimited}
  std::chrono::seconds idle_unload{0};  ///< 0: never by time
  /// Further names of models, for clients that have theirs built in: {"gpt-4o", "gemma3:270m"}.
  std::map<std::string, std::string, std::less<>> aliases;
  /// Told on the thread that asked for the model; must not throw.
  std::function<void(const LoadReport&)> on_load;
  formats::CacheFolder cache;  ///< see DecoderOptions
};

/// A model in memory. Holding the pointer keeps it there.
class LoadedModel : public std::enable_shared_from_this<LoadedModel> {
 public:
  const std::string& name() const noexcept { return name_; }
  const Model& model() const noexcept { return *model_; }
  std::shared_ptr<const Model> shared_model() const noexcept { return model_; }
  uint32_t context() const noexcept { return engine_->context_length(); }
  EngineStats stats() const { return engine_->stats(); }
  uint64_t bytes() const noexcept { return bytes_; }
  /// How long it stays in memory without a request; negative: until its room is needed.
  void keep_for(double seconds) noexcept;
  /// Grammars over this model's tokens, with those compiled lately; made when first asked for.
  grammar::GrammarCache& grammars() const;

 private:
  friend class Service;
  std::string name_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Engine> engine_;
  uint64_t bytes_ = 0;
  std::atomic<int64_t> last_use_ms_{0}, keep_ms_{-1};
  mutable std::once_flag grammars_once_;
  mutable std::unique_ptr<grammar::GrammarCache> grammars_;
};
using LoadedModelPtr = std::shared_ptr<LoadedModel>;

class Service {
 public:
  explicit Service(const ServiceOptions& options);
  /// Stops.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Ends the computing thread and waits for it; what is in flight ends without a further event. Whoever made the
  /// service calls this before letting it go: an answer's sink may hold the last reference, and a thread cannot wait
  /// for itself. Not to be called by a sink.
  void stop();

  /// The model that `name` stands for: itself, unless it is an alias. An alias of an alias is not followed.
  std::string real_name(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& aliases() const noexcept;

  /// `name`: a store name, a .gguf file, a model folder or an alias of one. Throws Error{kNotFound}, or {kOutOfMemory}
  /// when the models in use leave no room ("... needs 5.2 GB, 3.1 GB of the budget of 8 GB are free").
  LoadedModelPtr load(const std::string& name);
  /// If it is in memory already.
  LoadedModelPtr loaded(const std::string& name) const;
  std::vector<LoadedModelPtr> all_loaded() const;
  /// False if it was not loaded. Requests in flight end first: the memory goes with the last holder.
  bool unload(const std::string& name);

  /// As Engine::submit; Error{kRateLimited} when too many wait.
  uint64_t submit(LoadedModel& model, Request request);
  void submit(LoadedModel& model, EmbeddingRequest request);
  void cancel(LoadedModel& model, uint64_t number);
  /// Ends every request of every model with this reason (FinishReason::kFailed), within one pass.
  void fail_all(Code code, const std::string& reason);
  /// Loads under way end between two matrices, later ones do not begin: Error{kUnavailable} with this reason. For good.
  void stop_loading(const std::string& reason);

  uint64_t memory_budget() const noexcept;
  int threads() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::engine
