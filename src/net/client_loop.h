#pragma once
// What net::Client does on one thread: an epoll of its own under curl's multi interface, so that a wake-up costs what
// happened and not how many streams are open. The thread is the client's (ClientThread), or one of the server's loops,
// which takes the exchanges in that were begun on it (net/loop_host.h).

#include <curl/curl.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/client_exchange.h"
#include "net/loop_host.h"

namespace shenbi::net {

class ClientLoop final : public LoopGuest {
 public:
  explicit ClientLoop(const ClientOptions& options);
  ~ClientLoop() override;
  ClientLoop(const ClientLoop&) = delete;

  // --- any thread ---
  const std::shared_ptr<ClientMailbox>& mailbox() const noexcept { return mailbox_; }
  /// Exchanges end with this error, those under way and those to come.
  void end_all(const Error& why);
  /// Cancels what runs, tells every end, and returns when its thread has done so.
  void stop();
  /// Nothing is done here any more.
  bool has_left() const;

  // --- its thread ---
  int descriptor() const noexcept override { return epoll_fd_; }
  bool turn() override;
  ClientClock::time_point next() const override;
  void leave() override;
  /// Turn after turn, until stop().
  void run();

  // --- curl's ---
  void watch(curl_socket_t socket, int what, bool known);
  void call_again(long timeout_ms);

 private:
  using Exchange = std::shared_ptr<ClientExchange>;

  void work_off();
  int poll(int timeout_ms);
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
  std::atomic<std::thread::id> runs_on_;
  mutable std::mutex leaving_;
  std::condition_variable gone_;
  bool left_ = false;
};

/// A loop with a thread of its own.
class ClientThread {
 public:
  explicit ClientThread(const ClientOptions& options) : loop_(options), thread_([this] { loop_.run(); }) {}
  ~ClientThread() {
    loop_.stop();
    thread_.join();
  }
  ClientLoop& loop() noexcept { return loop_; }

 private:
  ClientLoop loop_;
  std::thread thread_;
};

}  // namespace shenbi::net
