#include "ledger/budgets.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/json.h"
#include "base/log.h"

namespace shenbi::ledger {
namespace {

constexpr std::string_view kBudgetsSchema =
    "CREATE TABLE budgets (name TEXT PRIMARY KEY, whose TEXT NOT NULL, subject TEXT NOT NULL, unit TEXT NOT NULL, "
    "period TEXT NOT NULL, bound INTEGER NOT NULL, alerts TEXT NOT NULL, unpriced INTEGER NOT NULL, "
    "from_day TEXT NOT NULL) STRICT";

std::string subject_key(Whose whose, const std::string& subject) {
  return std::string(whose_name(whose)) + '/' + subject;
}

// What a charge takes of a budget; nothing where its price is not known.
std::optional<int64_t> amount(const Budget& budget, const Charge& charge) {
  if (budget.unit == Unit::kUsd) return charge.nano_usd;
  return static_cast<int64_t>(std::min<uint64_t>(charge.tokens, INT64_MAX / 4));
}

Charge charge_of(const Row& row) {
  return {.nano_usd = row.cost_nano_usd, .tokens = row.prompt_tokens + row.completion_tokens};
}

// Stays below overflow whatever is added.
int64_t sum(int64_t a, int64_t b) { return a > INT64_MAX / 4 - b ? INT64_MAX / 4 : a + b; }

}  // namespace

Budgets::Budgets(store::Database& database, Ledger& ledger, BudgetOptions options)
    : database_(database), ledger_(ledger), options_(std::move(options)), version_(database, "budgets") {
  database_.migrate("budgets", {kBudgetsSchema});
  recount();
  if (!database_.shared()) return;
  ledger_.on_written([this] {
    try {
      recount();
    } catch (const std::exception& error) {  // the next rows bring the next try
      log_warn("budgets cannot be counted: {}", error.what());
    }
  });
}

Budgets::~Budgets() { ledger_.on_written(nullptr); }

int64_t Budgets::now() const { return options_.now ? options_.now() : static_cast<int64_t>(std::time(nullptr)); }

void Budgets::load() {
  std::map<std::string, Entry> old = std::exchange(entries_, {});
  for (const store::Row& row : database_.query("SELECT * FROM budgets ORDER BY name")) {
    Budget budget{.name = row.text("name"),
                  .whose = whose_of(row.text("whose")),
                  .subject = row.text("subject"),
                  .unit = unit_of(row.text("unit")),
                  .period = period_of(row.text("period")),
                  .limit = row.integer("bound"),
                  .alerts = Json::parse(row.text("alerts")).get<std::vector<uint32_t>>(),
                  .unpriced = row.integer("unpriced") != 0,
                  .from = row.text("from_day")};
    Entry& entry = entries_[budget.name];
    if (const auto known = old.find(budget.name); known != old.end()) {
      entry = std::move(known->second);
      if (entry.state.budget != budget) entry.told.clear();  // another limit has other marks
    }
    entry.state.budget = std::move(budget);
  }
  index();
}

// What others have changed. Nothing where there are no others.
void Budgets::refresh() {
  version_.follow([&] { load(); });
}

void Budgets::index() {
  by_subject_.clear();
  for (auto& [name, entry] : entries_) {
    const Budget& budget = entry.state.budget;
    by_subject_[subject_key(budget.whose, budget.subject)].push_back(&entry);
  }
}

template <class Each>
void Budgets::each_of(const std::string& caller, const std::string& team, const Each& each) {
  const auto visit = [&](Whose whose, const std::string& subject) {
    const auto found = by_subject_.find(subject_key(whose, subject));
    if (found == by_subject_.end()) return;
    for (Entry* entry : found->second) each(*entry);
  };
  visit(Whose::kKey, caller);
  if (!team.empty()) visit(Whose::kTeam, team);
  visit(Whose::kEverybody, "");
}

Budgets::Entries Budgets::all_entries() {
  Entries all;
  for (auto& [name, entry] : entries_) all.push_back(&entry);
  return all;
}

// What the ledger says, and what is under way: among many programs both are read at one moment.
void Budgets::count(const Entries& entries, const std::string& today) {
  std::set<std::string> days;
  for (const Entry* entry : entries) days.insert(first_day(entry->state.budget, today));
  Ledger::Standing standing = ledger_.standing(days);
  if (database_.shared()) {
    open_.clear();
    for (Ledger::Open& one : standing.open) {
      std::string team = options_.team_of(one.caller);
      open_.emplace(
          one.id,
          Open{.caller = std::move(one.caller), .team = std::move(team), .day = std::move(one.day), .most = one.most});
    }
  }
  for (Entry* entry : entries) count(*entry, today, standing.since);
}

void Budgets::count(Entry& entry, const std::string& today, const Sums& sums) {
  BudgetState& state = entry.state;
  const Budget& budget = state.budget;
  if (entry.day.empty() || !counts(budget, entry.day, today)) entry.told.clear();
  entry.day = today;
  state.spent = state.reserved = 0;
  state.unpriced = 0;
  const auto since = sums.find(first_day(budget, today));
  for (const Sum& one : since == sums.end() ? std::vector<Sum>{} : since->second) {
    const bool its = budget.whose == Whose::kEverybody ||
                     (budget.whose == Whose::kKey && budget.subject == one.caller) ||
                     (budget.whose == Whose::kTeam && budget.subject == options_.team_of(one.caller));
    if (!its) continue;
    state.unpriced += one.unpriced;
    state.spent =
        sum(state.spent,
            *amount(budget, {.nano_usd = one.cost_nano_usd, .tokens = one.prompt_tokens + one.completion_tokens}));
  }
  for (const auto& [id, open] : open_) {
    const bool its =
        budget.whose == Whose::kEverybody || budget.subject == (budget.whose == Whose::kKey ? open.caller : open.team);
    if (its && counts(budget, open.day, today))
      state.reserved = sum(state.reserved, amount(budget, open.most).value_or(0));
  }
}

// A new day or month begins with nothing spent; what is under way counts where it began.
void Budgets::roll(Entry& entry, const std::string& today) {
  if (entry.day == today) return;
  const bool same = counts(entry.state.budget, entry.day, today);
  entry.day = today;
  if (same) return;
  entry.state.spent = entry.state.reserved = 0;
  entry.state.unpriced = 0;
  entry.told.clear();
}

void Budgets::tell(Entry& entry, std::vector<Alert>& alerts) {
  const Budget& budget = entry.state.budget;
  for (const uint32_t percent : budget.alerts) {
    const bool reached = static_cast<double>(entry.state.spent) >= static_cast<double>(budget.limit) / 100 * percent;
    if (!reached || !entry.told.insert(percent).second) continue;
    alerts.push_back({.budget = budget.name,
                      .period = period_of_day(budget, entry.day),
                      .whose = budget.whose,
                      .subject = budget.subject,
                      .unit = budget.unit,
                      .percent = percent,
                      .limit = budget.limit,
                      .spent = entry.state.spent,
                      .time_s = now()});
  }
}

void Budgets::recount() {
  std::vector<Alert> alerts;
  {
    std::lock_guard lock(mutex_);
    refresh();
    if (entries_.empty()) return;
    if (!database_.shared()) ledger_.flush();  // else what waits is still noted as open
    const std::string today = day_of(now());
    for (auto& [id, open] : open_) open.team = options_.team_of(open.caller);
    count(all_entries(), today);
    for (auto& [name, entry] : entries_) tell(entry, alerts);
  }
  for (const Alert& alert : alerts) options_.on_alert(alert);
}

void Budgets::put(const Budget& budget) {
  check(budget);
  std::vector<Alert> alerts;
  {
    std::lock_guard lock(mutex_);
    refresh();
    if (!entries_.contains(budget.name) && entries_.size() >= kMaxBudgets)
      throw Error(Code::kInvalidArgument, fmt::format("budgets: there are {}, the most there may be", entries_.size()));
    database_.transaction([&] {
      database_.run(
          "INSERT INTO budgets (name, whose, subject, unit, period, bound, alerts, unpriced, from_day) VALUES (?, ?, "
          "?, "
          "?, "
          "?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET whose = excluded.whose, subject = excluded.subject, unit = "
          "excluded.unit, period = excluded.period, bound = excluded.bound, alerts = excluded.alerts, unpriced = "
          "excluded.unpriced, from_day = excluded.from_day",
          {budget.name, std::string(whose_name(budget.whose)), budget.subject, std::string(unit_name(budget.unit)),
           std::string(period_name(budget.period)), budget.limit, Json(budget.alerts).dump(), int64_t{budget.unpriced},
           budget.from});
      version_.bump();
    });
    Entry& entry = entries_[budget.name];
    entry.state.budget = budget;
    entry.told.clear();  // another limit has other marks
    index();
    if (!database_.shared()) ledger_.flush();
    count({&entry}, day_of(now()));
    tell(entry, alerts);
  }
  for (const Alert& alert : alerts) options_.on_alert(alert);
}

bool Budgets::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  bool found = false;
  database_.transaction([&] {
    found = database_.run("DELETE FROM budgets WHERE name = ?", {name}) > 0;
    version_.bump();
  });
  entries_.erase(name);
  index();
  return found;
}

std::vector<BudgetState> Budgets::states() {
  if (database_.shared()) ledger_.flush();
  std::lock_guard lock(mutex_);
  const int64_t time = now();
  const std::string today = day_of(time);
  refresh();
  if (database_.shared()) count(all_entries(), today);
  std::vector<BudgetState> all;
  for (auto& [name, entry] : entries_) {
    roll(entry, today);
    all.push_back(entry.state);
    all.back().resets = reset_time(entry.state.budget, time);
  }
  return all;
}

bool Budgets::any() {
  std::lock_guard lock(mutex_);
  refresh();
  return !entries_.empty();
}

bool Budgets::any_for(const std::string& caller) {
  if (!any()) return false;
  const std::string team = options_.team_of(caller);
  bool any = false;
  std::lock_guard lock(mutex_);
  each_of(caller, team, [&](Entry&) { any = true; });
  return any;
}

void Budgets::refuse(const Entry& entry, const Charge& most, int64_t now) const {
  const Budget& budget = entry.state.budget;
  const int64_t resets = reset_time(budget, now);
  const auto text = [&](int64_t value) { return amount_text(budget.unit, value); };
  throw OverBudget(
      fmt::format("budget '{}': {}{} {} spent, {} reserved by calls under way, this call may take up to {}; {}",
                  budget.name, text(budget.limit),
                  budget.period == Period::kTotal ? " in all," : fmt::format(" a {},", period_name(budget.period)),
                  text(entry.state.spent), text(entry.state.reserved), text(amount(budget, most).value_or(0)),
                  resets > 0 ? "it begins anew on " + time_text(resets) : "it does not begin anew"),
      resets > 0 ? resets - now : 0);
}

// False if no budget is the caller's. Under the lock.
bool Budgets::check_room(const Row& call, const std::string& team, const Charge& most, int64_t time, bool last) {
  bool any = false;
  each_of(call.caller, team, [&](Entry& entry) {
    roll(entry, day_of(time));
    any = true;
    BudgetState& state = entry.state;
    const auto wanted = amount(state.budget, most);
    if (!wanted && !state.budget.unpriced) {
      ++state.refused;
      throw Error(Code::kInvalidArgument,
                  fmt::format("budget '{}' is of money, and no price is known of '{}': say whose prices count "
                              "(upstreams: --setting prices=HOUSE or free), or let calls without a price through",
                              state.budget.name, call.wanted));
    }
    if (sum(sum(state.spent, state.reserved), wanted.value_or(0)) > state.budget.limit) {
      state.refused += last;
      refuse(entry, most, time);
    }
  });
  return any;
}

uint64_t Budgets::reserve(const Row& call, const Charge& most) {
  if (database_.shared()) return reserve_among_many(call, most);
  const std::string team = options_.team_of(call.caller), day = day_of(call.time_s);
  uint64_t id = 0;
  {
    std::lock_guard lock(mutex_);
    const int64_t time = now();
    if (!check_room(call, team, most, time, true)) return 0;
    id = ledger_.next_call();
    open_.emplace(id, Open{.caller = call.caller, .team = team, .day = day, .most = most});
    each_of(call.caller, team, [&](Entry& entry) {
      if (counts(entry.state.budget, day, day_of(time)))
        entry.state.reserved = sum(entry.state.reserved, amount(entry.state.budget, most).value_or(0));
    });
  }
  Row noted = call;
  noted.begun = id;
  try {
    ledger_.begin(noted, most);
  } catch (const std::exception& error) {  // a full disk holds no answer up
    log_warn("a call could not be noted before it began: {}", error.what());
  }
  return id;
}

uint64_t Budgets::reserve_among_many(const Row& call, const Charge& most) {
  try {
    return try_to_reserve(call, most, false);
  } catch (const OverBudget&) {  // of what has ended here some may not be written yet
    if (!ledger_.flush()) throw;
  }
  return try_to_reserve(call, most, true);
}

uint64_t Budgets::try_to_reserve(const Row& call, const Charge& most, bool last) {
  const std::string team = options_.team_of(call.caller);
  std::lock_guard lock(mutex_);
  refresh();
  bool any = false;
  each_of(call.caller, team, [&](Entry&) { any = true; });
  if (!any) return 0;
  Row noted = call;
  noted.begun = ledger_.next_call();
  database_.transaction([&] {
    const int64_t time = now();
    Entries entries;
    each_of(call.caller, team, [&](Entry& entry) { entries.push_back(&entry); });
    count(entries, day_of(time));
    check_room(call, team, most, time, last);
    ledger_.begin(noted, most);
  });
  return noted.begun;
}

void Budgets::file(Row row) {
  if (database_.shared()) {
    ledger_.add(std::move(row));
    return;
  }
  const std::string team = options_.team_of(row.caller), day = day_of(row.time_s);
  const Charge took = charge_of(row);
  std::vector<Alert> alerts;
  {
    std::lock_guard lock(mutex_);
    const std::string today = day_of(now());
    if (const auto open = open_.find(row.begun); open != open_.end()) {
      each_of(open->second.caller, open->second.team, [&](Entry& entry) {
        roll(entry, today);
        if (counts(entry.state.budget, open->second.day, today))
          entry.state.reserved -= amount(entry.state.budget, open->second.most).value_or(0);
      });
      open_.erase(open);
    }
    each_of(row.caller, team, [&](Entry& entry) {
      roll(entry, today);
      if (!counts(entry.state.budget, day, today)) return;
      const auto spent = amount(entry.state.budget, took);
      entry.state.spent = sum(entry.state.spent, spent.value_or(0));
      entry.state.unpriced += !took.nano_usd;
      tell(entry, alerts);
    });
    ledger_.add(std::move(row));
  }
  for (const Alert& alert : alerts) options_.on_alert(alert);
}

}  // namespace shenbi::ledger
