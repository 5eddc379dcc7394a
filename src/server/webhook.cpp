#include "server/webhook.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "net/http.h"

namespace shenbi::server {
namespace {

constexpr double kTimeoutS = 10;

// "https://hooks.example" of "https://user:secret@hooks.example/secret".
std::string shown(const std::string& address) {
  const size_t begin = address.find("://") + 3;
  const std::string authority = address.substr(begin, address.find_first_of("/?#", begin) - begin);
  return address.substr(0, begin) + authority.substr(authority.rfind('@') + 1);
}

}  // namespace

std::string alert_body(const ledger::Alert& alert, const std::string& id) {
  const std::string text = fmt::format("Budget {}: {} % reached, {} of {} spent ({})", alert.budget, alert.percent,
                                       ledger::amount_text(alert.unit, alert.spent),
                                       ledger::amount_text(alert.unit, alert.limit), alert.period);
  const nlohmann::ordered_json json = {{"event", "budget"},        {"id", id},
                                       {"budget", alert.budget},   {"whose", ledger::whose_name(alert.whose)},
                                       {"subject", alert.subject}, {"period", alert.period},
                                       {"percent", alert.percent}, {"unit", ledger::unit_name(alert.unit)},
                                       {"limit", alert.limit},     {"spent", alert.spent},
                                       {"time", alert.time_s},     {"text", text}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::function<bool(const ledger::Alert&, const std::string& id)> webhook_sender(const std::string& address,
                                                                                const std::atomic<bool>& ending) {
  if (address.empty()) return nullptr;
  if (!address.starts_with("http://") && !address.starts_with("https://"))
    throw Error(Code::kInvalidArgument, fmt::format("--alert-webhook: '{}' is no http or https address", address));
  return [address, &ending](const ledger::Alert& alert, const std::string& id) {
    net::Options options{.headers = {"Content-Type: application/json"}, .max_bytes = 1u << 20, .cancelled = &ending};
    options.connect_timeout_s = options.stall_timeout_s = options.total_timeout_s = kTimeoutS;
    std::string problem;
    try {
      const int status = net::post(address, alert_body(alert, id), options).status;
      if (status >= 200 && status < 300) return true;
      problem = fmt::format("status {}", status);
    } catch (const Error& error) {
      problem = error.code() == Code::kCancelled ? "the server is stopping" : "it cannot be reached";
    }
    log_warn("the alert of budget '{}' was not taken by {}: {}", alert.budget, shown(address), problem);
    return false;
  };
}

}  // namespace shenbi::server
