#pragma once
// Tells of budgets that reach a mark: once for each budget, time, mark and limit, in the log, in a list, and to a
// webhook if there is one. An alert is in the database before anything else happens to it; one that the webhook has not
// taken is sent again, after longer and longer pauses and after a restart, for a day. A receiver that hears one twice
// (a kill between its answer and our note of it) knows it by its id.
//
//   Alerts alerts(database, {.send = [](const Alert& alert, const std::string& id) { return post(...); }});
//   alerts.raise(alert);      // never waits; the same again does nothing
//
// Where several programs share the database, each sends what it has raised, and what those left that are gone.
//
// One thread. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ledger/budgets.h"
#include "store/instances.h"

namespace shenbi::ledger {

struct AlertOptions {
  /// Whether it was taken. May block, throw and take its time; null: there is no webhook.
  std::function<bool(const Alert&, const std::string& id)> send;
  std::chrono::milliseconds first_pause{1000};  ///< then twice as long each time
  std::chrono::milliseconds longest_pause{300'000};
  int64_t give_up_s = 86'400;  ///< after this age
};

enum class Delivery { kNone, kWaiting, kSent, kGivenUp };
std::string_view delivery_name(Delivery delivery) noexcept;  ///< "none", "waiting", "sent", "given up"

struct KeptAlert {
  std::string id;
  Alert alert;
  Delivery delivery = Delivery::kNone;
};

class Alerts {
 public:
  Alerts(store::Database& database, AlertOptions options);
  /// Ends without waiting for the webhook beyond the call under way.
  ~Alerts();
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  void raise(const Alert& alert);
  /// Newest first.
  std::vector<KeptAlert> latest(uint32_t limit);
  struct Counts {
    uint64_t raised = 0, sent = 0, failed_sends = 0, waiting = 0;
  };
  Counts counts() const;

 private:
  void work();
  void keep(const Alert& alert);
  bool send_waiting();

  store::Database& database_;
  const AlertOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Alert> raised_;
  Counts counts_;
  bool stopping_ = false, inherited_ = true;  // inherited: what the last process left
  std::shared_ptr<void> gone_;
  std::thread thread_;
};

}  // namespace shenbi::ledger
