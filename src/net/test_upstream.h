#pragma once
// For tests of net::Client: what it heard, and an upstream that says bytes, not HTTP.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "net/client.h"
#include "net/test_client.h"

namespace shenbi::net::testing {

// What one exchange was told; threads wait on it.
class Heard {
 public:
  ClientEvents events() {
    return {.on_head =
                [this](int status, const Headers& headers) {
                  const std::lock_guard lock(mutex_);
                  EXPECT_EQ(status_, 0) << "one head";
                  status_ = status;
                  headers_ = headers;
                  changed_.notify_all();
                },
            .on_body =
                [this](std::string_view bytes) {
                  const std::lock_guard lock(mutex_);
                  EXPECT_NE(status_, 0) << "a head before the body";
                  EXPECT_FALSE(ended_) << "nothing after the end";
                  body_ += bytes;
                  if (in_body_) in_body_();
                  changed_.notify_all();
                },
            .on_end =
                [this](const Error* error) {
                  const std::lock_guard lock(mutex_);
                  EXPECT_FALSE(ended_) << "one end";
                  ended_ = true;
                  if (error) error_.emplace(error->code(), error->what());  // of its own: errors share their text
                  changed_.notify_all();
                }};
  }
  // Called with every piece of the body.
  void in_body(std::function<void()> call) { in_body_ = std::move(call); }

  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, condition);
  }
  bool wait_end() {
    return wait([this] { return ended_; });
  }
  bool wait_bytes(size_t count) {
    return wait([this, count] { return body_.size() >= count || ended_; });
  }
  // "" for a complete answer; waits for the end.
  std::string error() {
    if (!wait_end()) return "no end";
    return error_ ? error_->second : "";
  }
  std::optional<Code> code() {
    wait_end();
    return error_ ? std::optional(error_->first) : std::nullopt;
  }
  int status() {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  std::string header(std::string_view name) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, value] : headers_) {
      if (key == name) return value;
    }
    return {};
  }
  std::string body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }
  size_t bytes() {
    const std::lock_guard lock(mutex_);
    return body_.size();
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> in_body_;
  int status_ = 0;
  Headers headers_;
  std::string body_;
  bool ended_ = false;
  std::optional<std::pair<Code, std::string>> error_;
};

// Answers each connection's first request with the same bytes. `close`: hangs up then, else stays silent.
class RawUpstream {
 public:
  explicit RawUpstream(std::string answer, bool close = true)
      : answer_(std::move(answer)), close_(close), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~RawUpstream() {
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
    {
      const std::lock_guard lock(mutex_);
      if (open_ >= 0) ::shutdown(open_, SHUT_RDWR);
      stopping_ = true;
    }
    thread_.join();
    ::close(listener_);
  }
  std::string url(std::string_view scheme = "http") const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + "/v1?key=sk-secret";
  }

 private:
  void run() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
          ::close(fd);
          return;
        }
        open_ = fd;
      }
      std::string request;
      char bytes[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0) break;
        request.append(bytes, static_cast<size_t>(got));
      }
      [[maybe_unused]] const ssize_t sent = ::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (close_) ::shutdown(fd, SHUT_WR);
      while (::recv(fd, bytes, sizeof bytes, 0) > 0) {
      }
      const std::lock_guard lock(mutex_);
      open_ = -1;
      ::close(fd);
    }
  }

  const std::string answer_;
  const bool close_;
  const int listener_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  int open_ = -1;
  bool stopping_ = false;
  std::thread thread_;
};

inline std::string url_of(uint16_t port, std::string_view path = "/v1/chat/completions") {
  return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
}

}  // namespace shenbi::net::testing
