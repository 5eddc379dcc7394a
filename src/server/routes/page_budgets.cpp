// Budgets, for whoever may manage the server: set, see, take away; and what they have told lately.

#include <cmath>
#include <map>

#include "chat/fields.h"
#include "ledger/alerts.h"
#include "ledger/budgets.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;
using ledger::Budget;

constexpr uint32_t kLatestAlerts = 50;
constexpr double kMostUsd = 1e9;  // whole nano-dollars stay below 2^63

OrderedJson budget_json(const ledger::BudgetState& state) {
  const Budget& budget = state.budget;
  return {{"name", budget.name},
          {"whose", ledger::whose_name(budget.whose)},
          {"subject", budget.subject},
          {"unit", ledger::unit_name(budget.unit)},
          {"period", ledger::period_name(budget.period)},
          {"limit", budget.limit},
          {"spent", state.spent},
          {"reserved", state.reserved},
          {"unpriced_calls", state.unpriced},
          {"refused", state.refused},
          {"resets", state.resets > 0 ? OrderedJson(state.resets) : OrderedJson()},
          {"alerts", budget.alerts},
          {"unpriced", budget.unpriced},
          {"from", budget.from}};
}

OrderedJson alert_json(const ledger::KeptAlert& kept) {
  const ledger::Alert& alert = kept.alert;
  return {{"id", kept.id},
          {"budget", alert.budget},
          {"whose", ledger::whose_name(alert.whose)},
          {"subject", alert.subject},
          {"period", alert.period},
          {"percent", alert.percent},
          {"unit", ledger::unit_name(alert.unit)},
          {"limit", alert.limit},
          {"spent", alert.spent},
          {"time", alert.time_s},
          {"delivery", ledger::delivery_name(kept.delivery)}};
}

void list_budgets(RouteCall& call) {
  OrderedJson budgets = OrderedJson::array(), alerts = OrderedJson::array(), teams = OrderedJson::array();
  for (const ledger::BudgetState& one : call.state.budgets.states()) budgets.push_back(budget_json(one));
  for (const ledger::KeptAlert& one : call.state.alerts.latest(kLatestAlerts)) alerts.push_back(alert_json(one));
  std::map<std::string, OrderedJson> members;
  for (const Key& key : call.state.keys.list()) {
    if (!key.team.empty() && !key.revoked) members[key.team].push_back(key.id);
  }
  for (const auto& [name, keys] : members) teams.push_back({{"name", name}, {"keys", keys}});
  send_json(call, 200,
            {{"budgets", budgets},
             {"teams", teams},
             {"alerts", alerts},
             {"webhook", !call.state.options.alert_webhook.empty()}});
}

// "limit_usd": 20.5 or "limit_tokens": 1000000; one of them says the unit.
void set_limit(std::optional<double> usd, std::optional<int64_t> tokens, Budget& budget) {
  if (usd.has_value() == tokens.has_value())
    throw Error(Code::kInvalidArgument, "limit_usd: expected it or limit_tokens, one of them");
  budget.unit = usd ? ledger::Unit::kUsd : ledger::Unit::kTokens;
  budget.limit = usd ? std::llround(*usd * 1e9) : *tokens;
}

void read_alerts(Fields& body, Budget& budget) {
  const OrderedJson* given = body.list("alerts", ledger::kMaxBudgetAlerts);
  if (!given) return;
  budget.alerts.clear();
  for (const OrderedJson& one : *given) {
    if (!one.is_number_unsigned() || one.get<uint64_t>() > 100)
      throw Error(Code::kInvalidArgument, "alerts: expected per cents from 1 to 100");
    budget.alerts.push_back(one.get<uint32_t>());
  }
}

void put_budget(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  Budget budget{.name = call.path["name"]};
  budget.whose = ledger::whose_of(body.text("whose").value_or("everybody"));
  budget.subject = body.text("subject").value_or("");
  budget.period = ledger::period_of(body.text("period").value_or("month"));
  const auto usd = body.number("limit_usd", 0, kMostUsd);
  const auto tokens = body.integer("limit_tokens", 1, INT64_MAX / 8);
  read_alerts(body, budget);
  budget.unpriced = body.boolean("unpriced").value_or(false);
  budget.from = body.text("from").value_or(
      budget.period == ledger::Period::kTotal ? ledger::day_of(static_cast<int64_t>(wall_clock())) : "");
  body.end();
  set_limit(usd, tokens, budget);
  call.state.budgets.put(budget);
  for (const ledger::BudgetState& one : call.state.budgets.states()) {
    if (one.budget.name == budget.name) send_json(call, 200, budget_json(one));
  }
}

void remove_budget(RouteCall& call) {
  if (!call.state.budgets.remove(call.path["name"]))
    throw Error(Code::kNotFound, "no budget '" + call.path["name"] + "'");
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

}  // namespace

RouteList page_budgets() {
  return {Route::with_key(Face::kPage, "GET", "/page/budgets", Scope::kManage, list_budgets),
          Route::with_key(Face::kPage, "PUT", "/page/budgets/{name}", Scope::kManage, put_budget),
          Route::with_key(Face::kPage, "DELETE", "/page/budgets/{name}", Scope::kManage, remove_budget)};
}

}  // namespace shenbi::server::routes
