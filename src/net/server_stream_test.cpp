// Answers that are made in pieces, by other threads, for clients that leave or do not read.

#include <algorithm>
#include <vector>

#include "base/computing_thread.h"
#include "base/error.h"
#include "net/server_conversation.h"
#include "net/test_client.h"

namespace shenbi::net {
namespace {

using namespace testing;

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

// Found by the fuzzer.
TEST(Conversation, the_end_of_input_behind_a_broken_stream_does_no_harm) {
  ServerShared shared;
  ExchangePtr exchange;
  shared.handle = [&](ServerRequest, ExchangePtr e) { exchange = std::move(e); };
  const Line line{.wake = std::make_shared<const std::function<void()>>([] {})};
  Conversation talk(shared, "127.0.0.1", line);
  talk.receive(kGet);
  exchange->begin(200, {});
  exchange.reset();
  std::string batch;
  EXPECT_EQ(talk.next(batch), Conversation::Next::kCut);
  talk.end_of_input();
  EXPECT_EQ(talk.next(batch), Conversation::Next::kCut);
  EXPECT_EQ(shared.open_requests, 0u);
}

// A socket that takes `room` bytes at once, and a loop that comes when it is called.
struct Wire {
  size_t room = SIZE_MAX;
  int wakes = 0;
  std::string past_the_loop;
  Line line{.wake = std::make_shared<const std::function<void()>>([this] { ++wakes; }),
            .send_now = [this](std::string_view bytes) {
              const size_t size = std::min(room, bytes.size());
              past_the_loop += bytes.substr(0, size);
              return size;
            }};
};

class CountingMaker final : public Maker {
 public:
  explicit CountingMaker(std::function<void()> say) : say_(std::move(say)) {}
  void make() override {
    ++calls;
    say_();
  }
  int calls = 0;

 private:
  std::function<void()> say_;
};

TEST(Answer, goes_past_a_loop_that_rests_and_leaves_it_what_the_socket_does_not_take) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  EXPECT_EQ(batch, "");  // now the loop rests
  answer.begin(200, {}, "", "one");
  EXPECT_TRUE(wire.past_the_loop.ends_with("\r\n\r\n3\r\none\r\n"));
  EXPECT_EQ(wire.wakes, 0);
  EXPECT_TRUE(answer.take_sent_now());
  EXPECT_FALSE(answer.take_sent_now());

  wire.room = 4;
  std::this_thread::sleep_for(200us);  // longer than what follows is gathered: else the loop would get all of it
  answer.write("three");
  EXPECT_TRUE(wire.past_the_loop.ends_with("one\r\n5\r\nt"));
  EXPECT_EQ(wire.wakes, 1);
  answer.write("four");  // the loop is on its way: nothing may overtake
  EXPECT_EQ(wire.wakes, 1);
  EXPECT_EQ(answer.take(batch), Answer::Progress::kOpen);
  EXPECT_EQ(batch, "hree\r\n4\r\nfour\r\n");
  std::this_thread::sleep_for(200us);
  answer.write("five");  // that batch is in the loop's hands
  EXPECT_TRUE(wire.past_the_loop.ends_with("5\r\nt"));
  answer.take(batch);
  EXPECT_EQ(batch, "4\r\nfive\r\n");
}

TEST(Answer, what_follows_at_once_gathers_for_the_loop) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  answer.begin(200, {}, "", "");
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    answer.write("again");
    expected += "5\r\nagain\r\n";
  }
  answer.end();
  expected += "0\r\n\r\n";
  EXPECT_EQ(wire.wakes, 1);
  EXPECT_EQ(answer.take(batch), Answer::Progress::kComplete);
  EXPECT_TRUE((wire.past_the_loop + batch).ends_with(expected));
}

TEST(Answer, a_whole_answer_past_the_loop_still_wakes_it_for_the_next_request) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  answer.send({200, {}, "done"});
  EXPECT_TRUE(wire.past_the_loop.ends_with("\r\n\r\ndone"));
  EXPECT_EQ(wire.wakes, 1);
  EXPECT_EQ(answer.take(batch), Answer::Progress::kComplete);
  EXPECT_EQ(batch, "");
}

TEST(Answer, a_thread_that_computes_sends_its_first_bytes_and_leaves_the_others_to_the_loop) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  std::thread([&] {
    this_thread_computes = true;
    answer.begin(200, {}, "", "one");
    EXPECT_TRUE(wire.past_the_loop.ends_with("one\r\n"));
    EXPECT_EQ(wire.wakes, 0);
    answer.write("two");
  }).join();
  EXPECT_FALSE(wire.past_the_loop.ends_with("two\r\n"));
  EXPECT_EQ(wire.wakes, 1);
}

TEST(Answer, a_maker_is_called_once_for_all_that_it_asked_before) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  answer.begin(200, {}, "", "");
  const auto maker = std::make_shared<CountingMaker>([&] { answer.write("made"); });
  EXPECT_TRUE(answer.ask(maker));
  EXPECT_TRUE(answer.ask(maker));
  EXPECT_EQ(wire.wakes, 1);
  EXPECT_EQ(maker->calls, 0);
  answer.let_speak();
  answer.let_speak();
  EXPECT_EQ(maker->calls, 1);
  answer.take(batch);
  EXPECT_TRUE(batch.ends_with("made\r\n"));
  EXPECT_TRUE(answer.ask(maker));
  answer.let_speak();
  EXPECT_EQ(maker->calls, 2);
}

TEST(Answer, a_maker_who_asked_is_called_when_the_client_leaves_and_none_is_taken_afterwards) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  answer.begin(200, {}, "", "");
  const auto maker = std::make_shared<CountingMaker>([&] { EXPECT_FALSE(answer.write("too late")); });
  EXPECT_TRUE(answer.ask(maker));
  answer.client_left();
  EXPECT_EQ(maker->calls, 1);
  EXPECT_FALSE(answer.ask(maker));
  answer.let_speak();
  EXPECT_EQ(maker->calls, 1);
}

TEST(HttpServer, a_maker_speaks_on_the_loop) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  std::thread::id spoke_on;
  Signal spoke;
  const auto maker = std::make_shared<CountingMaker>([&] {
    exchange->begin(200, {}, "", "made");
    exchange->end();
    spoke_on = std::this_thread::get_id();
    spoke.raise();
  });
  EXPECT_TRUE(exchange->ask(maker));
  EXPECT_EQ(client.read().body, "made");
  EXPECT_TRUE(spoke.wait());
  EXPECT_NE(spoke_on, std::this_thread::get_id());
}

TEST(HttpServer, a_maker_that_throws_breaks_its_answer_and_nothing_else) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port), other(server.port);
  client.send(kGet);
  const ExchangePtr exchange = desk.take(0);
  exchange->begin(200, {}, "", "half");
  Signal gone;
  exchange->on_gone([&] { gone.raise(); });
  EXPECT_TRUE(exchange->ask(std::make_shared<CountingMaker>([] { throw std::runtime_error("no words"); })));
  EXPECT_TRUE(gone.wait());
  other.send(kGet);
  desk.take(1)->send({200, {}, "well"});
  EXPECT_EQ(other.read().body, "well");
}

TEST(Answer, nothing_goes_past_the_loop_once_the_client_has_left) {
  Wire wire;
  Answer answer({}, 1 << 20, wire.line);
  std::string batch;
  answer.take(batch);
  answer.client_left();
  answer.begin(200, {}, "", "late");
  EXPECT_FALSE(answer.write("later"));
  EXPECT_EQ(wire.past_the_loop, "");
  EXPECT_EQ(wire.wakes, 0);
}

// 3,000,007 bytes of a pattern, in pieces of odd sizes; fails after `good` bytes.
class Pattern final : public BodySource {
 public:
  static constexpr uint64_t kBytes = 3'000'007;
  explicit Pattern(uint64_t good = kBytes) : good_(good) {}
  uint64_t bytes() const noexcept override { return kBytes; }
  std::string next(size_t most) override {
    if (at_ >= good_) throw Error(Code::kCorruptFile, "the disk went away");
    std::string piece(std::min<uint64_t>({most, 77'777, kBytes - at_}), ' ');
    for (char& c : piece) c = static_cast<char>('a' + at_++ % 26);
    return piece;
  }

 private:
  uint64_t good_, at_ = 0;
};

TEST(HttpServer, sends_a_body_that_is_not_in_memory_and_goes_on) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port, 4096);
  client.send(kGet);
  desk.take(0)->send({.status = 200, .headers = {}, .body = {}, .source = std::make_shared<Pattern>()});
  const Reply reply = client.read();
  ASSERT_EQ(reply.body.size(), Pattern::kBytes);
  bool equal = true;
  for (size_t i = 0; i < reply.body.size(); ++i) equal &= reply.body[i] == static_cast<char>('a' + i % 26);
  EXPECT_TRUE(equal);
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  desk.take(1)->send({.status = 200, .headers = {}, .body = {}, .source = std::make_shared<Pattern>(0)});
  client.send(kGet);
  desk.take(2)->send({200, {}, "next"});
  EXPECT_EQ(client.head().headers.at("Content-Length"), "3000007");
  EXPECT_EQ(client.read().body, "next");
}

TEST(HttpServer, cuts_the_connection_where_a_body_cannot_be_read_on) {
  Desk desk;
  Server server(desk.handle());
  Client client(server.port);
  client.send(kGet);
  desk.take(0)->send({.status = 200, .headers = {}, .body = {}, .source = std::make_shared<Pattern>(1'000'000)});
  EXPECT_EQ(client.head().headers.at("Content-Length"), "3000007");
  EXPECT_LT(client.rest().size(), 1'300'000u);
}

}  // namespace
}  // namespace shenbi::net
