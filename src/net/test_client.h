#pragma once
// For the server's tests: a client that sends bytes, not a library's idea of a request, and a server that says back
// what it understood. Waiting is always for a condition (bytes, a close, a callback); the time-outs here only keep a
// failed test from hanging.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.h"
#include "net/server.h"

namespace shenbi::net::testing {

using namespace std::chrono_literals;

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names as sent
  std::string body;
  bool chunked = false;
};

class Client {
 public:
  /// Port 0: a socket that connect() is called on later.
  explicit Client(uint16_t port, int receive_buffer = 0, int family = AF_INET)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)), family_(family) {
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (port > 0) connected_ = connect(port);
  }
  bool connect(uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    return family_ == AF_INET ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4) == 0
                              : ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6) == 0;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {  // closes with RST
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  // False once the other side is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // More bytes into the buffer; false at the end.
  bool fill() {
    char bytes[16384];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(size));
    return true;
  }

  std::string until(std::string_view mark) {
    size_t at;
    while ((at = buffer_.find(mark)) == std::string::npos) {
      if (!fill()) return std::exchange(buffer_, {});
    }
    std::string out = buffer_.substr(0, at + mark.size());
    buffer_.erase(0, at + mark.size());
    return out;
  }

  std::string bytes(size_t count) {
    while (buffer_.size() < count && fill()) {
    }
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  Reply head() {
    Reply answer;
    std::string text = until("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ")) return answer;
    answer.status = std::stoi(text.substr(9, 3));
    size_t at = text.find("\r\n") + 2;
    while (at + 2 < text.size()) {
      const size_t end = text.find("\r\n", at), colon = text.find(": ", at);
      answer.headers[text.substr(at, colon - at)] = text.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    answer.chunked = answer.headers.count("Transfer-Encoding") > 0;
    return answer;
  }

  // One chunk's content, "" for the last.
  std::string chunk() {
    const std::string line = until("\r\n");
    const size_t size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
    std::string out = bytes(size);
    until("\r\n");
    return out;
  }

  Reply read() {
    Reply answer = head();
    if (answer.chunked) {
      for (std::string piece = chunk(); !piece.empty(); piece = chunk()) answer.body += piece;
    } else if (answer.headers.count("Content-Length")) {
      answer.body = bytes(std::stoul(answer.headers["Content-Length"]));
    }
    return answer;
  }

  std::string rest() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
  }
  // Whether the server closes and says nothing more before.
  bool closed() { return rest().empty(); }

  Reply ask(std::string_view bytes) {
    send(bytes);
    return read();
  }

 private:
  int fd_, family_;
  bool connected_ = false;
  std::string buffer_;
};

// A flag that other threads wait for.
class Signal {
 public:
  void raise() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool wait(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 30'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

// Says back what it understood; other paths do what their name says.
inline void echo(ServerRequest request, ExchangePtr exchange) {
  Json headers = Json::array();
  for (const auto& [name, value] : request.headers) headers.push_back({name, value});
  const Json body = {{"method", request.method}, {"path", request.path}, {"query", request.query},
                     {"body", request.body},     {"peer", request.peer}, {"headers", headers}};
  exchange->send({200, {{"Content-Type", "application/json"}}, body.dump()});
}

struct Server {
  explicit Server(HttpServer::Handle handle = echo, ServerOptions options = {}, HttpServer::Admit admit = nullptr)
      : http(options, std::move(admit), std::move(handle)) {
    http.start();
    port = http.port();
  }
  HttpServer http;
  uint16_t port = 0;
};

// Keeps what handle() was given, for a test to answer when it likes.
class Desk {
 public:
  HttpServer::Handle handle() {
    return [this](ServerRequest request, ExchangePtr exchange) {
      {
        const std::lock_guard lock(mutex_);
        exchanges_.push_back(std::move(exchange));
      }
      arrived_.raise();
    };
  }
  // The n-th request's exchange, once it is there.
  ExchangePtr take(size_t n) {
    if (!arrived_.wait(static_cast<int>(n) + 1)) return nullptr;
    const std::lock_guard lock(mutex_);
    return std::move(exchanges_[n]);
  }
  int count() { return arrived_.count(); }

 private:
  std::mutex mutex_;
  std::vector<ExchangePtr> exchanges_;
  Signal arrived_;
};

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace shenbi::net::testing
