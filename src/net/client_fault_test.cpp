// The client where things go wrong: upstreams that refuse, hang, cut and lie, and callers that change their mind.

#include "base/json.h"
#include "net/client.h"
#include "net/test_upstream.h"

namespace shenbi::net {
namespace {

using testing::Desk;
using testing::eventually;
using testing::Heard;
using testing::RawUpstream;
using testing::Server;
using testing::Signal;
using testing::url_of;
using namespace std::chrono_literals;

std::string refusal(ClientRequest request) {
  Client client;
  try {
    client.start(std::move(request), {});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "sent";
}

TEST(HttpClient, refuses_what_would_break_a_request_and_never_shows_a_value) {
  const auto header = [](std::string name, std::string value) {
    return refusal({.url = "http://127.0.0.1:1/", .headers = {{std::move(name), std::move(value)}}});
  };
  EXPECT_EQ(header("Authorization", "Bearer sk-secret\r\nX-Evil: 1"),
            "header 'Authorization': its value has a control character");
  EXPECT_EQ(header("Authorization", std::string("sk-secret\0x", 11)),
            "header 'Authorization': its value has a control character");
  EXPECT_EQ(header("X\r\nEvil", "1"), "header 'X??Evil': this is no header name");
  EXPECT_EQ(header("X:Y", "1"), "header 'X:Y': this is no header name");
  EXPECT_EQ(header("", "1"), "header '': this is no header name");
  EXPECT_EQ(header("Content-Length", "5"),
            "header 'Content-Length': how the message is framed is not the caller's to say");
  EXPECT_EQ(header("transfer-encoding", "chunked"),
            "header 'transfer-encoding': how the message is framed is not the caller's to say");
  const std::string unreadable = "url: the address cannot be read; expected https://host/path";
  for (const char* url :
       {"", "not a url", "http://", "http://host:99999/", "http://a b/?key=sk-secret", "http://host/\r\nX-Evil: 1"}) {
    EXPECT_EQ(refusal({.url = url}), unreadable) << url;
  }
  EXPECT_EQ(refusal({.url = "file:///etc/passwd"}), "url: 'file' is neither http nor https");
  EXPECT_EQ(refusal({.url = "ftp://host/x"}), "url: 'ftp' is neither http nor https");
  EXPECT_EQ(refusal({.method = "GET /\r\n", .url = "http://host/"}), "method 'GET /\?\?': this is no method");
}

TEST(HttpClient, names_the_host_that_refuses_a_connection) {
  uint16_t port = 0;
  {
    Server gone;
    port = gone.port;
  }
  Client client;
  Heard heard;
  client.start({.url = url_of(port, "/?key=sk-secret")}, heard.events());
  EXPECT_TRUE(heard.error().starts_with("127.0.0.1: the connection was refused or failed (")) << heard.error();
  EXPECT_EQ(heard.error().find("sk-secret"), std::string::npos);
  EXPECT_EQ(heard.code(), Code::kUpstream);
  EXPECT_EQ(heard.status(), 0);
}

TEST(HttpClient, names_a_host_that_does_not_exist) {
  Client client;
  Heard heard;
  client.start({.url = "http://no-such-host.invalid/"}, heard.events());
  EXPECT_EQ(heard.error(), "no-such-host.invalid: there is no such host");
}

TEST(HttpClient, a_handshake_that_never_ends_times_out_as_connecting) {
  RawUpstream upstream("", false);  // speaks no TLS, says nothing
  Client client;
  Heard heard;
  client.start({.url = upstream.url("https"), .connect_timeout = 30ms}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: timed out while connecting: no connection within 0.03 s");
  EXPECT_EQ(heard.code(), Code::kUpstream);
}

TEST(HttpClient, an_upstream_that_does_not_answer_times_out_before_the_head) {
  Desk desk;
  Server server(desk.handle());
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port), .head_timeout = 200ms}, heard.events());
  const ExchangePtr exchange = desk.take(0);
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  EXPECT_EQ(heard.error(), "127.0.0.1: timed out while waiting for the answer: no status line within 0.2 s");
  EXPECT_TRUE(gone.wait()) << "the upstream is told by the closed connection";
}

TEST(HttpClient, a_stream_that_falls_silent_times_out_and_one_that_is_slow_does_not) {
  Desk desk;
  Server server(desk.handle());
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port), .idle_timeout = 1s}, heard.events());
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  for (size_t i = 1; i <= 8; ++i) {  // longer altogether than the timeout, which each byte sets back
    exchange->write("x");
    ASSERT_TRUE(heard.wait_bytes(i));
    std::this_thread::sleep_for(150ms);
  }
  EXPECT_EQ(heard.error(), "127.0.0.1: timed out inside the answer: no byte for 1 s after 8 bytes");
}

TEST(HttpClient, an_answer_that_is_cut_is_no_complete_answer) {
  const std::pair<const char*, const char*> cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", "127.0.0.1: the answer was cut after 10 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
       "127.0.0.1: the answer was cut after 5 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "127.0.0.1: the answer was cut after 3 bytes"},
      {"HTTP/1.1 200 OK\r\nX-Half: ", "127.0.0.1: the connection was closed without an answer"},
      {"", "127.0.0.1: the connection was closed without an answer"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "127.0.0.1: the answer is no HTTP"},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
       "127.0.0.1: the compressed answer is damaged after 0 bytes"},
  };
  Client client;
  for (const auto& [answer, expected] : cases) {
    RawUpstream upstream(answer);
    Heard heard;
    client.start({.url = upstream.url(), .headers = {{"Authorization", "Bearer sk-secret"}}}, heard.events());
    EXPECT_EQ(heard.error(), expected) << answer;
    EXPECT_EQ(heard.code(), Code::kUpstream);
  }
}

TEST(HttpClient, an_upstream_that_breaks_its_stream_off_is_told_from_one_that_ends_it) {
  Desk desk;
  Server server(desk.handle());
  Client client;
  Heard heard;
  client.start({.url = url_of(server.port)}, heard.events());
  {
    const ExchangePtr exchange = desk.take(0);
    exchange->begin(200, {});
    exchange->write("data: half");
    ASSERT_TRUE(heard.wait_bytes(10));
  }
  EXPECT_EQ(heard.error(), "127.0.0.1: the answer was cut after 10 bytes");
}

TEST(HttpClient, bounds_the_head_and_the_body) {
  Client client;
  {
    RawUpstream upstream("HTTP/1.1 200 OK\r\nX-Long: " + std::string(80 << 10, 'x') + "\r\n\r\n");
    Heard heard;
    client.start({.url = upstream.url()}, heard.events());
    EXPECT_EQ(heard.error(), "127.0.0.1: the head of the answer is longer than 65536 bytes");
  }
  Server server([](ServerRequest, ExchangePtr exchange) { exchange->send({200, {}, std::string(100'000, 'x')}); });
  Heard heard;
  client.start({.url = url_of(server.port), .max_bytes = 50'000}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: the answer is longer than 50000 bytes");
  EXPECT_LE(heard.bytes(), 50'000u);
}

TEST(HttpClient, cancel_inside_the_answer_ends_it_and_tells_the_upstream) {
  Desk desk;
  Server server(desk.handle());
  Client client;
  Heard heard;
  const auto call = client.start({.url = url_of(server.port)}, heard.events());
  const ExchangePtr exchange = desk.take(0);
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  exchange->begin(200, {});
  exchange->write("data: 1\n\n");
  ASSERT_TRUE(heard.wait_bytes(9));
  call->cancel();
  call->cancel();
  EXPECT_EQ(heard.error(), "127.0.0.1: cancelled");
  EXPECT_EQ(heard.code(), Code::kCancelled);
  EXPECT_TRUE(gone.wait());
  call->cancel();
  call->pause();
  call->resume();
}

TEST(HttpClient, nothing_comes_after_a_cancel_from_inside_a_callback) {
  Server server([](ServerRequest, ExchangePtr exchange) { exchange->send({200, {}, std::string(1 << 20, 'x')}); });
  Client client;
  Heard heard;
  std::shared_ptr<ClientCall> call;
  std::atomic<bool> known{false};
  int pieces = 0;
  heard.in_body([&] {
    while (!known) std::this_thread::yield();
    ++pieces;
    call->cancel();
  });
  call = client.start({.url = url_of(server.port)}, heard.events());
  known = true;
  EXPECT_EQ(heard.code(), Code::kCancelled);
  EXPECT_EQ(pieces, 1);
}

TEST(HttpClient, ending_all_tells_every_exchange_why_and_begins_nothing_more) {
  Desk desk;
  Server server(desk.handle());
  RawUpstream silent("", false);
  Client client({.threads = 2});
  std::vector<Heard> heard(4);
  client.start({.url = url_of(server.port)}, heard[0].events());
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  exchange->write("data: 1\n\n");
  ASSERT_TRUE(heard[0].wait_bytes(9));
  client.start({.url = silent.url()}, heard[1].events());
  client.end_all(Error(Code::kUnavailable, "the end"));
  for (size_t i : {2, 3}) client.start({.url = url_of(server.port)}, heard[i].events());
  for (Heard& one : heard) {
    EXPECT_EQ(one.error(), "the end");
    EXPECT_EQ(one.code(), Code::kUnavailable);
  }
}

TEST(HttpClient, cancelled_at_any_moment_every_exchange_ends_once) {
  Server server([](ServerRequest, ExchangePtr exchange) {
    exchange->begin(200, {});
    for (int i = 0; i < 20; ++i) exchange->write("data: x\n\n");
    exchange->end();
  });
  Client client({.threads = 2});
  std::vector<Heard> heard(300);
  for (size_t i = 0; i < heard.size(); ++i) {
    const auto call = client.start({.url = url_of(server.port)}, heard[i].events());
    if (i % 3 == 0) call->cancel();
    if (i % 3 == 1) heard[i].wait_bytes(1), call->cancel();
  }
  for (size_t i = 0; i < heard.size(); ++i) {
    const auto code = heard[i].code();
    if (i % 3 == 2) {
      EXPECT_EQ(code, std::nullopt);
    } else if (code) {  // else it was complete before
      EXPECT_EQ(code, Code::kCancelled);
    }
  }
}

TEST(HttpClient, a_paused_exchange_leaves_the_bytes_to_the_upstream_and_loses_none) {
  constexpr size_t kPiece = 64 << 10, kTotal = 64 << 20;
  Desk desk;
  Server server(desk.handle(), {.max_queued_bytes = kTotal * 2, .write_timeout = 30s});
  Client client;
  Heard heard;
  std::shared_ptr<ClientCall> call;
  std::atomic<bool> known{false}, paused{false};
  heard.in_body([&] {
    while (!known) std::this_thread::yield();
    if (!paused.exchange(true)) call->pause();
  });
  call = client.start({.url = url_of(server.port), .idle_timeout = 1s}, heard.events());
  known = true;
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  for (size_t sent = 0; sent < kTotal; sent += kPiece) ASSERT_TRUE(exchange->write(std::string(kPiece, 'x')));
  exchange->end();
  ASSERT_TRUE(heard.wait_bytes(1));
  const size_t before = heard.bytes();
  std::this_thread::sleep_for(1500ms);  // longer than the idle timeout, which does not run now
  EXPECT_EQ(heard.bytes(), before) << "not one byte while paused";
  EXPECT_FALSE(heard.ended());
  call->resume();
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.bytes(), kTotal);
}

TEST(HttpClient, a_pause_reaches_the_upstream_as_back_pressure) {
  Desk desk;
  Server server(desk.handle(), {.max_queued_bytes = 1 << 20});
  Client client;
  Heard heard;
  const auto call = client.start({.url = url_of(server.port)}, heard.events());
  call->pause();
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {});
  const std::string piece(64 << 10, 'x');
  size_t written = 0;
  while (exchange->write(piece)) ASSERT_LT(++written, 1000u);  // 64 MB: far more than the sockets' own buffers hold
  EXPECT_EQ(heard.bytes(), 0u) << "paused before the first byte";
  call->resume();
  EXPECT_NE(heard.error(), "") << "the server gave up on it, inside the answer or before its head";
}

TEST(HttpClient, many_pauses_and_resumes_from_another_thread_lose_nothing) {
  constexpr size_t kTotal = 8 << 20;
  Server server([](ServerRequest, ExchangePtr exchange) { exchange->send({200, {}, std::string(kTotal, 'x')}); },
                {.max_queued_bytes = kTotal * 2});
  Client client;
  Heard heard;
  const auto call = client.start({.url = url_of(server.port)}, heard.events());
  while (!heard.ended()) {
    call->pause();
    call->resume();
  }
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.bytes(), kTotal);
}

TEST(HttpClient, a_receiver_that_throws_ends_its_own_exchange_alone) {
  Server server;
  Client client;
  for (const bool in_head : {true, false}) {
    Heard heard;
    ClientEvents events = heard.events();
    if (in_head) events.on_head = [](int, const Headers&) { throw std::runtime_error("no room"); };
    if (!in_head) events.on_body = [](std::string_view) { throw std::runtime_error("no room"); };
    client.start({.url = url_of(server.port)}, events);
    EXPECT_EQ(heard.error(), "127.0.0.1: the receiver of the answer failed: no room");
    EXPECT_EQ(heard.code(), Code::kInternal);
  }
  Heard next;
  client.start({.url = url_of(server.port)}, next.events());
  EXPECT_EQ(next.error(), "");
}

TEST(HttpClient, closing_it_ends_what_runs_and_handles_outlive_it) {
  Desk desk;
  Server server(desk.handle());
  std::vector<Heard> heard(50);
  std::vector<std::shared_ptr<ClientCall>> calls;
  {
    Client client({.threads = 2});
    for (Heard& one : heard) calls.push_back(client.start({.url = url_of(server.port)}, one.events()));
    for (size_t i = 0; i < heard.size() / 2; ++i) {
      const ExchangePtr exchange = desk.take(i);
      exchange->begin(200, {});
      exchange->write("data: half");
    }
  }
  for (Heard& one : heard) {
    EXPECT_TRUE(one.ended()) << "the destructor waited for it";
    EXPECT_NE(one.code(), std::nullopt);
  }
  for (const auto& call : calls) {
    call->pause();
    call->resume();
    call->cancel();
  }
}

}  // namespace
}  // namespace shenbi::net
