#pragma once
// What all routes share. Made once by the server; everything in it is thread-safe.

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catalog/library.h"
#include "engine/service.h"
#include "gateway/provider.h"
#include "gateway/routes.h"
#include "gateway/upstreams.h"
#include "ledger/alerts.h"
#include "ledger/budgets.h"
#include "server/accounting.h"
#include "server/keys.h"
#include "server/metrics.h"
#include "server/receipts.h"
#include "server/stored_responses.h"
#include "server/workers.h"
#include "store/database.h"
#include "trace/tracer.h"

namespace shenbi::server {

class AnswerCache;
class Arena;
class Batches;
class Comparisons;
class Conversations;
class Prompts;
class Files;
class MediaJobs;
class MediaRunner;
class RunningAnswers;

struct ServeOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 11188;
  std::vector<std::string> models;           ///< loaded at the start; paths are allowed here and nowhere else
  std::vector<std::string> keys;             ///< besides those in the database
  std::vector<std::string> allowed_origins;  ///< web pages that may call us; "*": any
  std::vector<std::string> allowed_hosts;    ///< names by which we are called, besides numbers and localhost
  std::string certificate_file, key_file;
  std::string alert_webhook;   ///< address that hears of budgets; only who starts the server sets it
  std::filesystem::path data;  ///< folder of the database and of files
  std::string database;        ///< instead of the one in that folder: a file, or the address of a PostgreSQL database
  /// Room for answers that are given again to the same request, and how long; 0: none are (server/answer_cache.h).
  uint64_t answer_cache_bytes = 0;
  std::chrono::seconds answer_cache_keep{3600};
  std::string personal_data = "send";  ///< to upstreams that say nothing else (gateway/upstreams.h)
  engine::ServiceOptions engine;
  trace::Options trace;
};

class State {
 public:
  explicit State(const ServeOptions& options);
  ~State();

  ServeOptions options;
  store::Database database;
  Keys keys;
  StoredResponses responses;
  Metrics metrics;
  ledger::Ledger ledger;
  catalog::Library library;
  std::shared_ptr<trace::Tracer> tracer;  ///< null: nothing is traced
  Workers workers;  ///< stopped before anything goes; outlives those below, whose last events still come to it
  gateway::Upstreams upstreams;
  gateway::Routes routes;
  std::atomic<bool> ending = false;  ///< ends a call to the webhook
  ledger::Alerts alerts;
  ledger::Budgets budgets;
  Accounting accounting;
  Receipts receipts;
  std::shared_ptr<engine::Service> service;
  std::shared_ptr<gateway::Provider> provider;  ///< the router in front of the engine and the upstreams
  std::unique_ptr<Conversations> conversations;
  std::unique_ptr<Prompts> prompts;
  std::unique_ptr<Files> files;
  std::unique_ptr<Batches> batches;
  std::unique_ptr<MediaJobs> media_jobs;
  std::unique_ptr<MediaRunner> media_runner;
  std::unique_ptr<RunningAnswers> running;
  std::unique_ptr<Comparisons> comparisons;
  std::unique_ptr<AnswerCache> answer_cache;  ///< null: off
  std::unique_ptr<Arena> arena;
  /// Why models of the start are not in memory, by name.
  void note_failed_load(const std::string& model, const std::string& why);
  std::string failed_load(const std::string& model) const;  ///< "" if none failed
  /// Most tokens of a model of the engine: as it runs, or as it would be loaded.
  uint64_t local_context(const std::string& model) const;

  std::atomic<bool> stopping = false;  ///< no new work: only questions about the server itself are answered
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  void note_masked(const gateway::Upstream& upstream, const guard::Vault& vault);
  void note_receipt(const gateway::Attempt& attempt);

  mutable std::mutex failed_loads_mutex;
  std::map<std::string, std::string> failed_loads;
};

/// Wraps a sink: measures the answer for the metrics, the log and the trace of the request that this thread handles,
/// and counts its tokens against the caller's quota.
gateway::EventSink measured(State& state, const Caller& caller, const std::string& model, gateway::EventSink sink);

/// Seconds since 1970.
double wall_clock();

}  // namespace shenbi::server
