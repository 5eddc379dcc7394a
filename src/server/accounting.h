#pragma once
// From a try at a model to its row in the ledger: whose price counts, and what it comes to; and before it, what it may
// come to at most, for the budgets.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "catalog/library.h"
#include "gateway/router.h"
#include "gateway/upstreams.h"
#include "ledger/budgets.h"

namespace shenbi::server {

/// Under which name the catalog has the prices of this account: the setting "prices" if it is given ("free": calls cost
/// nothing), the house's name at the house's own address, "dashscope-intl" and the like at other known ones. "": nobody
/// knows, which is not free.
std::string price_list(const gateway::Upstream& upstream);

/// `upstream`: null for the engine, whose answers cost nothing, and for an account that has gone meanwhile.
ledger::Row row_of(const gateway::Attempt& attempt, const gateway::Upstream* upstream, const catalog::Catalog& catalog);

/// What the answer may be long at most where neither the request nor the catalog says: what most houses write without
/// long thinking.
constexpr uint64_t kUsualAnswer = 8192;

/// Thread-safe.
class Accounting {
 public:
  /// Most tokens, prompt and answer together, of a model of our own.
  using LocalContext = std::function<uint64_t(const std::string& model)>;
  Accounting(ledger::Budgets& budgets, catalog::Library& library, const gateway::Upstreams& upstreams,
             LocalContext local_context)
      : budgets_(budgets), library_(library), upstreams_(upstreams), local_context_(std::move(local_context)) {}

  /// Reserves what the try may take of its caller's budgets: the prompt by its text, the answer as long as it may be.
  /// Throws OverBudget. Writes to the database where there is a budget.
  uint64_t admit(const gateway::Attempt& attempt, const gateway::Need& need);
  /// Files the row as the router tells it. Cheap, never waits.
  void file(const gateway::Attempt& attempt);
  /// What this thread has filed last. In the last event of an answer that is the answer's own: the router files a try
  /// on the way of that event. Nothing, if that failed.
  static const std::optional<ledger::Row>& last_filed() noexcept;

 private:
  ledger::Budgets& budgets_;
  catalog::Library& library_;
  const gateway::Upstreams& upstreams_;
  const LocalContext local_context_;
};

}  // namespace shenbi::server
