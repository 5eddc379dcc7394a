#include "ledger/alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/log.h"

namespace shenbi::ledger {
namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE budget_alerts (id TEXT PRIMARY KEY, budget TEXT NOT NULL, period TEXT NOT NULL, whose TEXT NOT NULL, "
    "subject TEXT NOT NULL, unit TEXT NOT NULL, percent INTEGER NOT NULL, bound INTEGER NOT NULL, spent INTEGER NOT "
    "NULL, time_s INTEGER NOT NULL, delivery INTEGER NOT NULL) STRICT";

// What makes it the same one: a new limit has marks of its own.
std::string id_of(const Alert& alert) {
  return fmt::format("{}/{}/{}/{}", alert.budget, alert.period, alert.percent, alert.limit);
}

KeptAlert kept(const store::Row& row) {
  return {.id = row.text("id"),
          .alert = {.budget = row.text("budget"),
                    .period = row.text("period"),
                    .whose = whose_of(row.text("whose")),
                    .subject = row.text("subject"),
                    .unit = unit_of(row.text("unit")),
                    .percent = static_cast<uint32_t>(row.integer("percent")),
                    .limit = row.integer("bound"),
                    .spent = row.integer("spent"),
                    .time_s = row.integer("time_s")},
          .delivery = static_cast<Delivery>(std::clamp<int64_t>(row.integer("delivery"), 0, 3))};
}

int64_t number(Delivery delivery) { return static_cast<int64_t>(delivery); }

}  // namespace

std::string_view delivery_name(Delivery delivery) noexcept {
  switch (delivery) {
    case Delivery::kNone:
      return "none";
    case Delivery::kWaiting:
      return "waiting";
    case Delivery::kSent:
      return "sent";
    case Delivery::kGivenUp:
      return "given up";
  }
  return "";
}

Alerts::Alerts(store::Database& database, AlertOptions options) : database_(database), options_(std::move(options)) {
  database_.migrate("alerts", {kSchema, "ALTER TABLE budget_alerts ADD COLUMN instance INTEGER NOT NULL DEFAULT 1"});
  database_.instances().own();
  gone_ = database_.instances().on_gone([this](int64_t instance) {
    if (database_.run("UPDATE budget_alerts SET instance = ? WHERE instance = ? AND delivery = ?",
                      {database_.instances().own(), instance, number(Delivery::kWaiting)}) == 0)
      return;
    std::lock_guard lock(mutex_);
    inherited_ = true;
    more_.notify_all();
  });
  thread_ = std::thread([this] { work(); });
}

Alerts::~Alerts() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  thread_.join();
}

void Alerts::raise(const Alert& alert) {
  std::lock_guard lock(mutex_);
  raised_.push_back(alert);
  more_.notify_all();
}

std::vector<KeptAlert> Alerts::latest(uint32_t limit) {
  std::vector<KeptAlert> all;
  for (const store::Row& row :
       database_.query("SELECT * FROM budget_alerts ORDER BY time_s DESC, rowid DESC LIMIT ?", {int64_t{limit}}))
    all.push_back(kept(row));
  return all;
}

Alerts::Counts Alerts::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void Alerts::keep(const Alert& alert) {
  const Delivery delivery = options_.send ? Delivery::kWaiting : Delivery::kNone;
  const int64_t added = database_.run(
      "INSERT INTO budget_alerts (id, budget, period, whose, subject, unit, percent, bound, spent, time_s, delivery, "
      "instance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      {id_of(alert), alert.budget, alert.period, std::string(whose_name(alert.whose)), alert.subject,
       std::string(unit_name(alert.unit)), int64_t{alert.percent}, alert.limit, alert.spent, alert.time_s,
       number(delivery), database_.instances().own()});
  if (added == 0) return;
  log_warn("budget '{}' has reached {} %: {} of {} spent ({})", alert.budget, alert.percent,
           amount_text(alert.unit, alert.spent), amount_text(alert.unit, alert.limit), alert.period);
  std::lock_guard lock(mutex_);
  ++counts_.raised;
}

// False if one was not taken and is worth another try.
bool Alerts::send_waiting() {
  if (!options_.send) return true;
  bool all = true;
  const auto waiting = database_.query(
      "SELECT * FROM budget_alerts WHERE delivery = ? AND instance = ? ORDER BY time_s, "
      "rowid",
      {number(Delivery::kWaiting), database_.instances().own()});
  uint64_t left = waiting.size();
  for (const store::Row& row : waiting) {
    const KeptAlert one = kept(row);
    const bool old = std::time(nullptr) - one.alert.time_s > options_.give_up_s;
    bool taken = false;
    try {
      taken = !old && options_.send(one.alert, one.id);
    } catch (const std::exception&) {  // whoever sends says why
    }
    if (taken || old) {
      database_.run("UPDATE budget_alerts SET delivery = ? WHERE id = ?",
                    {number(taken ? Delivery::kSent : Delivery::kGivenUp), one.id});
      --left;
    }
    if (old) log_warn("the alert of budget '{}' at {} % was not taken for a day", one.alert.budget, one.alert.percent);
    all &= taken || old;
    std::lock_guard lock(mutex_);
    counts_.sent += taken;
    counts_.failed_sends += !taken && !old;
    counts_.waiting = left;
    if (stopping_) return true;
  }
  return all;
}

void Alerts::work() {
  std::chrono::milliseconds pause{0};  // until the webhook is asked again; 0: nothing waits
  std::string trouble;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto wanted = [&] { return stopping_ || !raised_.empty() || inherited_; };
    if (pause.count() == 0) more_.wait(lock, wanted);
    if (pause.count() > 0) more_.wait_for(lock, pause, wanted);
    inherited_ = false;
    std::vector<Alert> fresh = std::exchange(raised_, {});
    lock.unlock();
    bool done = true;
    std::string why;
    try {
      for (; !fresh.empty(); fresh.erase(fresh.begin())) keep(fresh.front());
      done = send_waiting();
    } catch (const std::exception& error) {  // the database: a full disk
      done = false;
      why = error.what();
    }
    if (!why.empty() && why != trouble) log_warn("an alert cannot be kept: {}", why);
    trouble = why;
    pause = done ? std::chrono::milliseconds(0) : std::clamp(pause * 2, options_.first_pause, options_.longest_pause);
    lock.lock();
    raised_.insert(raised_.begin(), fresh.begin(), fresh.end());
    if (!fresh.empty() && !stopping_) more_.wait_for(lock, options_.first_pause, [&] { return stopping_; });
  }
}

}  // namespace shenbi::ledger
