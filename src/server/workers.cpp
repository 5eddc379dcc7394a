#include "server/workers.h"

#include <cstdint>
#include <utility>

#include "base/limits.h"

namespace shenbi::server {

Workers::Workers(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool Workers::run(std::function<void()> job) { return push(std::move(job), limits::kMaxQueuedRequests); }

void Workers::insist(std::function<void()> job) { push(std::move(job), SIZE_MAX); }

bool Workers::push(std::function<void()> job, size_t most) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= most) return false;
    jobs_.push_back(std::move(job));
  }
  more_.notify_one();
  return true;
}

size_t Workers::queued() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Workers::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace shenbi::server
