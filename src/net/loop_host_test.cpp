// Exchanges of the client that a handler of the server has begun: on the loop that called it.

#include "net/loop_host.h"

#include <memory>
#include <vector>

#include "base/error.h"
#include "net/test_client.h"
#include "net/test_upstream.h"

namespace shenbi::net {
namespace {

using namespace testing;

// Passes each request on to `url` and the answer back, on the loop.
class Relay {
 public:
  explicit Relay(std::string url, ServerOptions options = {})
      : url_(std::move(url)), client_(std::make_unique<shenbi::net::Client>()), server_(handle(), options) {}

  HttpServer::Handle handle() {
    return [this](ServerRequest request, ExchangePtr exchange) {
      const auto here = std::this_thread::get_id();
      const auto status = std::make_shared<int>(0);
      const auto body = std::make_shared<std::string>();
      const auto call = client_->start(
          {.url = url_, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(request.body)},
          {.on_head = [status](int code, const Headers&) { *status = code; },
           .on_body = [body](std::string_view bytes) { *body += bytes; },
           .on_end =
               [this, here, status, body, exchange](const Error* error) {
                 elsewhere_ += std::this_thread::get_id() != here;
                 exchange->send(
                     {error ? code_info(error->code()).http_status : *status, {}, error ? error->what() : *body});
                 ended.raise();
               }});
      exchange->on_gone([call] { call->cancel(); });
    };
  }

  uint16_t port() const { return server_.port; }
  HttpServer& server() { return server_.http; }
  shenbi::net::Client& client() { return *client_; }
  void drop_client() { client_ = nullptr; }
  int elsewhere() const { return elsewhere_; }
  Signal ended;

 private:
  const std::string url_;
  std::atomic<int> elsewhere_{0};
  std::unique_ptr<shenbi::net::Client> client_;
  Server server_;
};

std::string post(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Says the body back.
void parrot(ServerRequest request, ExchangePtr exchange) { exchange->send({200, {}, std::move(request.body)}); }

TEST(LoopHost, an_exchange_begun_by_a_handler_is_told_on_its_loop) {
  Server upstream(parrot);
  Relay relay(url_of(upstream.port));
  testing::Client client(relay.port());
  for (int i = 0; i < 100; ++i) {
    client.send(post("number " + std::to_string(i)));
    EXPECT_EQ(client.read().body, "number " + std::to_string(i));
  }
  EXPECT_EQ(relay.elsewhere(), 0);
  EXPECT_EQ(upstream.http.counts().connections, 1u);
}

TEST(LoopHost, bodies_of_a_megabyte_and_many_clients_at_once) {
  Server upstream(parrot);
  Relay relay(url_of(upstream.port));
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      testing::Client client(relay.port());
      for (int i = 0; i < 5; ++i) {
        const std::string body(1u << 20, static_cast<char>('a' + c));
        client.send(post(body));
        good += client.read().body == body;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(good, 40);
  EXPECT_EQ(relay.elsewhere(), 0);
}

TEST(LoopHost, time_outs_run_there_too) {
  Desk silent;
  Server upstream(silent.handle());
  shenbi::net::Client client;
  Signal ended;
  std::optional<Code> code;
  Server server([&](ServerRequest, ExchangePtr exchange) {
    client.start({.url = url_of(upstream.port), .head_timeout = 30ms}, {.on_end = [&, exchange](const Error* error) {
                   code = error ? std::optional(error->code()) : std::nullopt;
                   exchange->send({504, {}, "late"});
                   ended.raise();
                 }});
  });
  EXPECT_EQ(testing::Client(server.port).ask(kGet).status, 504);
  EXPECT_TRUE(ended.wait());
  EXPECT_EQ(code, Code::kUpstream);
}

TEST(LoopHost, who_leaves_cancels) {
  Desk silent;
  Server upstream(silent.handle());
  Relay relay(url_of(upstream.port));
  {
    testing::Client client(relay.port());
    client.send(post("x"));
    const auto held = silent.take(0);
    Signal gone;
    held->on_gone([&] { gone.raise(); });
    client.close();
    EXPECT_TRUE(gone.wait());
  }
  EXPECT_TRUE(relay.ended.wait());
}

TEST(LoopHost, the_end_of_the_server_ends_what_is_under_way) {
  Desk silent;
  Server upstream(silent.handle());
  Relay relay(url_of(upstream.port));
  testing::Client client(relay.port());
  client.send(post("x"));
  const auto held = silent.take(0);
  relay.server().stop(0ms);
  EXPECT_TRUE(relay.ended.wait());
}

TEST(LoopHost, the_end_of_the_client_ends_what_is_under_way_and_the_server_goes_on) {
  Desk silent;
  Server upstream(silent.handle());
  Relay relay(url_of(upstream.port));
  testing::Client client(relay.port());
  client.send(post("x"));
  const auto held = silent.take(0);
  relay.drop_client();
  EXPECT_TRUE(relay.ended.wait());
  EXPECT_EQ(client.read().status, code_info(Code::kCancelled).http_status);
}

TEST(LoopHost, end_all_reaches_it) {
  Desk silent;
  Server upstream(silent.handle());
  Relay relay(url_of(upstream.port));
  testing::Client client(relay.port());
  client.send(post("x"));
  const auto held = silent.take(0);
  relay.client().end_all(Error(Code::kUnavailable, "the server is stopping"));
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "the server is stopping");
  client.send(post("again"));
  EXPECT_EQ(client.read().status, 503);
}

TEST(LoopHost, a_refused_connection_is_an_answer_like_another) {
  uint16_t port = 0;
  {
    Server gone(parrot);
    port = gone.port;
  }
  Relay relay(url_of(port));
  EXPECT_EQ(testing::Client(relay.port()).ask(post("x")).status, code_info(Code::kUpstream).http_status);
}

TEST(LoopHost, one_client_on_the_loops_of_two_servers_one_after_the_other) {
  Server upstream(parrot);
  shenbi::net::Client client;
  for (int round = 0; round < 3; ++round) {
    Server server([&](ServerRequest request, ExchangePtr exchange) {
      const auto body = std::make_shared<std::string>();
      client.start(
          {.url = url_of(upstream.port), .body = std::move(request.body)},
          {.on_body = [body](std::string_view bytes) { *body += bytes; },
           .on_end = [body, exchange](const Error* error) { exchange->send({error ? 502 : 200, {}, *body}); }});
    });
    EXPECT_EQ(testing::Client(server.port).ask(post("round")).body, "round");
  }
}

}  // namespace
}  // namespace shenbi::net
