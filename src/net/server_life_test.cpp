// Connections as such: how many, how long, the way up and down.

#include <fcntl.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;

TEST(HttpServer, tells_connections_beyond_the_bound_to_come_back_later) {
  Server server(echo, {.max_connections = 2});
  auto first = std::make_unique<Client>(server.port);
  Client second(server.port);
  EXPECT_EQ(first->ask(kGet).status, 200);
  EXPECT_EQ(second.ask(kGet).status, 200);
  {
    Client third(server.port);
    const Reply reply = third.ask(kGet);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_TRUE(third.closed());
  }
  first.reset();
  ASSERT_TRUE(eventually([&] { return server.http.counts().open_connections == 1; }));
  Client fourth(server.port);
  EXPECT_EQ(fourth.ask(kGet).status, 200);
}

TEST(HttpServer, outlives_running_out_of_files) {
  Server server;
  Client waiting(server.port);
  ASSERT_EQ(waiting.ask(kGet).status, 200);
  Client late(0);  // its socket exists before the limit falls
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit normal = files;
  const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // every number below is in use
  ::close(lowest);
  files.rlim_cur = static_cast<rlim_t>(lowest);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  const bool connected = late.connect(server.port);
  const int status = waiting.ask(kGet).status;  // those who are in are served meanwhile
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &normal), 0);
  EXPECT_TRUE(connected);
  EXPECT_EQ(status, 200);
  EXPECT_EQ(late.ask(kGet).status, 200);
}

TEST(HttpServer, outlives_a_thousand_connections_that_are_opened_and_dropped) {
  Server server;
  for (int i = 0; i < 1000; ++i) {
    Client client(server.port);
    if (i % 3 > 0) client.send(i % 3 == 1 ? "GET / HTT" : kGet);
    if (i % 2) client.reset();
  }
  Client client(server.port);
  EXPECT_EQ(client.ask(kGet).status, 200);
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_connections == 1; }));
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_requests == 0; }));
}

TEST(HttpServer, answers_from_many_threads_while_clients_come_and_go) {
  Desk desk;
  Server server(desk.handle(), {.max_queued_bytes = 1 << 16});
  constexpr int kStreams = 60;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<Client>(server.port));
    clients.back()->send(kGet);
  }
  std::vector<std::thread> makers;
  std::atomic<size_t> next{0};
  for (int thread = 0; thread < 4; ++thread) {
    makers.emplace_back([&] {
      for (size_t n; (n = next++) < kStreams;) {
        const ExchangePtr exchange = desk.take(n);
        exchange->begin(200, {});
        for (int i = 0; i < 200 && exchange->write("some words\n"); ++i) {
        }
        exchange->end();
      }
    });
  }
  for (size_t i = 0; i < kStreams; i += 2) i % 4 ? clients[i]->reset() : clients[i]->close();
  int whole = 0;
  for (size_t i = 1; i < kStreams; i += 2) whole += clients[i]->read().body.size() == 200 * 11;
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(whole, kStreams / 2);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_connections == 0; }));
}

// --- time ---

TEST(HttpServer, a_head_or_body_that_does_not_come_gets_408) {
  Server server(echo, {.head_timeout = 400ms, .body_timeout = 400ms});
  Client head(server.port);
  EXPECT_EQ(head.ask("GET / HTTP/1.1\r\nHost").status, 408);
  EXPECT_TRUE(head.closed());
  Client body(server.port);
  EXPECT_EQ(body.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel").status, 408);
  EXPECT_TRUE(body.closed());
}

TEST(HttpServer, an_idle_connection_is_closed_without_a_word) {
  Server server(echo, {.head_timeout = 400ms});
  Client fresh(server.port), used(server.port);
  EXPECT_EQ(used.ask(kGet).status, 200);
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_EQ(server.http.counts().bad_requests, 0u);
}

TEST(HttpServer, a_head_that_trickles_in_is_bounded_as_a_whole) {
  Server server(echo, {.head_timeout = 400ms});
  Client client(server.port);
  client.send("GET / HTTP/1.1\r\n");
  while (client.send("A: b\r\n") && server.http.counts().bad_requests == 0) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(client.read().status, 408);
}

// --- the way up and down ---

TEST(HttpServer, says_why_it_cannot_listen) {
  Server server;
  HttpServer twin({.port = server.port}, nullptr, echo);
  try {
    twin.start();
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_EQ(error.what(), "cannot listen on 127.0.0.1:" + std::to_string(server.port) + ": Address already in use");
  }
  HttpServer nowhere({.host = "example.org"}, nullptr, echo);
  EXPECT_THROW(nowhere.start(), Error);
}

TEST(HttpServer, stop_lets_answers_finish_and_takes_nothing_new) {
  Desk desk;
  Server server(desk.handle());
  Client idle(server.port), busy(server.port);
  busy.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  std::thread stopper([&] { server.http.stop(1h); });
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(eventually([&] { return !Client(server.port).connected(); }));
  EXPECT_TRUE(exchange->write("last words"));
  exchange->end();
  EXPECT_EQ(busy.read().body, "last words");
  EXPECT_TRUE(busy.closed());
  stopper.join();
  server.http.stop(1h);  // again: nothing to do
}

TEST(HttpServer, stop_cuts_what_outlasts_its_patience) {
  Desk desk;
  auto server = std::make_unique<Server>(desk.handle());
  Client client(server->port);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  server->http.stop(1ms);
  EXPECT_EQ(gone.count(), 1);
  EXPECT_TRUE(client.closed());
  server.reset();
  EXPECT_FALSE(exchange->write("to nobody"));  // an exchange outlives its server
  exchange->send({200, {}, ""});
}

TEST(HttpServer, listens_on_IPv6_too) {
  HttpServer server({.host = "[::1]"}, nullptr, echo);
  try {
    server.start();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  Client client(0, 0, AF_INET6);
  ASSERT_TRUE(client.connect(server.port()));
  EXPECT_EQ(Json::parse(client.ask(kGet).body)["peer"], "::1");
}

}  // namespace
}  // namespace shenbi::net
