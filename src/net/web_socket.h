#pragma once
// The WebSocket side of net::Client (RFC 6455): one thread that holds every conversation. Client starts it with the
// first ws:// or wss:// address; what such an exchange tells is said in client.h.

#include <memory>

#include "net/client.h"

namespace shenbi::net {

class WebSocketCore;

class WebSocketLoop {
 public:
  explicit WebSocketLoop(const ClientOptions& options);
  /// Cancels what runs, tells every end, joins.
  ~WebSocketLoop();
  WebSocketLoop(const WebSocketLoop&) = delete;

  /// As Client::start(). Throws Error{kInvalidArgument} for what cannot be sent.
  std::shared_ptr<ClientCall> start(ClientRequest request, ClientEvents events);
  /// From any thread: exchanges end with this error, those under way and those to come.
  void end_all(const Error& why);

 private:
  std::shared_ptr<WebSocketCore> core_;
};

}  // namespace shenbi::net
