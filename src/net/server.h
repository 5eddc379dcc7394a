#pragma once
// The HTTP server: HTTP/1.1 with keep-alive, optional TLS, one thread with its own event loop a core. Nobody outside
// net/ sees the library behind it (docs/http-server.md).
//
//   HttpServer server({.host = "127.0.0.1", .port = 0}, admit, handle);
//   server.start();  server.port();  ...  server.stop(5s);
//
// A request goes through two calls. `admit` sees the head alone, before a byte of the body is read, and may refuse: who
// may call what is decided there. `handle` gets the whole request and an Exchange to answer through, at once or later,
// from any thread. Both are called on a loop thread and must not block; long work belongs to a thread of its own. What
// they throw is answered: Error{code} with its status and message as {"error": {"message", "type", "code"}}, all else
// 500.
//
// Bounds: size of head and body, number of headers, time to send them, connections, bytes that a slow reader may let
// pile up. What breaks the framing rules (two lengths, length and chunked together, a bare CR, HTTP/0.9) gets 400 and
// the connection closes.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct ServerRequest {
  std::string method;  ///< "GET"
  std::string path;   ///< decoded, begins with '/'; never holds NUL, "//", "/./" or "/../" (those are refused with 400)
  std::string query;  ///< as sent, without '?'
  Headers headers;    ///< names in lower case
  std::string body;
  std::string peer;     ///< "127.0.0.1"
  uint64_t number = 0;  ///< of this process, for logs
  bool secure = false;  ///< came through TLS

  /// The header's value, "" if absent. `name` in lower case.
  std::string_view header(std::string_view name) const noexcept;
  /// The decoded value of a query parameter; nothing if absent.
  std::optional<std::string> parameter(std::string_view name) const;
};

/// A body that is not held in memory: files. Read piece by piece as the client takes them.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual uint64_t bytes() const noexcept = 0;
  /// The next bytes, at most `most` and at least one; on a loop thread. Nothing, or an exception, before the end: the
  /// connection is cut, so that nobody takes a part for the whole.
  virtual std::string next(size_t most) = 0;
};

/// A whole answer. Content-Length, Date and Connection are added.
struct ServerResponse {
  int status = 200;
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> source = nullptr;  ///< instead of `body`
};

/// Has something to say that is not bytes yet, and rather not on the thread it is on (Exchange::ask).
class Maker {
 public:
  virtual ~Maker() = default;
  /// Writes what there is to say, through the Exchange. On the connection's loop thread; must not block.
  virtual void make() = 0;
};

/// One request's way back. Thread-safe, and cheap from any thread: bytes go to the socket at once if it takes them,
/// else they are copied under a lock and the connection's loop is woken once. Keep the shared_ptr as long as something
/// may still be said; if the last one goes without an answer the client gets 500, and a stream that was not ended is
/// broken off so that the client can tell. It may outlive the server.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// The whole answer; only the first of send() and begin() counts.
  virtual void send(ServerResponse response) = 0;

  /// Starts an answer of unknown length (chunked); `headers` as in ServerResponse. `heartbeat`: what is written after
  /// each 15 s of silence so that proxies do not close the line (": ping\n\n" for event streams), "" for none. `first`:
  /// as write(), in the packet of the head.
  /// A client of HTTP/1.0 knows no chunks: the stream then ends with the connection.
  virtual void begin(int status, Headers headers, std::string heartbeat = {}, std::string_view first = {}) = 0;
  /// Queues bytes of that answer, as one chunk. False when the client is gone, or is so slow that more than the bound
  /// of bytes wait: then the connection is cut and on_gone called.
  virtual bool write(std::string_view bytes) = 0;
  virtual void end() = 0;
  /// Has `maker` called soon: by the connection's loop when it is ready for bytes, or, if the client leaves before,
  /// when it has left. Asked again before that, one call answers both; all ask for the same maker. False: nobody will
  /// call it, the connection is gone (or this way back has no loop).
  virtual bool ask(std::shared_ptr<Maker> maker) = 0;

  /// `callback` is called once if the client leaves before the answer is complete: on a loop thread, or here and now if
  /// it has left already. Leaving is closing, also of its sending side alone, and being cut off by a bound. A callback
  /// that holds the Exchange keeps it alive until the answer is complete or the client gone.
  virtual void on_gone(std::function<void()> callback) = 0;
};

using ExchangePtr = std::shared_ptr<Exchange>;

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< a numeric address or "localhost", which is 127.0.0.1
  uint16_t port = 0;               ///< 0: any free one
  int threads = 2;
  std::string certificate_file, key_file;  ///< PEM; both or none
  uint64_t max_body_bytes = 64u << 20;
  uint64_t max_unhandled_bytes = 1u << 30;  ///< of all bodies that are being read; beyond it 503
  uint32_t max_head_bytes = 64u << 10;
  uint32_t max_connections = 16384;
  uint64_t max_queued_bytes = 4u << 20;            ///< of one slow reader
  std::chrono::milliseconds head_timeout{15'000};  ///< from the first byte to the end of the head; also idle keep-alive
  std::chrono::milliseconds body_timeout{60'000};  ///< without a byte of the body
  std::chrono::milliseconds write_timeout{60'000};  ///< without a byte taken by the client
  std::chrono::milliseconds heartbeat{15'000};
};

struct ServerCounts {
  uint64_t connections = 0, requests = 0, open_connections = 0, open_requests = 0, refused = 0, bad_requests = 0;
};

class HttpServer {
 public:
  /// Returns an answer to refuse, nothing to go on. Sees everything but the body.
  using Admit = std::function<std::optional<ServerResponse>(const ServerRequest&)>;
  using Handle = std::function<void(ServerRequest, ExchangePtr)>;

  HttpServer(ServerOptions options, Admit admit, Handle handle);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and starts the threads; once. Throws Error{kInvalidArgument} naming address (or PEM file) and reason. Raises
  /// the process's soft limit of open files to what max_connections needs, as far as the hard limit lets it.
  void start();
  uint16_t port() const noexcept;
  ServerCounts counts() const noexcept;

  /// Accepts nothing new, lets running answers finish until `patience` is over, then cuts them. Idempotent. Not from a
  /// loop thread.
  void stop(std::chrono::milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reason phrase of a status.
std::string_view status_text(int status) noexcept;

}  // namespace shenbi::net
