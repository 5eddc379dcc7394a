#pragma once
// One connection without its socket: bytes in, bytes out, time-outs as calls. Requests are served one after the other
// in the order they came, however they were packed; the next one is looked at when the answer before it is on the wire.
//
//     kHead -> (admit) -> kBody -> (handle) -> kAnswer -> kHead ...
//        any refusal, or an answer that closes -> kClosing: the last bytes go out, what still comes in is thrown away
//
// Everything here runs on the loop thread of the connection; only the Answer is shared with other threads. Without I/O
// of its own it is what the fuzzer drives.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/server.h"
#include "net/server_answer.h"
#include "net/server_parser.h"

namespace shenbi::net {

/// What all connections of a server share.
struct ServerShared {
  ServerOptions options;
  HttpServer::Admit admit;
  HttpServer::Handle handle;
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> connections{0}, requests{0}, open_connections{0}, open_requests{0}, refused{0}, bad_requests{0};
  std::atomic<uint64_t> unhandled_bytes{0};  ///< of bodies that are being read
  std::mutex none_open_mutex;
  std::condition_variable none_open;  ///< notified when open_connections comes to 0

  void connection_closed() {
    if (--open_connections > 0) return;
    const std::lock_guard lock(none_open_mutex);
    none_open.notify_all();
  }
};

class Conversation {
 public:
  /// `line` and `shared` must outlive this object.
  Conversation(ServerShared& shared, std::string peer, const Line& line);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  enum class Phase { kHead, kBody, kAnswer, kClosing };
  Phase phase() const noexcept { return phase_; }
  /// In kHead: whether a part of it is here already.
  bool head_begun() const noexcept { return parser_ != nullptr; }

  // --- from the socket ---
  void receive(std::string_view bytes);
  void end_of_input();  ///< the client closed its sending side
  void client_left();   ///< the connection is dead
  void time_out();      ///< head or body took too long

  // --- to the socket ---
  enum class Next {
    kWait,   ///< nothing to send: a wake or bytes will change that
    kSend,   ///< `batch` is to be sent; then sent() and next() again
    kClose,  ///< everything is said: close gently, reading over what still comes
    kCut,    ///< close now
  };
  Next next(std::string& batch);
  void sent();

  /// Whether more bytes may be read now; false while a client that sends ahead has filled its share.
  bool wants_input() const noexcept;
  /// Whether the connection must be cut even while bytes are on their way.
  bool doomed() const { return cut_ || (answer_ && answer_->broken()); }
  /// Whether bytes of a request remain unread, so that closing at once would destroy the answer on its way.
  bool input_pending() const noexcept { return input_pending_; }
  bool input_ended() const noexcept { return input_ended_; }
  /// Whether bytes of the answer went to the socket past the loop since the last call.
  bool take_sent_now() const { return answer_ && answer_->take_sent_now(); }
  /// Queues a heartbeat if a stream is open that wants one.
  void beat();
  /// Answers 503 whatever comes, then closes.
  void refuse_connection();

 private:
  void advance();
  bool read_head();
  bool read_body();
  bool hold_body();
  void drop_parser();
  void dispatch();
  void refuse(const ServerResponse& response, bool head_only = false);
  void refuse_bad_request();
  void refuse_overload(std::string_view message);
  void finish_answer();

  ServerShared& shared_;
  const std::string peer_;
  const Line& line_;
  Phase phase_ = Phase::kHead;
  bool input_ended_ = false, input_pending_ = false, cut_ = false;
  bool answer_complete_ = false;  // its last bytes are in the batch being sent
  std::string input_;             // came and not consumed, from used_ on
  size_t used_ = 0;
  std::string output_;  // what is said besides the answer
  std::unique_ptr<RequestParser> parser_;
  uint64_t held_bytes_ = 0;  // our part of unhandled_bytes
  std::shared_ptr<Answer> answer_;
};

}  // namespace shenbi::net
