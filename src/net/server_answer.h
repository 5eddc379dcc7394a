#pragma once
// One answer on its way from whoever makes it (any thread, through an Exchange) to the connection that sends it (its
// loop thread). In between lies a string of bytes that are ready for the wire, under a mutex. A write appends to it,
// and while the loop has nothing of this answer in hand, the writer gives it to the socket itself: waking a thread that
// sleeps costs more, for the writer and for the client. A thread that computes (base/computing_thread.h) does so with
// the first bytes of a stream alone, as somebody waits for those; later it wakes the loop, and has it make the bytes
// too (ask). What the socket does not take, and what follows at once on something sent, is left to the loop, which is
// woken once and takes all that has gathered with one swap: tokens that come faster than that share a packet.
//
// The connection may die first (client_left) or the maker may (the last Exchange goes): each side survives the other.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/server.h"

namespace shenbi::net {

/// How this answer must look on the wire, as its request decides.
struct AnswerForm {
  bool head_only = false;  ///< HEAD
  bool http10 = false;     ///< no chunks: a stream ends with the connection
  bool close = false;      ///< the connection closes behind it
};

/// A whole answer as bytes.
std::string wire_answer(const AnswerForm& form, const ServerResponse& response);

/// {"error": {"message", "type", "code"}} with `status`; `code` in snake_case, "" for one made from the status.
ServerResponse error_response(int status, std::string_view message, std::string_view code = {});

/// What the exception in flight becomes: Error{code} its status and message, all else a bare 500 (and a log line).
ServerResponse response_of_current_exception();

/// The way from an answer to its connection; not used any more once client_left() or take() with kComplete returned,
/// but for a wake that was due before.
struct Line {
  /// Tells the loop that there is something to take. Called on any thread, without a lock (net/server_doorbell.h).
  std::shared_ptr<const std::function<void()>> wake = {};
  /// Gives the socket what it takes at once, and returns how many bytes that were; must not block. Called under the
  /// answer's mutex. Empty: all goes through the loop.
  std::function<size_t(std::string_view)> send_now = {};
};

class Answer {
 public:
  /// The first take() needs no wake.
  Answer(AnswerForm form, uint64_t max_queued_bytes, const Line& line);

  // --- the maker's side; any thread ---
  void send(ServerResponse response);
  void begin(int status, Headers headers, std::string heartbeat, std::string_view first);
  bool write(std::string_view bytes);
  void end();
  bool ask(std::shared_ptr<Maker> maker);
  void on_gone(std::function<void()> callback);
  void abandon();  ///< nobody can say anything any more

  // --- the connection's side; its loop thread ---
  enum class Progress {
    kOpen,      ///< more may come
    kComplete,  ///< `batch` holds the last bytes
    kBroken,    ///< cannot be completed: cut the connection
  };
  /// Calls the maker who asked for it. Before take(). Throws what the maker throws.
  void let_speak();
  /// Swaps `batch` (whose content is lost) with what waits. Who got bytes comes again after they are sent, without a
  /// wake; who got none is woken.
  Progress take(std::string& batch);
  /// Queues the heartbeat of a stream that has one and nothing waiting.
  void beat();
  /// Whether the maker has sent something past the loop since the last call.
  bool take_sent_now();
  bool finished() const;  ///< the maker has said everything
  bool broken() const;    ///< as kBroken
  bool closes() const;    ///< the connection must close behind it
  /// The connection is dead or will not read on: calls the callbacks if the maker was still working, and the maker who
  /// asked for it.
  void client_left();

 private:
  enum class Stage { kWaiting, kStreaming, kFinished };

  class Saying;

  void send_now_locked();
  void append_chunk_locked(std::string_view bytes);
  void append_source_locked(std::string& batch);

  const uint64_t max_queued_bytes_;
  mutable std::mutex mutex_;
  AnswerForm form_;
  const Line* line_;  // null once the connection is through with us
  Stage stage_ = Stage::kWaiting;
  bool broken_ = false;
  bool awaited_ = true;  // the loop will come anyway, or has bytes in hand
  bool sent_now_ = false;
  std::chrono::steady_clock::time_point sent_now_at_{};
  size_t in_flight_ = 0;  // bytes of the batch taken last
  std::string queue_;
  std::shared_ptr<BodySource> source_;  // what is left of it follows the queue
  uint64_t source_left_ = 0;
  std::string heartbeat_;
  std::vector<std::function<void()>> callbacks_;
  std::shared_ptr<Maker> asked_;
};

/// The maker's handle: the last copy that goes abandons the answer.
ExchangePtr make_exchange(std::shared_ptr<Answer> answer);

}  // namespace shenbi::net
