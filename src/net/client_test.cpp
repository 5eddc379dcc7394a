// The client against our own server: what is sent, what comes back, on how many connections.

#include "net/client.h"

#include <atomic>

#include "base/json.h"
#include "net/test_certificate.h"
#include "net/test_upstream.h"

namespace shenbi::net {
namespace {

using testing::Desk;
using testing::eventually;
using testing::Folder;
using testing::Heard;
using testing::make_certificate;
using testing::RawUpstream;
using testing::Server;
using testing::Signal;
using testing::url_of;
using namespace std::chrono_literals;

TEST(HttpClient, sends_method_headers_and_body_and_hands_the_answer_on) {
  Server server;
  Client client;
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "GET"}) {
    Heard heard;
    client.start({.method = method,
                  .url = url_of(server.port, "/a%20b?x=1"),
                  .headers = {{"Authorization", "Bearer k"}, {"X-Empty", ""}, {"Content-Type", "application/json"}},
                  .body = "{\"a\": 1}"},
                 heard.events());
    ASSERT_EQ(heard.error(), "");
    EXPECT_EQ(heard.status(), 200);
    EXPECT_EQ(heard.header("content-type"), "application/json");
    const Json said = Json::parse(heard.body());
    EXPECT_EQ(said["method"], method);
    EXPECT_EQ(said["path"], "/a b");
    EXPECT_EQ(said["query"], "x=1");
    EXPECT_EQ(said["body"], "{\"a\": 1}");
    const auto has = [&](const char* name, const char* value) {
      return std::find(said["headers"].begin(), said["headers"].end(), Json{name, value}) != said["headers"].end();
    };
    EXPECT_TRUE(has("authorization", "Bearer k") && has("x-empty", "") && has("accept-encoding", "gzip")) << said;
  }
}

TEST(HttpClient, adds_no_content_type_and_no_expectation_of_its_own) {
  Server server;
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port), .body = std::string(2 << 20, 'x')}, heard.events());
  ASSERT_EQ(heard.error(), "");
  const Json said = Json::parse(heard.body());
  for (const Json& header : said["headers"]) {
    EXPECT_NE(header[0], "content-type");
    EXPECT_NE(header[0], "expect");
  }
  EXPECT_EQ(said["body"].get_ref<const std::string&>().size(), 2u << 20);
}

TEST(HttpClient, a_head_without_a_body_is_a_whole_answer) {
  RawUpstream upstream("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  Client client;
  Heard heard;
  client.start({.method = "HEAD", .url = upstream.url()}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.header("content-length"), "100");
}

TEST(HttpClient, reads_many_streams_at_once_each_in_order) {
  constexpr size_t kStreams = 200;
  Desk desk;
  Server server(desk.handle());
  Client client({.threads = 2});
  std::vector<Heard> heard(kStreams);
  for (Heard& one : heard) client.start({.url = url_of(server.port), .body = "{}"}, one.events());
  std::vector<ExchangePtr> exchanges;
  for (size_t i = 0; i < kStreams; ++i) exchanges.push_back(desk.take(i));
  std::string expected;
  for (const auto& exchange : exchanges) exchange->begin(200, {{"Content-Type", "text/event-stream"}});
  for (int event = 0; event < 50; ++event) {
    const std::string bytes = "data: " + std::to_string(event) + "\n\n";
    expected += bytes;
    for (const auto& exchange : exchanges) EXPECT_TRUE(exchange->write(bytes));
  }
  for (const auto& exchange : exchanges) exchange->end();
  for (Heard& one : heard) {
    EXPECT_EQ(one.error(), "");
    EXPECT_EQ(one.body(), expected);
  }
}

TEST(HttpClient, hands_on_each_piece_before_the_next_one_is_made) {
  Desk desk;
  Server server(desk.handle());
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port)}, heard.events());
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  for (size_t i = 1; i <= 20; ++i) {
    exchange->write("x");
    ASSERT_TRUE(heard.wait_bytes(i));
    EXPECT_EQ(heard.bytes(), i);
  }
  exchange->end();
  EXPECT_EQ(heard.error(), "");
}

// Each end starts the next exchange, from inside the callback.
TEST(HttpClient, ten_thousand_exchanges_share_their_connections) {
  constexpr int kExchanges = 10'000, kAtOnce = 32;
  Server server(
      [](ServerRequest request, ExchangePtr exchange) { exchange->send({200, {}, "answer to " + request.body}); });
  Client client;
  std::atomic<int> started{0}, right{0};
  Signal done;
  std::function<void()> next = [&] {
    const int number = started++;
    if (number >= kExchanges) return done.raise();
    const auto body = std::make_shared<std::string>();
    client.start({.url = url_of(server.port), .body = std::to_string(number)},
                 {.on_head = [](int status, const Headers&) { EXPECT_EQ(status, 200); },
                  .on_body = [body](std::string_view bytes) { *body += bytes; },
                  .on_end =
                      [&, body, number](const Error* error) {
                        if (!error && *body == "answer to " + std::to_string(number)) ++right;
                        next();
                      }});
  };
  for (int i = 0; i < kAtOnce; ++i) next();
  ASSERT_TRUE(done.wait(kAtOnce));
  EXPECT_EQ(right, kExchanges);
  EXPECT_LE(server.http.counts().connections, static_cast<uint64_t>(kAtOnce + 1));
}

TEST(HttpClient, a_connection_that_was_closed_while_idle_costs_only_a_new_one) {
  Server server(testing::echo, {.head_timeout = 300ms});
  Client client;
  for (int i = 0; i < 3; ++i) {
    Heard heard;
    client.start({.url = url_of(server.port), .body = "again"}, heard.events());
    EXPECT_EQ(heard.error(), "");
    EXPECT_TRUE(eventually([&] { return server.http.counts().open_connections == 0; }));
  }
}

TEST(HttpClient, more_exchanges_than_connections_wait_their_turn) {
  Desk desk;
  Server server(desk.handle());
  Client client({.max_connections_per_host = 1});
  Heard first, second, late;
  client.start({.url = url_of(server.port)}, first.events());
  const ExchangePtr exchange = desk.take(0);
  client.start({.url = url_of(server.port)}, second.events());
  client.start({.url = url_of(server.port), .connect_timeout = 20ms}, late.events());
  EXPECT_EQ(late.error(), "127.0.0.1: timed out while connecting: no connection within 0.02 s");
  EXPECT_EQ(desk.count(), 1);
  exchange->send({200, {}, "one"});
  EXPECT_EQ(first.error(), "");
  desk.take(1)->send({200, {}, "two"});
  EXPECT_EQ(second.error(), "");
  EXPECT_EQ(server.http.counts().connections, 1u);
}

TEST(HttpClient, a_redirect_is_handed_on_and_not_followed) {
  Server server([](ServerRequest, ExchangePtr exchange) {
    exchange->send({307, {{"Location", "http://127.0.0.1:1/elsewhere"}}, "moved"});
  });
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port), .headers = {{"Authorization", "Bearer k"}}}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.status(), 307);
  EXPECT_EQ(heard.header("location"), "http://127.0.0.1:1/elsewhere");
  EXPECT_EQ(heard.body(), "moved");
}

TEST(HttpClient, undoes_gzip_unless_the_caller_asked_for_it_itself) {
  // {"answer": "word word ..."}
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\xcc\x2b\x2e\x4f\x2d\x52\xb2\x52\x50\x2a\xcf\x2f\x4a\x51\x18"
      "\x06\x84\x52\x2d\x00\x72\xfc\xf9\x66\xd6\x00\x00\x00",
      41);
  Server server([&](ServerRequest, ExchangePtr exchange) {
    exchange->send({200, {{"Content-Encoding", "gzip"}, {"X-Kept", "yes"}}, packed});
  });
  Client client;
  Heard plain, raw;
  client.start({.url = url_of(server.port)}, plain.events());
  client.start({.url = url_of(server.port), .headers = {{"Accept-Encoding", "gzip"}}}, raw.events());
  EXPECT_EQ(plain.error(), "");
  EXPECT_EQ(plain.bytes(), 214u);
  EXPECT_TRUE(plain.body().starts_with("{\"answer\": \"word word "));
  EXPECT_EQ(plain.header("content-encoding") + plain.header("content-length"), "") << "they would be wrong now";
  EXPECT_EQ(plain.header("x-kept"), "yes");
  EXPECT_EQ(raw.error(), "");
  EXPECT_EQ(raw.body(), packed);
  EXPECT_EQ(raw.header("content-encoding"), "gzip");
}

TEST(HttpClient, passes_over_heads_of_status_1xx_and_trailers) {
  RawUpstream upstream(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n2\r\nhi\r\n0\r\nX-Trailer: t\r\n\r\n");
  Client client;
  Heard heard;
  client.start({.url = upstream.url()}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.status(), 200);
  EXPECT_EQ(heard.header("link"), "");
  EXPECT_EQ(heard.header("x-a"), "1");
  EXPECT_EQ(heard.body(), "hi");
}

TEST(HttpClient, speaks_tls_with_hosts_whose_certificate_it_trusts_alone) {
  Folder folder;
  make_certificate(folder / "cert.pem", folder / "key.pem");
  Server server(testing::echo, {.certificate_file = folder / "cert.pem", .key_file = folder / "key.pem"});
  const std::string url = "https://localhost:" + std::to_string(server.port) + "/v1";
  Client trusting({.ca_file = folder / "cert.pem"}), wary;
  for (int i = 0; i < 3; ++i) {
    Heard heard;
    trusting.start({.url = url, .body = "secret"}, heard.events());
    EXPECT_EQ(heard.error(), "");
    EXPECT_EQ(Json::parse(heard.body())["body"], "secret");
  }
  EXPECT_EQ(server.http.counts().connections, 1u);
  Heard refused;
  wary.start({.url = url, .body = "secret"}, refused.events());
  EXPECT_NE(refused.error().find("certificate"), std::string::npos) << refused.error();
  EXPECT_EQ(refused.code(), Code::kUpstream);
}

}  // namespace
}  // namespace shenbi::net
