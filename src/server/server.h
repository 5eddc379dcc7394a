#pragma once
// The program as a server: the HTTP server, the routes, the keys and the models behind one object.
//
//   Server server({.models = {"gemma3:270m"}});
//   server.start();      // ready when /health answers; models load behind it
//   server.address();    // "http://127.0.0.1:11188"
//   server.stop(10s);

#include <chrono>
#include <memory>
#include <string>

#include "server/state.h"

namespace shenbi::server {

class Server {
 public:
  /// Throws Error{kInvalidArgument} if the address is not loopback and nobody needs a key.
  explicit Server(const ServeOptions& options);
  ~Server();
  void start();
  std::string address() const;
  uint16_t port() const noexcept;
  /// From now on new work gets 503, /ready says 503 and /health still 200, and loads of models are given up. Running
  /// answers may end until `patience` is over; those that are left end with an error that says so.
  void stop(std::chrono::milliseconds patience);
  State& state() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::server
