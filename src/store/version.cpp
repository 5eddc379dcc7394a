#include "store/version.h"

#include "base/error.h"
#include "base/log.h"

namespace shenbi::store {

using Clock = std::chrono::steady_clock;

Version::Version(Database& database, std::string part) : database_(database), part_(std::move(part)) {
  if (database_.shared())
    database_.migrate("versions", {"CREATE TABLE versions (part TEXT PRIMARY KEY, number INTEGER NOT NULL)"});
}

// The number first and then the rows: what changes in between is loaded twice, and never not at all.
void Version::follow(const std::function<void()>& load) {
  int64_t number = 0;
  if (database_.shared()) {
    const auto rows = database_.query("SELECT number FROM versions WHERE part = ?", {part_});
    if (!rows.empty()) number = rows[0].integer("number");
  }
  if (seen_ == number) return;
  load();
  seen_ = number;
}

void Version::follow_at_leisure(std::chrono::milliseconds every, const std::function<void()>& load) {
  if (!database_.shared() && seen_ >= 0) return;
  const int64_t now = Clock::now().time_since_epoch().count();
  int64_t due = look_at_;
  if (now < due || !look_at_.compare_exchange_strong(due, now + Clock::duration(every).count())) return;
  try {
    follow(load);
  } catch (const Error& error) {
    if (seen_ < 0) throw;
    log_warn("{} may have changed: {}", part_, error.what());
  }
}

void Version::bump() {
  if (!database_.shared()) return;
  database_.run(
      "INSERT INTO versions (part, number) VALUES (?, 1) ON CONFLICT (part) DO UPDATE SET number = versions.number + 1",
      {part_});
}

}  // namespace shenbi::store
