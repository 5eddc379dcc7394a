#pragma once
// The programs that share a database. Each has a number and beats; one that has not beaten for a while, or has ended,
// is gone: one of the others takes over what it left, in one transaction, and strikes it off. Whoever marks a row as
// "mine" (a batch, a call under way) writes the number into it.
//
//   const int64_t mine = database.instances().own();
//   auto token = database.instances().on_gone([&](int64_t number) { ... });   // within the transaction; until the
//   token dies database.instances().watch();                                             // when everybody has said
//   what to do
//
// A program that was stopped for longer than that (a sleeping machine) finds itself struck off when it beats again, and
// gets a new number; its marks are somebody else's by then, and every write that hangs on one says so in its WHERE.
// The time is that of the database. A file of SQLite has one program, always number 1, and nobody is ever gone.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace shenbi::store {

class Database;

struct InstanceTimes {
  std::chrono::milliseconds beat{2000};
  std::chrono::milliseconds gone{10'000};  ///< without a beat
};

class Instances {
 public:
  explicit Instances(Database& database) : database_(database) {}
  /// Says that this one has ended.
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  /// Before the first own().
  void set_times(const InstanceTimes& times) { times_ = times; }
  int64_t own();
  using TakeOver = std::function<void(int64_t number)>;
  [[nodiscard]] std::shared_ptr<void> on_gone(TakeOver take_over);
  /// From now on this one takes over. Looks at once.
  void watch();

 private:
  int64_t registered();
  void work();
  void beat();
  void take_over_gone();

  Database& database_;
  InstanceTimes times_;
  std::mutex mutex_;  // of the three below
  std::condition_variable changed_;
  int64_t own_ = 0;
  bool stopping_ = false, watching_ = false;
  std::mutex handlers_mutex_;
  std::list<TakeOver> handlers_;
  std::thread thread_;
};

}  // namespace shenbi::store
