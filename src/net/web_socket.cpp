// Boost.Beast frames, Boost.Asio connects; this file says what may happen and for how long. One thread runs everything,
// so nothing is shared but the flags of a handle and the door of the queue.
//
// A conversation goes through name, TCP, TLS, upgrade, request, messages. Each step is one asynchronous operation whose
// handler holds the conversation; finish() closes the socket, so the operation under way comes back and lets go.

#include "net/web_socket.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <csignal>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/client_request.h"

namespace shenbi::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr size_t kMaxMessageBytes = 16u << 20;  // a model's pieces have some hundred bytes
using Plain = websocket::stream<tcp::socket>;
using Secure = websocket::stream<asio::ssl::stream<tcp::socket>>;

class Conversation;

}  // namespace

// What conversations share. Lives as long as some handle does, so that a late cancel() finds a closed door.
class WebSocketCore {
 public:
  explicit WebSocketCore(const std::string& ca_file) {
    error_code failed;
    if (ca_file.empty()) {
      tls.set_default_verify_paths(failed);
    } else {
      tls.load_verify_file(ca_file, failed);
    }
    if (failed) throw Error(Code::kInvalidArgument, fmt::format("{}: no certificates could be read", ca_file));
    tls.set_verify_mode(asio::ssl::verify_peer);
  }

  void run() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the main thread's
    io.run();
  }

  /// From any thread. Once closed nothing is taken any more: it would lie here for ever, and hold its handle.
  template <class Task>
  bool post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!closed_) asio::post(io, std::move(task));
    return !closed_;
  }
  /// The last task.
  template <class Task>
  void close(Task task) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(closed_, true)) asio::post(io, std::move(task));
    work_.reset();
  }

  asio::io_context io{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::thread thread;
  // On the thread alone:
  std::set<std::shared_ptr<Conversation>> live;
  std::optional<Error> end;

 private:
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{io.get_executor()};
  std::mutex mutex_;
  bool closed_ = false;
};

namespace {

class Conversation : public ClientCall, public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(ClientRequest request, ClientEvents events, std::shared_ptr<WebSocketCore> core)
      : request_(std::move(request)),
        events_(std::move(events)),
        core_(std::move(core)),
        resolver_(core_->io),
        timer_(core_->io) {
    const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
    read_url(url.get(), request_.url);
    secure_ = part_of(url.get(), CURLUPART_SCHEME) == "wss";
    host_ = part_of(url.get(), CURLUPART_HOST);
    const std::string port = part_of(url.get(), CURLUPART_PORT), query = part_of(url.get(), CURLUPART_QUERY);
    authority_ = port.empty() ? host_ : host_ + ":" + port;
    port_ = !port.empty() ? port : secure_ ? "443" : "80";
    target_ = part_of(url.get(), CURLUPART_PATH) + (query.empty() ? "" : "?" + query);
    for (const auto& [name, value] : request_.headers) check_header(name, value);
  }

  void cancel() override {
    if (cancelled_.exchange(true)) return;
    core_->post([self = shared_from_this()] { self->finish(self->error(Code::kCancelled, "cancelled")); });
  }
  void pause() override { wants_pause_ = true; }
  void resume() override {
    if (!wants_pause_.exchange(false)) return;
    core_->post([self = shared_from_this()] {
      if (std::exchange(self->waits_, false)) self->read();
    });
  }
  void answered() override { answered_ = true; }

  // --- on the thread ---

  void begin() {
    if (core_->end) return finish(Error(*core_->end));
    core_->live.insert(shared_from_this());
    started_ = last_ = Clock::now();
    watch();
    // An address in brackets is IPv6.
    const bool six = host_.starts_with('[');
    resolver_.async_resolve(six ? host_.substr(1, host_.size() - 2) : host_, port_,
                            [self = shared_from_this()](error_code failed, tcp::resolver::results_type found) {
                              if (self->ended_) return;
                              if (failed) return self->finish(self->error(Code::kUpstream, "there is no such host"));
                              self->connect(found);
                            });
  }

  /// Tells the end, once; null: all is well. The socket is closed, so what is under way comes back.
  void finish(std::optional<Error> why) {
    if (std::exchange(ended_, true)) return;
    const auto keep = shared_from_this();
    core_->live.erase(keep);
    timer_.cancel();
    resolver_.cancel();
    hang_up();
    const ClientEvents events = std::exchange(events_, {});  // they may hold the handle, which holds this
    if (!events.on_end) return;
    try {
      events.on_end(why ? &*why : nullptr);
    } catch (...) {  // who throws at the end has nobody left to tell
    }
  }

 protected:
  enum class Phase { kConnecting, kHead, kBody };

  // What depends on TLS.
  virtual tcp::socket& socket() = 0;
  virtual void secure() = 0;  ///< then upgrade()
  virtual void hang_up() = 0;
  virtual void ask() = 0;        ///< then upgraded()
  virtual void send() = 0;       ///< then read()
  virtual void read_some() = 0;  ///< then take()
  virtual websocket::close_reason closed() const = 0;

  Error error(Code code, std::string_view why) const { return Error(code, fmt::format("{}: {}", host_, why)); }

  void connect(const tcp::resolver::results_type& found) {
    std::vector<tcp::endpoint> ends;
    for (const auto& one : found) {
      if (!request_.public_only || !is_private_address(one.endpoint().address().to_string()))
        ends.push_back(one.endpoint());
    }
    if (ends.empty())
      return finish(error(Code::kInvalidArgument, "leads to this machine or a private network, which is not allowed"));
    ends_ = std::move(ends);
    asio::async_connect(socket(), ends_, [self = shared_from_this()](error_code failed, const tcp::endpoint&) {
      if (self->ended_) return;
      if (failed)
        return self->finish(
            self->error(Code::kUpstream, fmt::format("the connection was refused or failed ({})", failed.message())));
      error_code ignored;
      self->socket().set_option(tcp::no_delay(true), ignored);
      self->socket().set_option(asio::socket_base::keep_alive(true), ignored);
      self->secure();
    });
  }

  void secured(error_code failed) {
    if (ended_) return;
    if (failed) return finish(error(Code::kUpstream, fmt::format("no TLS: {}", failed.message())));
    phase_ = Phase::kHead;
    ask();
  }

  // The host's head: the upgrade, or an answer that says why not.
  void upgraded(error_code failed) {
    if (ended_) return;
    if (failed && failed != websocket::error::upgrade_declined) {
      const bool broke = failed == asio::error::eof || failed == asio::error::connection_reset ||
                         failed == beast::http::error::end_of_stream;
      return finish(error(Code::kUpstream, broke ? "the connection broke before an answer came"
                                                 : fmt::format("the answer is no WebSocket: {}", failed.message())));
    }
    phase_ = Phase::kBody;
    last_ = Clock::now();
    Headers headers;
    for (const auto& field : response_) headers.emplace_back(lower(std::string(field.name_string())), field.value());
    guarded([&] {
      if (events_.on_head) events_.on_head(static_cast<int>(response_.result_int()), headers);
      if (failed && events_.on_body && !response_.body().empty()) events_.on_body(response_.body());
    });
    if (ended_ || cancelled_) return;
    if (failed) return finish(std::nullopt);
    send();
  }

  void sent(error_code failed) {
    if (ended_) return;
    if (failed) return broken(failed);
    read();
  }

  void read() {
    if (ended_ || cancelled_) return;
    last_ = Clock::now();
    waits_ = wants_pause_;
    if (!waits_) read_some();
  }

  void take(error_code failed) {
    if (ended_) return;
    if (failed) return broken(failed);
    last_ = Clock::now();
    bytes_ += buffer_.size();
    if (bytes_ > request_.max_bytes)
      return finish(error(Code::kUpstream, fmt::format("the answer is longer than {} bytes", request_.max_bytes)));
    guarded([&] {
      if (events_.on_body) events_.on_body({static_cast<const char*>(buffer_.data().data()), buffer_.size()});
    });
    buffer_.consume(buffer_.size());
    read();
  }

  void broken(error_code failed) {
    if (failed == websocket::error::closed) {
      const websocket::close_reason said = closed();
      if (said.code == websocket::close_code::normal || said.code == websocket::close_code::none)
        return finish(std::nullopt);
      return finish(
          error(Code::kUpstream, fmt::format("the host closed the socket with code {}{}{}", static_cast<int>(said.code),
                                             said.reason.empty() ? "" : ": ", std::string(said.reason.c_str()))));
    }
    if (failed == websocket::error::message_too_big || failed == websocket::error::buffer_overflow)
      return finish(error(Code::kUpstream, fmt::format("a message is longer than {} bytes", kMaxMessageBytes)));
    if (failed.category() == error_code(websocket::error::bad_opcode).category())
      return finish(error(Code::kUpstream, fmt::format("the answer is no WebSocket: {}", failed.message())));
    finish(error(Code::kUpstream, fmt::format("the answer was cut after {} bytes", bytes_)));
  }

  template <class Tell>
  void guarded(Tell tell) {
    try {
      tell();
    } catch (const std::exception& failed) {
      finish(error(Code::kInternal, fmt::format("the receiver of the answer failed: {}", failed.what())));
    } catch (...) {
      finish(error(Code::kInternal, "the receiver of the answer failed"));
    }
  }

  // --- how long ---

  bool waits_for_answer() const { return request_.answer_timeout.count() > 0 && !answered_; }

  Clock::time_point deadline() const {
    if (phase_ == Phase::kConnecting)
      return started_ + bounded(std::min(request_.connect_timeout, request_.head_timeout));
    if (phase_ == Phase::kHead) return started_ + bounded(request_.head_timeout);
    if (waits_) return Clock::time_point::max();
    return waits_for_answer() ? started_ + bounded(request_.answer_timeout) : last_ + bounded(request_.idle_timeout);
  }

  Error timed_out() const {
    const auto told = [&](std::string_view where, std::string_view what, std::chrono::milliseconds time) {
      return error(Code::kUpstream, fmt::format("timed out {}: {} {}", where, what, seconds_text(time)));
    };
    if (phase_ == Phase::kConnecting)
      return told("while connecting", "no connection within",
                  std::min(request_.connect_timeout, request_.head_timeout));
    if (phase_ == Phase::kHead) return told("while waiting for the answer", "no upgrade within", request_.head_timeout);
    if (waits_for_answer()) return told("while waiting for the answer", "no word within", request_.answer_timeout);
    return told("inside the answer", "no message for", request_.idle_timeout);
  }

  // Deadlines move with every message; the timer looks again when it fires, and never later than a deadline that is yet
  // to come.
  void watch() {
    const auto now = Clock::now(), answer = started_ + bounded(request_.answer_timeout);
    auto look = std::min(deadline(), now + bounded(request_.idle_timeout));
    if (waits_for_answer() && answer > now) look = std::min(look, answer);
    timer_.expires_at(look);
    timer_.async_wait([self = shared_from_this()](error_code failed) {
      if (self->ended_ || failed) return;
      if (self->deadline() <= Clock::now()) return self->finish(self->timed_out());
      self->watch();
    });
  }

  ClientRequest request_;
  ClientEvents events_;
  const std::shared_ptr<WebSocketCore> core_;
  bool secure_ = false;
  std::string host_, port_, authority_, target_;
  std::vector<tcp::endpoint> ends_;
  tcp::resolver resolver_;
  asio::steady_timer timer_;
  websocket::response_type response_;
  beast::flat_buffer buffer_;
  Phase phase_ = Phase::kConnecting;
  Clock::time_point started_, last_;
  uint64_t bytes_ = 0;
  bool ended_ = false, waits_ = false;  // waits: paused, and nothing is being read
  std::atomic<bool> cancelled_{false}, wants_pause_{false}, answered_{false};
};

template <class Stream>
class ConversationOver final : public Conversation {
 public:
  template <class... Context>
  ConversationOver(ClientRequest request, ClientEvents events, const std::shared_ptr<WebSocketCore>& core,
                   Context&... context)
      : Conversation(std::move(request), std::move(events), core), stream_(core->io, context...) {
    // Our own timers decide. Beast answers the host's pings and its farewell by itself.
    stream_.set_option(
        websocket::stream_base::timeout{websocket::stream_base::none(), websocket::stream_base::none(), false});
    stream_.read_message_max(kMaxMessageBytes);
    stream_.set_option(websocket::stream_base::decorator([this](websocket::request_type& asked) {
      for (const auto& [name, value] : request_.headers) asked.set(name, value);
    }));
  }

 private:
  std::shared_ptr<ConversationOver> self() { return std::static_pointer_cast<ConversationOver>(shared_from_this()); }

  tcp::socket& socket() override { return beast::get_lowest_layer(stream_); }

  void secure() override {
    if constexpr (std::is_same_v<Stream, Secure>) {
      auto& tls = stream_.next_layer();
      if (!SSL_set_tlsext_host_name(tls.native_handle(), host_.c_str()))
        return finish(error(Code::kUpstream, "its name cannot be asked for over TLS"));
      tls.set_verify_callback(asio::ssl::host_name_verification(host_));
      tls.async_handshake(asio::ssl::stream_base::client,
                          [self = self()](error_code failed) { self->secured(failed); });
    } else {
      secured({});
    }
  }

  void ask() override {
    stream_.async_handshake(response_, authority_, target_,
                            [self = self()](error_code failed) { self->upgraded(failed); });
  }

  void send() override {
    stream_.text(true);
    stream_.async_write(asio::buffer(request_.body),
                        [self = self()](error_code failed, size_t) { self->sent(failed); });
  }

  void read_some() override {
    stream_.async_read(buffer_, [self = self()](error_code failed, size_t) { self->take(failed); });
  }

  websocket::close_reason closed() const override { return stream_.reason(); }

  // No farewell is waited for: a host that is slow to say it would hold us.
  void hang_up() override {
    error_code ignored;
    socket().shutdown(tcp::socket::shutdown_both, ignored);
    socket().close(ignored);
  }

  Stream stream_;
};

}  // namespace

WebSocketLoop::WebSocketLoop(const ClientOptions& options) : core_(std::make_shared<WebSocketCore>(options.ca_file)) {
  core_->thread = std::thread([core = core_.get()] { core->run(); });
}

WebSocketLoop::~WebSocketLoop() {
  end_all(Error(Code::kCancelled, "the HTTP client is closing"));
  core_->close([] {});
  core_->thread.join();
}

std::shared_ptr<ClientCall> WebSocketLoop::start(ClientRequest request, ClientEvents events) {
  const bool secure = lower(request.url.substr(0, 4)) == "wss:";
  std::shared_ptr<Conversation> conversation;
  if (secure) {
    conversation = std::make_shared<ConversationOver<Secure>>(std::move(request), std::move(events), core_, core_->tls);
  } else {
    conversation = std::make_shared<ConversationOver<Plain>>(std::move(request), std::move(events), core_);
  }
  core_->post([conversation] { conversation->begin(); });
  return conversation;
}

void WebSocketLoop::end_all(const Error& why) {
  core_->post([core = core_.get(), why] {
    if (!core->end) core->end = why;
    while (!core->live.empty()) {
      const auto one = *core->live.begin();
      one->finish(Error(*core->end));
    }
  });
}

}  // namespace shenbi::net
