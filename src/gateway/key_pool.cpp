#include "gateway/key_pool.h"

#include <algorithm>

namespace shenbi::gateway {

using std::chrono::seconds;

namespace {

constexpr seconds kLongestBackOff{60};
constexpr seconds kRefused{600};
constexpr seconds kLongestRetryAfter{3600};  // what a house may make us wait; more is a mistake of its clock

bool refuses_key(int status) { return status == 401 || status == 403; }

bool is_its_fault(int status) {
  return status == 0 || refuses_key(status) || status == 408 || status == 429 || status >= 500;
}

}  // namespace

KeyPool::KeyPool(size_t count, std::function<Time()> now) : now_(std::move(now)), keys_(std::max<size_t>(count, 1)) {}

std::optional<size_t> KeyPool::take() {
  std::lock_guard lock(mutex_);
  const Time now = now_();
  for (size_t i = 0; i < keys_.size(); ++i) {
    const size_t key = (next_ + i) % keys_.size();
    if (keys_[key].ready_at > now) continue;
    next_ = key + 1;
    return key;
  }
  return std::nullopt;
}

bool KeyPool::ready() const {
  std::lock_guard lock(mutex_);
  const Time now = now_();
  return std::any_of(keys_.begin(), keys_.end(), [&](const Health& key) { return key.ready_at <= now; });
}

const KeyPool::Health& KeyPool::first_ready() const {
  return *std::min_element(keys_.begin(), keys_.end(),
                           [](const Health& a, const Health& b) { return a.ready_at < b.ready_at; });
}

seconds KeyPool::wait() const {
  std::lock_guard lock(mutex_);
  const Time now = now_(), ready_at = first_ready().ready_at;
  return ready_at <= now ? seconds(0) : std::chrono::ceil<seconds>(ready_at - now);
}

int KeyPool::why() const {
  std::lock_guard lock(mutex_);
  return first_ready().status == 429 ? 429 : 503;
}

void KeyPool::succeeded(size_t key) {
  std::lock_guard lock(mutex_);
  keys_.at(key) = Health{};
}

void KeyPool::failed(size_t key, int status, std::optional<seconds> retry_after) {
  if (!is_its_fault(status)) return;
  std::lock_guard lock(mutex_);
  Health& health = keys_.at(key);
  const uint32_t doublings = std::min<uint32_t>(health.failures++, 6);
  seconds pause = std::min(seconds(1ll << doublings), kLongestBackOff);
  if (refuses_key(status)) pause = kRefused;
  if (retry_after) pause = std::clamp(*retry_after, seconds(0), kLongestRetryAfter);
  health.status = status;
  health.ready_at = std::max(health.ready_at, now_() + pause);
}

}  // namespace shenbi::gateway
