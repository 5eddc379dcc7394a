// The server over real sockets: what is sent is bytes, not a client library's idea of them. Waiting is always for a
// condition (bytes, a close, a callback); the socket's own time-out only keeps a failed test from hanging.

#include "net/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/json.h"

namespace shenbi::net {
namespace {

using namespace std::chrono_literals;

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names as sent
  std::string body;
  bool chunked = false;
};

class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;

  bool connected() const { return connected_; }
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

  Answer head() {
    Answer answer;
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

  Answer read() {
    Answer answer = head();
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

  Answer ask(std::string_view bytes) {
    send(bytes);
    return read();
  }

 private:
  int fd_;
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
void echo(ServerRequest request, ExchangePtr exchange) {
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

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpServer, answers_a_request_with_what_it_understood) {
  Server server;
  Client client(server.port);
  const Answer answer = client.ask(
      "POST /v1/models/a%2Fb%20c?x=1&y=%41+b HTTP/1.1\r\nHost: localhost:1\r\nX-Thing:  v \r\nContent-Length: "
      "5\r\n\r\nhello");
  EXPECT_EQ(answer.status, 200);
  const Json seen = Json::parse(answer.body);
  EXPECT_EQ(seen["method"], "POST");
  EXPECT_EQ(seen["path"], "/v1/models/a/b c");
  EXPECT_EQ(seen["query"], "x=1&y=%41+b");
  EXPECT_EQ(seen["body"], "hello");
  EXPECT_EQ(seen["peer"], "127.0.0.1");
  EXPECT_EQ(seen["headers"][1], (Json{"x-thing", "v"}));
  EXPECT_EQ(answer.headers.count("Date"), 1u);
}

TEST(HttpServer, keeps_the_connection_and_the_order_of_requests_sent_ahead) {
  Server server;
  Client client(server.port);
  std::string many;
  for (int i = 0; i < 50; ++i)
    many += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
  ASSERT_TRUE(client.send(many));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Json::parse(client.read().body)["path"], "/" + std::to_string(i));
  EXPECT_EQ(server.http.counts().connections, 1u);
  EXPECT_EQ(server.http.counts().requests, 50u);
}

TEST(HttpServer, reads_a_request_that_comes_byte_by_byte) {
  Server server;
  Client client(server.port);
  for (const char c : std::string("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n3\r\nabc\r\n2;q=1\r\nde\r\n0\r\nT: 1\r\n\r\n"))
    ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(Json::parse(client.read().body)["body"], "abcde");
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(HttpServer, answers_HEAD_without_a_body_and_keeps_its_length) {
  Server server([](ServerRequest, ExchangePtr exchange) { exchange->send({200, {}, "twelve bytes"}); });
  Client client(server.port);
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.head().headers["Content-Length"], "12");
  EXPECT_EQ(client.read().body, "twelve bytes");
}

TEST(HttpServer, streams_chunks_from_another_thread) {
  std::thread maker;
  Server server([&](ServerRequest, ExchangePtr exchange) {
    maker = std::thread([exchange] {
      exchange->begin(200, {{"Content-Type", "text/event-stream"}});
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(exchange->write("data: " + std::to_string(i) + "\n\n"));
      exchange->write("");
      exchange->end();
    });
  });
  Client client(server.port);
  const Answer answer = client.ask(kGet);
  maker.join();
  EXPECT_TRUE(answer.chunked);
  EXPECT_TRUE(answer.body.starts_with("data: 0\n\ndata: 1\n\n"));
  EXPECT_TRUE(answer.body.ends_with("data: 99\n\n"));
  EXPECT_EQ(client.ask(kGet).status, 200);  // the connection lives on
  maker.join();
}

TEST(HttpServer, notices_at_once_that_a_client_left_a_request_in_work) {
  Signal gone;
  ExchangePtr kept;
  Signal arrived;
  Server server([&](ServerRequest, ExchangePtr exchange) {
    exchange->on_gone([&] { gone.raise(); });
    kept = exchange;
    arrived.raise();
  });
  Client client(server.port);
  client.send(kGet);
  ASSERT_TRUE(arrived.wait());
  client.close();
  EXPECT_TRUE(gone.wait());
  EXPECT_FALSE(kept->write("late"));
  bool again = false;
  kept->on_gone([&] { again = true; });
  EXPECT_TRUE(again) << "who asks after the fact is told at once";
}

TEST(HttpServer, admission_sees_the_head_alone_and_its_refusal_leaves_the_body_unread) {
  std::atomic<int> handled{0};
  Server server(
      [&](ServerRequest r, ExchangePtr e) {
        ++handled;
        echo(std::move(r), e);
      },
      {},
      [](const ServerRequest& request) -> std::optional<ServerResponse> {
        EXPECT_TRUE(request.body.empty());
        if (request.header("authorization") == "Bearer good") return std::nullopt;
        return ServerResponse{401, {}, "no"};
      });
  Client client(server.port);
  // The body is announced and never sent: the answer must not wait for it.
  const Answer answer = client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers.at("Connection"), "close");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(handled, 0);
  Client good(server.port);
  EXPECT_EQ(good.ask("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n").status, 200);
}

}  // namespace
}  // namespace shenbi::net
