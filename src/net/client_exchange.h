#pragma once
// One exchange of net::Client: what it sends, how far it is, and what curl calls back with. Everything but the four
// flags of the handle belongs to the thread of its loop.

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/client.h"

namespace shenbi::net {

using ClientClock = std::chrono::steady_clock;
class ClientExchange;

/// Where any thread leaves exchanges that their loop shall look at. Outlives the loop, as handles may outlive the
/// client.
class ClientMailbox {
 public:
  ClientMailbox();
  ~ClientMailbox();
  ClientMailbox(const ClientMailbox&) = delete;

  int descriptor() const noexcept { return wake_fd_; }
  void post(std::shared_ptr<ClientExchange> exchange);
  /// Without waking the loop: whoever is its thread calls it himself. False: nobody will take it.
  bool lay_in(std::shared_ptr<ClientExchange> exchange);
  /// Nobody will take any more: what lies here is dropped, and what comes. An exchange holds its mailbox, so one that
  /// stayed here would stay for ever.
  void close();
  std::vector<std::shared_ptr<ClientExchange>> take();
  /// Wakes the loop, so that it sees that it shall stop.
  void wake() const;

 private:
  const int wake_fd_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<ClientExchange>> letters_;
  bool closed_ = false;
};

class ClientExchange final : public ClientCall, public std::enable_shared_from_this<ClientExchange> {
 public:
  using Timers = std::multimap<ClientClock::time_point, ClientExchange*>;

  /// Throws Error{kInvalidArgument} for what cannot be sent.
  ClientExchange(ClientRequest request, ClientEvents events, std::shared_ptr<ClientMailbox> mailbox);
  ~ClientExchange() override;

  void cancel() override;
  void pause() override;
  void resume() override;
  void answered() override { answered_.store(true); }

  // --- the loop's ---

  /// Fills a fresh or reset handle with the request.
  void prepare(CURL* easy, const std::string& ca_file);
  /// Tells the end. `outcome` is what curl made of it, unless the exchange itself knows better why it ended.
  void end(CURLcode outcome);
  void end(const Error& error);
  /// When the present phase has lasted too long.
  ClientClock::time_point deadline() const noexcept;
  /// When to compare with the deadline next. Never later than a deadline that is yet to come (each body deadline lies
  /// an idle_timeout after some byte, and that of the answer is known from the start), so a timer set once need not be
  /// moved when a phase or a byte comes.
  ClientClock::time_point next_look(ClientClock::time_point now) const noexcept;
  Error timed_out() const;
  /// Makes curl pause or go on, as the handle last wished. Not CURLE_OK: what it had kept was refused by the receiver.
  CURLcode obey();
  bool cancelled() const noexcept { return cancelled_.load(); }
  /// Cleared before a letter is read, so that none is lost.
  void read_letter() noexcept { posted_.store(false); }

  enum class Phase { kNew, kConnecting, kHead, kBody, kDone };
  Phase phase = Phase::kNew;
  CURL* easy = nullptr;
  std::optional<Timers::iterator> timer;
  size_t place = 0;  ///< in the loop's list

  // --- curl's ---

  size_t on_header(std::string_view lines) noexcept;
  size_t on_body(std::string_view bytes) noexcept;
  curl_socket_t on_open(const curl_sockaddr& address) noexcept;
  int on_connected(const char* address) noexcept;

 private:
  void post();
  void take_header_line(std::string_view line);
  void tell_head();
  void refuse_private();
  bool waits_for_answer() const noexcept;
  template <class Call>
  bool guarded(Call call) noexcept;  ///< false if it threw: failure_ says what
  Error error_of(CURLcode outcome) const;

  ClientRequest request_;
  ClientEvents events_;
  const std::shared_ptr<ClientMailbox> mailbox_;
  std::string host_;
  std::unique_ptr<CURLU, void (*)(CURLU*)> url_;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> header_list_;
  bool https_ = false, decodes_ = true;

  std::atomic<bool> cancelled_{false}, wants_pause_{false}, posted_{true};  // the first letter starts it
  std::atomic<bool> answered_{false};

  ClientClock::time_point started_, last_byte_;
  bool paused_ = false;
  int status_ = 0;
  Headers headers_;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  std::optional<Error> failure_;  ///< why a callback stopped the transfer
  char message_[CURL_ERROR_SIZE] = "";
};

}  // namespace shenbi::net
