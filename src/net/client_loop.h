#pragma once
// One thread of net::Client: an epoll of its own under curl's multi interface, so that a wake-up costs what happened
// and not how many streams are open.

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/client_exchange.h"

namespace shenbi::net {

class ClientLoop {
 public:
  explicit ClientLoop(const ClientOptions& options);
  /// Cancels what runs, tells every end, joins.
  ~ClientLoop();
  ClientLoop(const ClientLoop&) = delete;

  const std::shared_ptr<ClientMailbox>& mailbox() const noexcept { return mailbox_; }
  /// From any thread: exchanges end with this error, those under way and those to come.
  void end_all(const Error& why);

  // --- curl's ---
  void watch(curl_socket_t socket, int what, bool known);
  void call_again(long timeout_ms);

 private:
  using Exchange = std::shared_ptr<ClientExchange>;

  void run();
  void wait();
  void act(curl_socket_t socket, int what);
  void read_letters();
  void begin(const Exchange& exchange);
  void collect_finished();
  void fire_timers();
  void set_timer(ClientExchange& exchange, ClientClock::time_point now);
  template <class Outcome>
  void finish(ClientExchange& exchange, const Outcome& outcome);
  void finish_all();
  void keep_connections() const;

  const std::string ca_file_;
  const uint32_t max_idle_;
  const std::shared_ptr<ClientMailbox> mailbox_;
  CURLM* multi_;
  int epoll_fd_;
  std::vector<Exchange> live_;
  std::vector<CURL*> spare_;  // handles between two exchanges
  ClientExchange::Timers timers_;
  ClientClock::time_point curl_time_ = ClientClock::time_point::max();  // when curl wants to be called
  std::atomic<bool> stopping_{false}, ending_{false};
  std::once_flag end_once_;
  std::optional<Error> end_;  ///< written before ending_ is set, read after
  std::thread thread_;
};

}  // namespace shenbi::net
