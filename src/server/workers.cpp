#include "server/workers.h"

#include <cstdint>
#include <utility>

#include "base/limits.h"
#include "base/scheduling.h"

namespace shenbi::server {

Workers::Workers(int threads) {
  for (int i = 0; i < threads; ++i) {
    Seat& seat = seats_.emplace_back();
    threads_.emplace_back([this, &seat] { work(seat); });
  }
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (Seat& seat : seats_) seat.called.notify_one();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool Workers::run(std::function<void()> job) { return push(std::move(job), limits::kMaxQueuedRequests); }

void Workers::insist(std::function<void()> job) { push(std::move(job), SIZE_MAX); }

bool Workers::push(std::function<void()> job, size_t most) {
  Seat* seat = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= most) return false;
    jobs_.push_back(std::move(job));
    if (!idle_.empty()) {
      seat = idle_.back();
      idle_.pop_back();
      seat->is_called = true;
    }
  }
  if (seat) seat->called.notify_one();
  return true;
}

size_t Workers::queued() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

size_t Workers::idle() const {
  std::lock_guard lock(mutex_);
  return idle_.size();
}

// Who is called may find that one who never sat down has taken the job.
void Workers::work(Seat& seat) {
  wake_promptly();
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      while (jobs_.empty() && !stopping_) {
        idle_.push_back(&seat);
        seat.called.wait(lock, [&] { return stopping_ || seat.is_called; });
        seat.is_called = false;
      }
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace shenbi::server
