// The server over real sockets: requests and whole answers, and admission.

#include "net/server.h"

#include <map>
#include <memory>
#include <vector>

#include "base/error.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;

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

}  // namespace
}  // namespace shenbi::net
