#pragma once
// Calls functions later, from one thread of its own that is there from the first of them on.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace shenbi::gateway {

class Alarms {
 public:
  Alarms() = default;
  ~Alarms() { stop(); }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  /// `ring` must not block or throw. Thread-safe.
  void after(std::chrono::milliseconds time, std::function<void()> ring);
  /// What has not rung yet never will, nor what is set from now on. Not from within a ring.
  void stop();
  /// Nobody waits any longer: everything rings now, for good also what is set from now on.
  void ring_all();

 private:
  using Clock = std::chrono::steady_clock;
  void work();

  std::mutex mutex_;
  std::condition_variable sooner_;
  std::multimap<Clock::time_point, std::function<void()>> waiting_;
  bool stopping_ = false, at_once_ = false;
  std::thread thread_;
};

}  // namespace shenbi::gateway
