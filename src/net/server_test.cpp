// The server over real sockets: requests, answers, streams, leaving, time-outs, the way down.

#include "net/server.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <set>
#include <vector>

#include "base/error.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;

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

TEST(HttpServer, answers_a_request_with_what_it_understood) {
  Server server;
  Client client(server.port);
  const Reply reply = client.ask(
      "POST /v1/models/a%2Fb%20c?x=1&y=%41+b HTTP/1.1\r\nHost: localhost:1\r\nX-Thing:  v \r\n"
      "Content-Length: 5\r\n\r\nhello");
  EXPECT_EQ(reply.status, 200);
  const Json seen = Json::parse(reply.body);
  EXPECT_EQ(seen["method"], "POST");
  EXPECT_EQ(seen["path"], "/v1/models/a/b c");
  EXPECT_EQ(seen["query"], "x=1&y=%41+b");
  EXPECT_EQ(seen["body"], "hello");
  EXPECT_EQ(seen["peer"], "127.0.0.1");
  EXPECT_EQ(seen["headers"][1], (Json{"x-thing", "v"}));
  EXPECT_TRUE(reply.headers.at("Date").ends_with(" GMT"));
  EXPECT_EQ(reply.headers.at("Date").size(), std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size());
}

TEST(ServerRequest, finds_headers_by_name_and_decodes_parameters) {
  const ServerRequest request{.query = "a=1&b=x+y%2Fz&flag&a=2&bad=%zz&=none",
                              .headers = {{"accept", "text/html"}, {"accept", "second"}}};
  EXPECT_EQ(request.header("accept"), "text/html");
  EXPECT_EQ(request.header("absent"), "");
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("b"), "x y/z");
  EXPECT_EQ(request.parameter("flag"), "");
  EXPECT_EQ(request.parameter("bad"), "%zz");
  EXPECT_EQ(request.parameter(""), "none");
  EXPECT_EQ(request.parameter("c"), std::nullopt);
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

TEST(HttpServer, looks_at_the_next_request_only_after_the_answer_before_it) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  const ExchangePtr first = desk.take(0);
  client.send("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");  // read while the first is in work, and kept
  first->begin(200, {});
  first->write("one");
  EXPECT_EQ(client.head().status, 200);
  EXPECT_EQ(client.chunk(), "one");
  EXPECT_EQ(desk.count(), 1);
  first->end();
  desk.take(1)->send({200, {}, "two"});
  desk.take(2)->send({200, {}, "three"});
  EXPECT_EQ(client.chunk(), "");
  EXPECT_EQ(client.read().body, "two");
  EXPECT_EQ(client.read().body, "three");
}

TEST(HttpServer, reads_a_request_that_comes_byte_by_byte) {
  Server server;
  Client client(server.port);
  for (const char c : std::string("\r\nPOST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n2;q=1\r\nde\r\n0\r\nT: 1\r\n\r\n"))
    ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(Json::parse(client.read().body)["body"], "abcde");
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(HttpServer, carries_bodies_of_megabytes_both_ways) {
  Server server(
      [](ServerRequest request, ExchangePtr exchange) { exchange->send({200, {}, request.body + request.body}); });
  Client client(server.port);
  std::string body(9'000'001, 'x');
  for (size_t i = 0; i < body.size(); i += 4099) body[i] = static_cast<char>('a' + i % 26);
  std::thread sender([&] { client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000001\r\n\r\n" + body); });
  EXPECT_TRUE(client.read().body == body + body);
  sender.join();
}

TEST(HttpServer, answers_HEAD_without_a_body_and_keeps_its_length) {
  Server server([](ServerRequest request, ExchangePtr exchange) {
    if (request.path == "/whole") return exchange->send({200, {}, "twelve bytes"});
    exchange->begin(200, {});
    EXPECT_TRUE(exchange->write("piece"));
    exchange->end();
  });
  Client client(server.port);
  client.send(
      "HEAD /whole HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /whole HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  EXPECT_EQ(client.head().headers["Content-Length"], "12");
  EXPECT_EQ(client.head().headers["Transfer-Encoding"], "chunked");
  EXPECT_EQ(client.read().body, "twelve bytes");
}

TEST(HttpServer, gives_a_204_neither_length_nor_body) {
  Server server([](ServerRequest, ExchangePtr exchange) { exchange->send({204, {}, "ignored"}); });
  Client client(server.port);
  const Reply reply = client.ask(kGet);
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.headers.count("Content-Length"), 0u);
  EXPECT_EQ(client.ask(kGet).status, 204);
}

TEST(HttpServer, speaks_to_HTTP_1_0_without_chunks) {
  Server server([](ServerRequest request, ExchangePtr exchange) {
    if (request.path == "/whole") return exchange->send({200, {}, "abc"});
    exchange->begin(200, {});
    exchange->write("one ");
    exchange->write("two");
    exchange->end();
  });
  Client plain(server.port);
  EXPECT_EQ(plain.ask("GET /whole HTTP/1.0\r\n\r\n").headers.at("Connection"), "close");
  EXPECT_TRUE(plain.closed());
  Client kept(server.port);
  EXPECT_EQ(kept.ask("GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers.at("Connection"), "keep-alive");
  EXPECT_EQ(kept.ask("GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, "abc");
  kept.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.head().headers.at("Connection"), "close");
  EXPECT_EQ(kept.rest(), "one two");
}

TEST(HttpServer, closes_after_the_answer_if_the_client_asks_for_it) {
  Server server;
  Client client(server.port);
  const Reply reply = client.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(reply.headers.at("Connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, a_client_that_only_ends_its_sending_still_gets_a_ready_answer) {
  Server server;
  Client client(server.port);
  client.send(kGet);
  client.end_sending();
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, header_text_of_an_answer_cannot_begin_another_header) {
  Server server([](ServerRequest, ExchangePtr exchange) {
    exchange->send(
        {200, {{"X-Echo", "a\r\nSet-Cookie: b"}, {"Content-Length", "999"}, {"transfer-encoding", "chunked"}}, "ok"});
  });
  Client client(server.port);
  const Reply reply = client.ask(kGet);
  EXPECT_EQ(reply.headers.at("X-Echo"), "a  Set-Cookie: b");
  EXPECT_EQ(reply.headers.count("Set-Cookie"), 0u);
  EXPECT_EQ(reply.body, "ok");
}

TEST(HttpServer, spreads_connections_evenly_over_its_threads) {
  std::mutex mutex;
  std::map<std::thread::id, int> seen;
  Server server(
      [&](ServerRequest, ExchangePtr exchange) {
        const std::lock_guard lock(mutex);
        ++seen[std::this_thread::get_id()];
        exchange->send({200, {}, ""});
      },
      {.threads = 3});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<Client>(server.port));
    EXPECT_EQ(clients.back()->ask(kGet).status, 200);
  }
  ASSERT_EQ(seen.size(), 3u);
  for (const auto& [thread, count] : seen) EXPECT_EQ(count, 4);
}

// --- streams ---

TEST(HttpServer, streams_chunks_from_another_thread) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send(kGet);
  std::thread maker([exchange = desk.take(0)] {
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(exchange->write("data: " + std::to_string(i) + "\n\n"));
    exchange->write("");
    exchange->end();
    EXPECT_FALSE(exchange->write("after the end"));
  });
  const Reply reply = client.read();
  maker.join();
  std::string expected;
  for (int i = 0; i < 1000; ++i) expected += "data: " + std::to_string(i) + "\n\n";
  EXPECT_TRUE(reply.chunked);
  EXPECT_TRUE(reply.body == expected);
  client.send(kGet);  // the connection lives on
  desk.take(1)->send({200, {}, "next"});
  EXPECT_EQ(client.read().body, "next");
}

TEST(HttpServer, a_write_is_on_the_wire_before_the_next_one_is_made) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  EXPECT_EQ(client.head().status, 200);
  for (int i = 0; i < 20; ++i) {
    exchange->write(std::to_string(i));
    EXPECT_EQ(client.chunk(), std::to_string(i));
  }
}

TEST(HttpServer, only_the_first_answer_counts) {
  Server server([](ServerRequest, ExchangePtr exchange) {
    exchange->send({201, {}, "first"});
    exchange->send({500, {}, "second"});
    exchange->begin(500, {});
    EXPECT_FALSE(exchange->write("third"));
    exchange->end();
  });
  Client client(server.port);
  EXPECT_EQ(client.ask(kGet).status, 201);
  EXPECT_EQ(client.ask(kGet).body, "first");
}

TEST(HttpServer, sends_heartbeats_while_a_stream_is_silent) {
  Desk desk;
  Server server(desk.handle(), {.heartbeat = 20ms});
  Client client(server.port);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {}, ": ping\n\n");
  client.head();
  EXPECT_EQ(client.chunk(), ": ping\n\n");
  EXPECT_EQ(client.chunk(), ": ping\n\n");
  exchange->end();
  std::string last = client.chunk();
  while (last == ": ping\n\n") last = client.chunk();
  EXPECT_EQ(last, "");
}

TEST(HttpServer, notices_at_once_that_a_client_left_a_request_in_work) {
  Desk desk;
  Server server(desk.handle());
  for (const bool reset : {false, true}) {
    Client client(server.port);
    // Sent ahead: bytes that wait to be read must not hide the end behind them.
    client.send(std::string(kGet) + kGet);
    const ExchangePtr exchange = desk.take(reset ? 1 : 0);
    Signal gone;
    exchange->on_gone([&] { gone.raise(); });
    reset ? client.reset() : client.close();
    EXPECT_TRUE(gone.wait());
    EXPECT_FALSE(exchange->write("late"));
    bool again = false;
    exchange->on_gone([&] { again = true; });
    EXPECT_TRUE(again) << "who asks after the fact is told at once";
    EXPECT_EQ(gone.count(), 1);
  }
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_requests == 0; }));
}

TEST(HttpServer, does_not_call_back_after_a_complete_answer) {
  Signal gone;
  Server server([&](ServerRequest, ExchangePtr exchange) {
    exchange->on_gone([&, exchange] { gone.raise(); });  // holds itself: must not keep the exchange alive for ever
    exchange->send({200, {}, "done"});
  });
  {
    Client client(server.port);
    EXPECT_EQ(client.ask(kGet).body, "done");
  }
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_connections == 0; }));
  EXPECT_EQ(gone.count(), 0);
}

TEST(HttpServer, cuts_a_reader_that_lets_too_much_pile_up) {
  Desk desk;
  Server server(desk.handle(), {.max_queued_bytes = 1 << 20});
  Client client(server.port, 4096);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  exchange->begin(200, {});
  const std::string piece(64 << 10, 'x');
  int written = 0;
  while (exchange->write(piece)) ASSERT_LT(++written, 1000);  // 64 MB: far more than the sockets' own buffers hold
  EXPECT_TRUE(gone.wait());
  EXPECT_GE(written, 15);  // 15 pieces and their frames fit below the bound, 16 do not
  EXPECT_TRUE(eventually([&] { return server.http.counts().open_connections == 0; }));
}

TEST(HttpServer, cuts_a_reader_that_takes_nothing_for_too_long) {
  Desk desk;
  Server server(desk.handle(), {.max_queued_bytes = 256u << 20, .write_timeout = 50ms});
  Client client(server.port, 4096);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  exchange->begin(200, {});
  EXPECT_TRUE(exchange->write(std::string(64 << 20, 'x')));
  EXPECT_TRUE(gone.wait());
}

TEST(HttpServer, an_exchange_that_is_dropped_answers_500_or_breaks_its_stream) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send(kGet);
  desk.take(0).reset();
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(Json::parse(reply.body)["error"]["type"], "server_error");
  client.send(kGet);
  {
    const ExchangePtr exchange = desk.take(1);
    exchange->begin(200, {});
    exchange->write("half");
    EXPECT_EQ(client.head().status, 200);
    EXPECT_EQ(client.chunk(), "half");
  }
  EXPECT_EQ(client.rest(), "") << "no last chunk: the client must see that the answer is not whole";
}

TEST(HttpServer, a_failing_handler_becomes_its_error_and_a_foreign_one_tells_nothing) {
  Server server([](ServerRequest request, ExchangePtr) {
    if (request.path == "/ours") throw Error(Code::kNotFound, "no model 'x'");
    throw std::runtime_error("secret detail");
  });
  Client client(server.port);
  const Reply ours = client.ask("GET /ours HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(ours.status, 404);
  EXPECT_EQ(Json::parse(ours.body),
            (Json{{"error", {{"message", "no model 'x'"}, {"type", "invalid_request_error"}, {"code", "not_found"}}}}));
  const Reply foreign = client.ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(foreign.status, 500);
  EXPECT_EQ(foreign.body.find("secret"), std::string::npos);
}

// --- admission ---

std::optional<ServerResponse> admit_good(const ServerRequest& request) {
  EXPECT_TRUE(request.body.empty());
  if (request.path == "/throws") throw Error(Code::kRateLimited, "slow down");
  if (request.header("authorization") == "Bearer good") return std::nullopt;
  return ServerResponse{401, {}, "no"};
}

TEST(HttpServer, admission_sees_the_head_alone_and_its_refusal_leaves_the_body_unread) {
  Desk desk;
  Server server(desk.handle(), {}, admit_good);
  Client client(server.port);
  // The body is announced and never sent: the answer must not wait for it.
  const Reply reply = client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.headers.at("Connection"), "close");
  EXPECT_TRUE(client.closed());
  Client head(server.port);
  EXPECT_EQ(head.ask("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n").status, 429);
  EXPECT_EQ(desk.count(), 0);
  EXPECT_EQ(server.http.counts().refused, 1u);
  Client good(server.port);
  good.send("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n");
  desk.take(0)->send({200, {}, "in"});
  EXPECT_EQ(good.read().body, "in");
}

TEST(HttpServer, a_refused_client_sees_the_answer_though_it_keeps_sending) {
  Server server(echo, {}, admit_good);
  Client client(server.port);
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"));
  client.send(std::string(900000, 'x'));
  EXPECT_EQ(client.read().status, 401);
}

TEST(HttpServer, says_100_continue_only_to_a_request_that_is_let_in) {
  Server server(echo, {.max_body_bytes = 100}, admit_good);
  const std::string expect = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
  Client good(server.port);
  good.send(expect + "Authorization: Bearer good\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(good.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  good.send("hello");
  EXPECT_EQ(Json::parse(good.read().body)["body"], "hello");
  Client bad(server.port);
  EXPECT_EQ(bad.ask(expect + "Content-Length: 5\r\n\r\n").status, 401);
  Client large(server.port);
  EXPECT_EQ(large.ask(expect + "Authorization: Bearer good\r\nContent-Length: 101\r\n\r\n").status, 413);
}

// --- connections ---

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
  EXPECT_EQ(server.http.counts().open_requests, 0u);
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
  Server server(echo, {.head_timeout = 40ms, .body_timeout = 40ms});
  Client head(server.port);
  EXPECT_EQ(head.ask("GET / HTTP/1.1\r\nHost").status, 408);
  EXPECT_TRUE(head.closed());
  Client body(server.port);
  EXPECT_EQ(body.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel").status, 408);
  EXPECT_TRUE(body.closed());
}

TEST(HttpServer, an_idle_connection_is_closed_without_a_word) {
  Server server(echo, {.head_timeout = 40ms});
  Client fresh(server.port), used(server.port);
  EXPECT_EQ(used.ask(kGet).status, 200);
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_EQ(server.http.counts().bad_requests, 0u);
}

TEST(HttpServer, a_head_that_trickles_in_is_bounded_as_a_whole) {
  Server server(echo, {.head_timeout = 60ms});
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
