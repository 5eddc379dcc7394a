#include "store/instances.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "store/database.h"

namespace shenbi::store {
namespace {

const Step kSchema =
    "CREATE TABLE instances (id INTEGER PRIMARY KEY AUTOINCREMENT, seen REAL NOT NULL, began REAL NOT NULL)";

double seconds(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Instances::~Instances() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (own_ <= 0 || !database_.shared()) return;
  try {
    database_.run("UPDATE instances SET seen = 0 WHERE id = ?", {own_});
  } catch (const std::exception& error) {  // the others will miss its beat
    log_warn("{}", error.what());
  }
}

int64_t Instances::own() {
  const std::lock_guard lock(mutex_);
  if (own_ > 0) return own_;
  if (!database_.shared()) return own_ = 1;
  database_.migrate("instances", {kSchema});
  own_ = registered();
  thread_ = std::thread([this] { work(); });
  return own_;
}

int64_t Instances::registered() {
  const auto made = database_.query(
      fmt::format("INSERT INTO instances (seen, began) VALUES ({0}, {0}) RETURNING id", database_.seconds_now()));
  return made.at(0).integer("id");
}

std::shared_ptr<void> Instances::on_gone(TakeOver take_over) {
  const std::lock_guard lock(handlers_mutex_);
  const auto at = handlers_.insert(handlers_.end(), std::move(take_over));
  return {&*at, [this, at](void*) {
            const std::lock_guard lock(handlers_mutex_);
            handlers_.erase(at);
          }};
}

void Instances::watch() {
  own();
  {
    const std::lock_guard lock(mutex_);
    watching_ = true;
  }
  changed_.notify_all();
}

void Instances::work() {
  std::string trouble;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool watching = watching_;
    lock.unlock();
    std::string why;
    try {
      beat();
      if (watching) take_over_gone();
    } catch (const std::exception& error) {
      why = error.what();
    }
    if (!why.empty() && why != trouble) log_warn("{}", why);
    trouble = why;
    lock.lock();
    changed_.wait_for(lock, times_.beat, [&] { return stopping_ || watching_ != watching; });
  }
}

void Instances::beat() {
  const std::string sql = fmt::format("UPDATE instances SET seen = {} WHERE id = ?", database_.seconds_now());
  if (database_.run(sql, {own()}) > 0) return;
  const int64_t number = registered();
  const std::lock_guard lock(mutex_);
  log_warn("this program was away for so long that another one took its work over; it goes on as number {}", number);
  own_ = number;
}

void Instances::take_over_gone() {
  const std::string late =
      fmt::format("SELECT id FROM instances WHERE seen < {} - ? AND id <> ?", database_.seconds_now());
  for (const Row& row : database_.query(late, {seconds(times_.gone), own()})) {
    const int64_t number = row.integer("id");
    const std::lock_guard lock(handlers_mutex_);
    bool taken = false;
    database_.transaction([&] {
      // Another one may have been faster, or it beats again.
      const auto still = database_.query(late, {seconds(times_.gone), own()});
      taken = false;
      for (const Row& one : still) taken |= one.integer("id") == number;
      if (!taken) return;
      for (const TakeOver& take_over : handlers_) take_over(number);
      database_.run("DELETE FROM instances WHERE id = ?", {number});
    });
    if (taken) log_warn("number {} of this database's programs is gone: its work is taken over", number);
  }
}

}  // namespace shenbi::store
