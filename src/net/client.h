#pragma once
// Outgoing HTTP that waits for nobody: many exchanges at once, their bytes handed on as they come. What the gateway
// asks its upstreams with; net/http.h stays the door for downloads, which may wait.
//
//   net::Client client;
//   auto call = client.start({.url = base + "/chat/completions", .headers = {...}, .body = json},
//                            {.on_head = ..., .on_body = ..., .on_end = ...});
//   call->cancel();
//
// A ws:// or wss:// address is a WebSocket: the body goes out as one text message when the host has agreed, each
// message of the host is one on_body, and a farewell with code 1000 is the end. A host that does not agree has answered
// over HTTP: its status, headers and body come as of any exchange. Pings are answered and are no sign of an answer;
// proxies are not used.
//
// Rules: http, https, ws and wss only; certificates are checked; proxies come from the environment; connections are
// kept alive and used again, per host; HTTP/2 where the host offers it over TLS. A redirect is never followed: the
// request carries a key, and an API that moved is the operator's to configure; the 3xx is handed on as it is. Header
// names and values with control characters, and headers that frame the message, are refused (Error{kInvalidArgument}
// naming the header, never its value: it may be a key). A connection that the host closed while it lay idle costs a
// second attempt on a new one, if not one byte of an answer had come; nothing else is ever sent twice.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/server.h"  // Headers

namespace shenbi::net {

struct ClientRequest {
  std::string method = "POST";
  std::string url;
  /// Without accept-encoding gzip is asked for and undone here, and the answer's content-encoding and content-length
  /// are left out. With one of the caller's own the bytes come as they were sent.
  Headers headers;
  std::string body;
  std::chrono::milliseconds connect_timeout{
      10'000};                                      ///< until the request can be sent: free connection, name, TCP, TLS
  std::chrono::milliseconds head_timeout{300'000};  ///< from the start to the status line
  std::chrono::milliseconds idle_timeout{120'000};  ///< between two pieces of the body; does not run while paused
  /// From the start until answered() is called, whatever bytes come: a host that sends a head and comments and no
  /// answer is silent too. As long as it runs the idle_timeout does not. Zero: the head is the answer.
  std::chrono::milliseconds answer_timeout{0};
  uint64_t max_bytes = 1u << 30;  ///< of the body, decompressed
  /// Refuses to connect to an address of this machine or a private network, whatever name leads to it (with a proxy: if
  /// the proxy is at one). For addresses that somebody else than the operator wrote down.
  bool public_only = false;
};

/// Called in this order, never two at once; must not block. On a thread of the client, or, of an exchange that a
/// handler of the HTTP server has started on its loop (net/loop_host.h), on that loop. What one throws ends the
/// exchange as an Error{kInternal} in on_end.
struct ClientEvents {
  std::function<void(int status, const Headers& headers)> on_head;  ///< names in lower case
  std::function<void(std::string_view bytes)> on_body;              ///< any number of times
  /// Exactly once and last. Null: the body is complete. Else Error{kUpstream} naming host and reason (refused, timed
  /// out and in which phase, cut, too large), or Error{kCancelled}.
  std::function<void(const Error* error)> on_end;
};

class ClientCall {
 public:
  virtual ~ClientCall() = default;
  /// From any thread, any number of times. on_end still comes.
  virtual void cancel() = 0;
  /// Stops reading from the upstream until resume(), so that a slow client of ours does not fill our memory. A piece or
  /// two (some 10 KB) may still come if another thread pauses; none, if on_head or on_body does. Over HTTP/2 the host's
  /// other streams on the same connection wait too once this one's window is full.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// What came is an answer: see answer_timeout. From any thread.
  virtual void answered() = 0;
};

struct ClientOptions {
  int threads = 1;
  uint32_t max_connections_per_host = 4096;  ///< more exchanges wait for a free one, as part of their connect_timeout
  uint32_t max_idle_connections = 64;
  std::string ca_file;  ///< PEM of the authorities that are trusted; "": the system's
};

class Client {
 public:
  explicit Client(ClientOptions options = {});
  /// Cancels what runs and waits for its on_end. Not from a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins and returns at once; the exchange goes on if the handle is dropped, and the handle may outlive the client.
  /// Throws Error{kInvalidArgument} for a request that cannot be sent (URL, method, header).
  /// After end_all() the exchange ends at once, with its reason.
  std::shared_ptr<ClientCall> start(ClientRequest request, ClientEvents events);

  /// Ends every exchange with this error, for good: also those that are started from now on.
  void end_all(const Error& why);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::net
