#pragma once
// The keys of one upstream, taking turns. A key that fails cools down: the others are used meanwhile, and when all cool
// the one that is ready first is named, so that the caller can be told how long to wait.
//
// How long: what Retry-After said; else 1 s doubled by each failure in a row up to 60 s for 429 and 5xx (a house's own
// limits are per minute), and 10 minutes for a key that was refused, which nobody mends sooner. One success forgives.
// Thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace shenbi::gateway {

class KeyPool {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// `count` 0 counts as one: a house that needs no key still cools down.
  KeyPool(size_t count, std::function<Time()> now);

  /// The next key in turn that is not cooling; nothing if all are.
  std::optional<size_t> take();
  bool ready() const;
  /// Until the first key is ready again; 0 if one is.
  std::chrono::seconds wait() const;
  /// What put that key to rest: 429 if it was told to wait, else 503.
  int why() const;

  void succeeded(size_t key);
  /// `status`: the HTTP status, 0 for none at all. Only 401, 403, 408, 429, 5xx and 0 are the key's or the house's
  /// fault; any other is the request's and changes nothing.
  void failed(size_t key, int status, std::optional<std::chrono::seconds> retry_after);

 private:
  struct Health {
    Time ready_at{};
    uint32_t failures = 0;  // in a row
    int status = 0;         // of the last of them
  };
  const Health& first_ready() const;

  std::function<Time()> now_;
  mutable std::mutex mutex_;
  std::vector<Health> keys_;
  size_t next_ = 0;
};

}  // namespace shenbi::gateway
