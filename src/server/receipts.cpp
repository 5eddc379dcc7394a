#include "server/receipts.h"

#include <utility>

namespace shenbi::server {
namespace {

thread_local std::string current;

}  // namespace

Receipts::Expected::Expected(Receipts& receipts, std::string id) : before_(std::exchange(current, std::move(id))) {
  std::lock_guard lock(receipts.mutex_);
  receipts.expected_.try_emplace(current);
}

Receipts::Expected::~Expected() { current = std::move(before_); }

const std::string& Receipts::current_id() noexcept { return current; }

void Receipts::note(const std::string& id, const std::function<ledger::Row()>& make) {
  {
    std::lock_guard lock(mutex_);
    if (!expected_.contains(id)) return;
  }
  const ledger::Row row = make();  // looks up prices: not under the lock
  std::lock_guard lock(mutex_);
  const auto found = expected_.find(id);
  if (found == expected_.end()) return;
  Receipt& receipt = found->second;
  ++receipt.tries;
  receipt.upstream = row.upstream;
  receipt.model = row.model;
  if (receipt.cost_nano_usd && row.cost_nano_usd)
    *receipt.cost_nano_usd += *row.cost_nano_usd;
  else
    receipt.cost_nano_usd.reset();
}

std::optional<Receipt> Receipts::take(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto node = expected_.extract(id);
  return node ? std::optional(std::move(node.mapped())) : std::nullopt;
}

}  // namespace shenbi::server
