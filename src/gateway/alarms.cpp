#include "gateway/alarms.h"

#include <utility>

namespace shenbi::gateway {

void Alarms::stop() {
  std::multimap<Clock::time_point, std::function<void()>> never;  // goes behind the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    never = std::move(waiting_);
    waiting_.clear();
  }
  sooner_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Alarms::after(std::chrono::milliseconds time, std::function<void()> ring) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    waiting_.emplace(at_once_ ? Clock::time_point::min() : Clock::now() + time, std::move(ring));
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  sooner_.notify_one();
}

void Alarms::ring_all() {
  {
    std::lock_guard lock(mutex_);
    std::multimap<Clock::time_point, std::function<void()>> now;
    for (auto& [time, ring] : waiting_) now.emplace(Clock::time_point::min(), std::move(ring));
    waiting_ = std::move(now);
    at_once_ = true;
  }
  sooner_.notify_one();
}

void Alarms::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      sooner_.wait(lock);
    } else if (waiting_.begin()->first > Clock::now()) {
      sooner_.wait_until(lock, Clock::time_point(waiting_.begin()->first));
    } else {
      const auto ring = std::move(waiting_.extract(waiting_.begin()).mapped());
      lock.unlock();
      ring();
      lock.lock();
    }
  }
}

}  // namespace shenbi::gateway
