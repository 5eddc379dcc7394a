#include "gateway/alarms.h"

#include <utility>

namespace shenbi::gateway {

Alarms::~Alarms() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sooner_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Alarms::after(std::chrono::milliseconds time, std::function<void()> ring) {
  {
    std::lock_guard lock(mutex_);
    waiting_.emplace(Clock::now() + time, std::move(ring));
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
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
