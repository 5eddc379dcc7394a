#pragma once
// Comparisons that are being written right now: several models' answers to one request, in one stream or one JSON
// (docs/compare.md). A comparison belongs to the connection that asked for it and ends with it.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chat/types.h"
#include "gateway/comparison.h"
#include "server/receipts.h"
#include "server/request_record.h"
#include "server/router.h"

namespace shenbi::server {

/// Columns of one comparison: each takes a worker thread while its model loads, of which there are 16.
inline constexpr uint64_t kMaxComparedModels = 16;
/// Of one key at once: a reader looks at one.
inline constexpr uint64_t kMaxRunningComparisons = 8;

struct ComparisonPlan {
  std::vector<chat::ChatRequest> requests;  ///< one a column
  bool stream = false;
  Scope scope = Scope::kInfer;  ///< what the caller's key must be allowed for each column
};

class Comparisons {
 public:
  /// Asks all and returns; the answer goes out as it comes. Throws Error{kRateLimited} if the caller has too many
  /// running.
  void start(RouteCall& call, ComparisonPlan plan);

  /// The caller's own, while it runs. Throws Error{kNotFound}.
  std::shared_ptr<gateway::Comparison> find(const Caller& caller, const std::string& id) const;

 private:
  class Writing;
  void forget(const std::string& id);
  struct Entry {
    std::string owner;
    std::shared_ptr<gateway::Comparison> comparison;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> running_;
};

/// What is said of a column once it has ended, without its text. `receipt`: of the ledger, if there is one.
chat::OrderedJson column_json(uint32_t index, const gateway::Column& column, const std::optional<Receipt>& receipt);

/// How the asking of one column is done: with the key's rights and quota, measured, and filed in the ledger under
/// `request_id`. On the calling thread; may block. Throws what the provider throws.
gateway::CallPtr ask_one_of_many(State& state, const Caller& caller, const RequestRecordPtr& record,
                                 const std::string& request_id, const chat::ChatRequest& request,
                                 gateway::EventSink sink);

}  // namespace shenbi::server
