// net::Client with WebSockets, against a host made of Boost.Beast's other half and one that says bytes.

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <thread>

#include "net/client.h"
#include "net/test_certificate.h"
#include "net/test_upstream.h"

namespace shenbi::net {
namespace {

using namespace std::literals;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using testing::Folder;
using testing::Heard;
using testing::RawUpstream;
using Stream = websocket::stream<tcp::socket>;

std::string read(Stream& stream) {
  beast::flat_buffer buffer;
  error_code failed;
  stream.read(buffer, failed);
  return failed ? "error: " + failed.message() : beast::buffers_to_string(buffer.data());
}

void write(Stream& stream, const std::string& text) {
  error_code ignored;
  stream.write(asio::buffer(text), ignored);
}

// Agrees to one conversation after the other and does with it what the test says; then hangs up.
class Host {
 public:
  using Talk = std::function<void(Stream&, const beast::http::request<beast::http::string_body>&)>;
  explicit Host(Talk talk) : talk_(std::move(talk)), thread_([this] { run(); }) {}
  ~Host() {
    stopping_ = true;
    error_code ignored;
    tcp::socket(io_).connect(acceptor_.local_endpoint(), ignored);  // wakes accept()
    thread_.join();
  }
  std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/v4.0/chat?key=sk-secret";
  }

 private:
  void run() {
    while (true) {
      tcp::socket socket = acceptor_.accept();
      if (stopping_) return;
      beast::flat_buffer buffer;
      beast::http::request<beast::http::string_body> request;
      error_code failed;
      beast::http::read(socket, buffer, request, failed);
      Stream stream(std::move(socket));
      if (!failed) stream.accept(request, failed);
      if (!failed) talk_(stream, request);
    }
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::atomic<bool> stopping_{false};
  Talk talk_;
  std::thread thread_;
};

void farewell(Stream& stream, websocket::close_reason why = websocket::close_code::normal) {
  error_code ignored;
  stream.close(why, ignored);
}

// Until the other side is gone.
void wait_gone(Stream& stream) {
  while (!read(stream).starts_with("error")) {
  }
}

TEST(WebSocket, the_body_is_one_message_and_each_answer_is_one_piece) {
  std::string asked, target, header;
  Host host([&](Stream& stream, const auto& request) {
    target = std::string(request.target());
    header = std::string(request["X-Key"]);
    asked = read(stream);
    for (const char* text : {"one", "two", "three"}) write(stream, text);
    farewell(stream);
  });
  Client client;
  Heard heard;
  std::vector<std::string> pieces;
  ClientEvents events = heard.events();
  events.on_body = [&pieces, next = events.on_body](std::string_view bytes) {
    pieces.emplace_back(bytes);
    next(bytes);
  };
  client.start({.url = host.url(), .headers = {{"X-Key", "k"}}, .body = "what?"}, std::move(events));
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.status(), 101);
  EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(asked, "what?");
  EXPECT_EQ(target, "/v4.0/chat?key=sk-secret");
  EXPECT_EQ(header, "k");
}

TEST(WebSocket, a_message_in_fragments_with_a_ping_inside_is_one_piece_and_the_ping_is_answered) {
  std::string pong(2 + 4 + 13, '\0');  // head, mask, text
  Host host([&](Stream& stream, const auto&) {
    read(stream);
    error_code ignored;
    stream.write_some(false, asio::buffer("half "s), ignored);
    stream.ping("are you there", ignored);
    asio::read(stream.next_layer(), asio::buffer(pong), ignored);
    stream.write_some(true, asio::buffer("whole"s), ignored);
    farewell(stream);
  });
  Client client;
  Heard heard;
  client.start({.url = host.url()}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.body(), "half whole");
  EXPECT_EQ(pong.substr(0, 2), "\x8A\x8D");
  for (size_t i = 0; i < 13; ++i) pong[6 + i] = static_cast<char>(pong[6 + i] ^ pong[2 + i % 4]);
  EXPECT_EQ(pong.substr(6), "are you there");
}

TEST(WebSocket, a_host_that_does_not_agree_has_answered_over_http) {
  RawUpstream upstream(
      "HTTP/1.1 401 Unauthorized\r\nDate: Mon, 23 Nov 2026 06:00:00 GMT\r\nContent-Length: 21\r\n\r\n"
      "{\"message\":\"too old\"}");
  Client client;
  Heard heard;
  client.start({.url = upstream.url("ws")}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.status(), 401);
  EXPECT_EQ(heard.header("date"), "Mon, 23 Nov 2026 06:00:00 GMT");
  EXPECT_EQ(heard.body(), R"({"message":"too old"})");
}

TEST(WebSocket, codes_of_a_farewell_other_than_1000_are_errors_with_their_reason) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    farewell(stream, {websocket::close_code::policy_error, "quota is used up"});
  });
  Client client;
  Heard heard;
  client.start({.url = host.url()}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: the host closed the socket with code 1008: quota is used up");
  EXPECT_EQ(heard.code(), Code::kUpstream);
}

TEST(WebSocket, an_answer_without_a_farewell_was_cut) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    write(stream, "half");
  });
  Client client;
  Heard heard;
  client.start({.url = host.url()}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: the answer was cut after 4 bytes");
}

TEST(WebSocket, what_is_no_upgrade_and_what_are_no_frames_is_told) {
  const std::string agreed = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  for (const std::string& answer : {"220 smtp.example ready\r\n"s, agreed + "\r\n",
                                    agreed + "Sec-WebSocket-Accept: not ours\r\n\r\n", "HTTP/1.1 200 OK\r\n"s}) {
    RawUpstream upstream(answer);
    Client client;
    Heard heard;
    client.start({.url = upstream.url("ws")}, heard.events());
    EXPECT_NE(heard.error().find("127.0.0.1: "), std::string::npos) << answer;
    EXPECT_EQ(heard.code(), Code::kUpstream) << answer << heard.error();
    EXPECT_EQ(heard.error().find("sk-secret"), std::string::npos);
  }
  const auto frame = [](std::initializer_list<int> bytes) { return std::string(bytes.begin(), bytes.end()); };
  for (const std::string& bytes :
       {frame({0x83, 1, 'x'}), frame({0xF1, 1, 'x'}), frame({0x80, 1, 'x'}), frame({0x81, 0x81, 1, 2, 3, 4, 5}),
        frame({0x09, 1, 'x'}), frame({0x81, 2, 0xC3, 0x28}), frame({0x88, 1, 3})}) {
    Host host([&](Stream& stream, const auto&) {
      read(stream);
      error_code ignored;
      asio::write(stream.next_layer(), asio::buffer(bytes), ignored);
      wait_gone(stream);
    });
    Client client;
    Heard heard;
    client.start({.url = host.url()}, heard.events());
    EXPECT_NE(heard.error().find("the answer is no WebSocket"), std::string::npos) << heard.error();
  }
}

TEST(WebSocket, a_message_longer_than_any_answer_is_refused_by_its_length_alone) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    const std::string head("\x81\x7F\x00\x00\x00\x40\x00\x00\x00\x00 and no more", 22);
    error_code ignored;
    asio::write(stream.next_layer(), asio::buffer(head), ignored);
    wait_gone(stream);
  });
  Client client;
  Heard heard;
  client.start({.url = host.url()}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: a message is longer than 16777216 bytes");
}

TEST(WebSocket, all_messages_together_are_bounded_too) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    for (int i = 0; i < 100; ++i) write(stream, std::string(100, 'x'));
    wait_gone(stream);
  });
  Client client;
  Heard heard;
  client.start({.url = host.url(), .max_bytes = 1000}, heard.events());
  EXPECT_EQ(heard.error(), "127.0.0.1: the answer is longer than 1000 bytes");
}

TEST(WebSocket, silence_is_bounded_in_every_phase) {
  RawUpstream silent("", /*close=*/false);
  Client client;
  Heard head;
  client.start({.url = silent.url("ws"), .head_timeout = 50ms}, head.events());
  EXPECT_EQ(head.error(), "127.0.0.1: timed out while waiting for the answer: no upgrade within 0.05 s");

  Host host([](Stream& stream, const auto&) {
    read(stream);
    write(stream, "one");
    wait_gone(stream);
  });
  Heard idle;
  client.start({.url = host.url(), .idle_timeout = 50ms}, idle.events());
  EXPECT_EQ(idle.error(), "127.0.0.1: timed out inside the answer: no message for 0.05 s");
  EXPECT_EQ(idle.body(), "one");
  Heard answer;
  client.start({.url = host.url(), .answer_timeout = 50ms}, answer.events());
  EXPECT_EQ(answer.error(), "127.0.0.1: timed out while waiting for the answer: no word within 0.05 s");
}

TEST(WebSocket, pings_are_no_sign_of_an_answer) {
  std::atomic<bool> gone{false};
  Host host([&](Stream& stream, const auto&) {
    read(stream);
    error_code failed;
    while (!failed && !gone) stream.ping("", failed);
  });
  Client client;
  Heard heard;
  client.start({.url = host.url(), .idle_timeout = 50ms}, heard.events());
  EXPECT_NE(heard.error().find("no message for 0.05 s"), std::string::npos) << heard.error();
  gone = true;
}

TEST(WebSocket, a_cancelled_call_ends_and_its_host_sees_it_leave) {
  std::atomic<bool> left{false};
  Host host([&](Stream& stream, const auto&) {
    read(stream);
    write(stream, "one");
    wait_gone(stream);
    left = true;
    left.notify_all();
  });
  Client client;
  Heard heard;
  const auto call = client.start({.url = host.url()}, heard.events());
  EXPECT_TRUE(heard.wait_bytes(3));
  call->cancel();
  call->cancel();
  EXPECT_EQ(heard.code(), Code::kCancelled);
  left.wait(false);
}

TEST(WebSocket, a_pause_holds_messages_back_until_it_goes_on) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    for (int i = 0; i < 100; ++i) write(stream, "x");
    farewell(stream);
  });
  Client client;
  Heard heard;
  std::shared_ptr<ClientCall> call;
  std::mutex mutex;
  ClientEvents events = heard.events();
  events.on_body = [&, next = events.on_body](std::string_view bytes) {
    const std::lock_guard lock(mutex);
    if (heard.bytes() == 0) call->pause();
    next(bytes);
  };
  {
    const std::lock_guard lock(mutex);
    call = client.start({.url = host.url()}, std::move(events));
  }
  EXPECT_TRUE(heard.wait_bytes(1));
  EXPECT_EQ(heard.bytes(), 1u);
  EXPECT_FALSE(heard.ended());
  call->resume();
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.bytes(), 100u);
}

TEST(WebSocket, private_addresses_are_refused_where_only_public_ones_are_meant) {
  Host host([](Stream&, const auto&) { ADD_FAILURE() << "connected"; });
  Client client;
  Heard heard;
  client.start({.url = host.url(), .public_only = true}, heard.events());
  EXPECT_EQ(heard.code(), Code::kInvalidArgument);
  EXPECT_NE(heard.error().find("private network"), std::string::npos);
}

TEST(WebSocket, a_port_where_nobody_listens_is_told) {
  std::string url;
  {
    url = Host([](Stream&, const auto&) {}).url();
  }
  Client client;
  Heard heard;
  client.start({.url = url}, heard.events());
  EXPECT_NE(heard.error().find("refused"), std::string::npos) << heard.error();
  EXPECT_EQ(heard.error().find("sk-secret"), std::string::npos);
}

TEST(WebSocket, headers_that_frame_the_upgrade_are_refused) {
  Client client;
  for (const char* name : {"Sec-WebSocket-Key", "Upgrade", "Connection", "bad name"}) {
    EXPECT_THROW(client.start({.url = "ws://127.0.0.1:1/", .headers = {{name, "x"}}}, {}), Error) << name;
  }
  EXPECT_THROW(client.start({.url = "wsx://127.0.0.1:1/"}, {}), Error);
  EXPECT_THROW(client.start({.url = "ws://127.0.0.1:1/", .headers = {{"A", "b\r\nC: d"}}}, {}), Error);
}

TEST(WebSocket, what_the_receiver_throws_ends_the_exchange) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    write(stream, "x");
    wait_gone(stream);
  });
  Client client;
  Heard heard;
  ClientEvents events = heard.events();
  events.on_body = [](std::string_view) { throw std::runtime_error("too much"); };
  client.start({.url = host.url()}, std::move(events));
  EXPECT_EQ(heard.code(), Code::kInternal);
}

TEST(WebSocket, a_client_that_closes_tells_every_end_and_handles_outlive_it) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    write(stream, "x");
    wait_gone(stream);
  });
  Heard heard;
  std::shared_ptr<ClientCall> call;
  {
    Client client;
    call = client.start({.url = host.url()}, heard.events());
    EXPECT_TRUE(heard.wait_bytes(1));
  }
  EXPECT_TRUE(heard.ended());
  EXPECT_EQ(heard.code(), Code::kCancelled);
  call->cancel();
  call->resume();
}

TEST(WebSocket, after_end_all_every_exchange_ends_with_its_reason) {
  Host host([](Stream& stream, const auto&) {
    read(stream);
    write(stream, "x");
    wait_gone(stream);
  });
  Client client;
  Heard running, later;
  client.start({.url = host.url()}, running.events());
  EXPECT_TRUE(running.wait_bytes(1));
  client.end_all(Error(Code::kUnavailable, "the server is going down"));
  EXPECT_EQ(running.error(), "the server is going down");
  client.start({.url = host.url()}, later.events());
  EXPECT_EQ(later.error(), "the server is going down");
}

TEST(WebSocket, speaks_tls_with_hosts_whose_certificate_it_trusts_alone) {
  Folder folder;
  testing::make_certificate(folder / "cert.pem", folder / "key.pem");
  asio::io_context io;
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.use_certificate_chain_file(folder / "cert.pem");
  tls.use_private_key_file(folder / "key.pem", asio::ssl::context::pem);
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  std::thread host([&] {
    for (int i = 0; i < 2; ++i) {
      websocket::stream<asio::ssl::stream<tcp::socket>> stream(acceptor.accept(), tls);
      error_code failed;
      stream.next_layer().handshake(asio::ssl::stream_base::server, failed);
      if (failed) continue;
      stream.accept(failed);
      beast::flat_buffer buffer;
      stream.read(buffer, failed);
      stream.write(buffer.data(), failed);
      stream.close(websocket::close_code::normal, failed);
    }
  });
  const std::string url = "wss://localhost:" + std::to_string(acceptor.local_endpoint().port()) + "/";
  Client trusting({.ca_file = folder / "cert.pem"}), wary;
  Heard heard, refused;
  trusting.start({.url = url, .body = "secret"}, heard.events());
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.body(), "secret");
  wary.start({.url = url, .body = "secret"}, refused.events());
  EXPECT_NE(refused.error().find("certificate"), std::string::npos) << refused.error();
  host.join();
}

}  // namespace
}  // namespace shenbi::net
