#pragma once
// The answer of a route for somebody in this process instead of a connection.
//
//   auto captured = std::make_shared<CapturedAnswer>();
//   call.exchange = captured->exchange();
//   run_route(route, call);
//   const auto whole = captured->wait();       // from another thread: captured->cancel(), as a client that leaves

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/server.h"

namespace shenbi::server {

class CapturedAnswer : public std::enable_shared_from_this<CapturedAnswer> {
 public:
  /// Once. If the last copy goes without an answer, the answer is a 500.
  net::ExchangePtr exchange();

  struct Whole {
    int status = 0;
    std::string body;
  };
  /// Blocks until there is an answer, streamed or not.
  Whole wait();
  /// Tells the route that nobody waits any more; it may still answer. Any thread, any number of times.
  void cancel();

 private:
  class Way;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Whole whole_;
  bool done_ = false, gone_ = false;
  std::vector<std::function<void()>> callbacks_;
};

}  // namespace shenbi::server
