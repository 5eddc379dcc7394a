#pragma once
// The exchange that a call is waiting for: it may be cancelled at any time, also before it has begun, and another may
// follow it.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "net/client.h"

namespace shenbi::gateway {

inline constexpr size_t kMaxErrorBytes = 64u << 10;  ///< read of a refusal: more of an error page helps nobody

/// A field of an answer's head, named in small letters; "" if it is not there.
inline std::string header_of(const net::Headers& headers, std::string_view name) {
  for (const auto& [given, value] : headers) {
    if (given == name) return value;
  }
  return {};
}

/// What comes goes to take_head(), take_body() and take_end() of `call`, which lives as long as something may come.
template <class Call>
net::ClientEvents events_of(std::shared_ptr<Call> call) {
  return {.on_head = [call](int status, const net::Headers& headers) { call->take_head(status, headers); },
          .on_body = [call](std::string_view bytes) { call->take_body(bytes); },
          .on_end = [call](const Error* error) { call->take_end(error); }};
}

class Exchange {
 public:
  /// Throws Error{kInvalidArgument} for a request that cannot be sent. After cancel() it ends at once.
  void start(net::Client& client, net::ClientRequest request, net::ClientEvents events) {
    uint64_t mine = 0;
    {
      std::lock_guard lock(mutex_);
      mine = ++started_;
    }
    auto handle = client.start(std::move(request), std::move(events));
    std::lock_guard lock(mutex_);
    if (mine != started_) return;  // its end has already begun the next
    handle_ = std::move(handle);
    if (answered_) handle_->answered();
    if (cancelled_) handle_->cancel();
  }

  /// Of the caller, for good: also what is started from now on.
  void cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (handle_) handle_->cancel();
  }

  /// What still comes is of no use.
  void drop() {
    std::lock_guard lock(mutex_);
    if (handle_) handle_->cancel();
  }

  /// See net::ClientCall; also from within the exchange's own events, before start() has returned.
  void answered() {
    std::lock_guard lock(mutex_);
    answered_ = true;
    if (handle_) handle_->answered();
  }

  bool cancelled() const {
    std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<net::ClientCall> handle_;
  uint64_t started_ = 0;
  bool cancelled_ = false, answered_ = false;
};

}  // namespace shenbi::gateway
