#pragma once
// The operator's webhook: a POST of JSON for each alert of a budget (docs/usage.md).

#include <atomic>
#include <functional>
#include <string>

#include "ledger/alerts.h"

namespace shenbi::server {

/// What the webhook hears. `text` is a sentence, where chat programs look for it.
std::string alert_body(const ledger::Alert& alert, const std::string& id);

/// For AlertOptions::send; null if there is no address. True if the address answered 2xx. What goes wrong is told in
/// the log without the path of the address, which may hold a secret. `ending` cuts a call short.
/// Throws Error{kInvalidArgument} if the address is not http or https.
std::function<bool(const ledger::Alert&, const std::string& id)> webhook_sender(const std::string& address,
                                                                                const std::atomic<bool>& ending);

}  // namespace shenbi::server
