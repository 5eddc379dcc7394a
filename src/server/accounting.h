#pragma once
// From a try at a model to its row in the ledger: whose price counts, and what it comes to.

#include <memory>
#include <optional>
#include <string>

#include "catalog/library.h"
#include "gateway/router.h"
#include "gateway/upstreams.h"
#include "ledger/ledger.h"

namespace shenbi::server {

/// Under which name the catalog has the prices of this account: the setting "prices" if it is given ("free": calls cost
/// nothing), the house's name at the house's own address, "dashscope-intl" and the like at other known ones. "": nobody
/// knows, which is not free.
std::string price_list(const gateway::Upstream& upstream);

/// `upstream`: null for the engine, whose answers cost nothing, and for an account that has gone meanwhile.
ledger::Row row_of(const gateway::Attempt& attempt, const gateway::Upstream* upstream, const catalog::Catalog& catalog);

/// Files rows as the router tells them. Cheap, never waits, thread-safe.
class Accounting {
 public:
  Accounting(ledger::Ledger& ledger, catalog::Library& library, const gateway::Upstreams& upstreams)
      : ledger_(ledger), library_(library), upstreams_(upstreams) {}
  void file(const gateway::Attempt& attempt);

 private:
  ledger::Ledger& ledger_;
  catalog::Library& library_;
  const gateway::Upstreams& upstreams_;
};

}  // namespace shenbi::server
