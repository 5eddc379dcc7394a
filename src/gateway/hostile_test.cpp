// Houses that hang, break off, babble and lie, asked both ways: in their own dialect and in ours.

#include "base/limits.h"
#include "base/retry_later.h"
#include "chat/passed_writer.h"
#include "gateway/test_house.h"
#include "net/test_upstream.h"

namespace shenbi::gateway {
namespace {

using net::testing::RawUpstream;

class HostileTest : public RouterTest, public testing::WithParamInterface<bool> {
 protected:
  CallPtr start(const std::string& model, EventSink sink) {
    if (!GetParam()) return router().chat(ask(model), std::move(sink));
    const std::string body = R"({"model":")" + model + R"(","stream":true,"messages":[]})";
    Passage passage{
        .body = std::make_shared<const std::string>(body), .peek = chat::peek_request(body), .tenant = "alice"};
    passage.translated = [this]() -> const chat::ChatRequest& { return words_; };
    passage.model = model;
    passage.stream = true;
    return router().pass(std::move(passage), [this](std::string_view bytes, bool) { wire_ += bytes; }, std::move(sink));
  }
  Event last(const std::string& model) {
    Heard heard;
    start(model, heard.sink());
    return heard.last();
  }
  void add_raw(const std::string& name, const RawUpstream& raw) {
    const std::string url = raw.url();
    upstreams.put({.name = name,
                   .house = "compatible",
                   .base_url = url.substr(0, url.find('?')),
                   .keys = {"sk-of-the-operator"},
                   .models = {"m"},
                   .private_network = true});
  }

  std::string wire_;

 private:
  chat::ChatRequest words_ = ask("");
};

INSTANTIATE_TEST_SUITE_P(Ways, HostileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "passed" : "translated"; });

const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

// Each byte is a piece of its own.
std::string byte_by_byte(const std::string& body) {
  std::string out = kStreamHead;
  for (const char c : body) out += std::string("1\r\n") + c + "\r\n";
  return out + "0\r\n\r\n";
}

// Holds every exchange open.
class Silent {
 public:
  explicit Silent(std::string first = "") : first_(std::move(first)) {}
  MockHouse::Answer answer() {
    return [this](const net::ServerRequest&, const net::ExchangePtr& exchange) {
      std::lock_guard lock(mutex_);
      if (!first_.empty()) {
        exchange->begin(200, {{"Content-Type", "text/event-stream"}});
        exchange->write(first_);
      }
      open_.push_back(exchange);
    };
  }

 private:
  const std::string first_;
  std::mutex mutex_;
  std::vector<net::ExchangePtr> open_;
};

TEST_P(HostileTest, one_that_says_nothing_is_left_for_the_next) {
  remote.first_timeout = 100ms;
  for (const std::string first :
       {"", ": I am here\n\n", "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"}) {
    Silent silence(first);
    MockHouse silent(silence.answer()), good(says("at last"));
    add("a", silent, {"m"}, {"k"}, 0);
    add("b", good, {"m"}, {"k"}, 1);
    Heard heard;
    start("m", heard.sink());
    EXPECT_EQ(heard.text(), "at last") << first;
    EXPECT_NE(attempts().end()[-2].error.find("timed out while waiting"), std::string::npos) << attempts()[0].error;
    upstreams.remove("a");  // its key rests
    start("b/m", [](Event) {});
  }
}

TEST_P(HostileTest, one_that_falls_silent_inside_its_answer_ends_it_and_nobody_else_is_asked) {
  remote.idle_timeout = 100ms;
  Silent silence(chunk(R"({"content":"twelve chars"})"));
  MockHouse silent(silence.answer()), other(says("again"));
  add("a", silent, {"m"}, {"k"}, 0);
  add("b", other, {"m"}, {"k"}, 1);
  const Event end = last("m");
  EXPECT_EQ(end.kind, Event::Kind::kError);
  EXPECT_NE(end.text.find("timed out inside the answer"), std::string::npos) << end.text;
  EXPECT_TRUE(other.requests().empty());
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 3u);  // it is counted: 12 / 4
}

TEST_P(HostileTest, how_long_one_may_be_silent_is_its_own_affair) {
  Silent silence;
  MockHouse silent(silence.answer());
  upstreams.put({.name = "a",
                 .house = "compatible",
                 .base_url = silent.url(),
                 .keys = {"k"},
                 .models = {"m"},
                 .first_timeout_s = 1,
                 .private_network = true});
  EXPECT_NE(last("a/m").text.find("within 1 s"), std::string::npos);
}

TEST_P(HostileTest, a_stream_may_come_in_any_pieces_with_any_line_ends) {
  const std::string body =
      ": hi\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"gr\xC3\xBC\xC3\x9F "
      "\xE4\xBD\xA0\xF0\x9F\x98\x80\"}}]}\r\n\r\n"
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\rdata: [DONE]\n\n";
  RawUpstream raw(byte_by_byte(body));
  add_raw("raw", raw);
  Heard heard;
  start("raw/m", heard.sink());
  EXPECT_EQ(heard.text(), "gr\xC3\xBC\xC3\x9F \xE4\xBD\xA0\xF0\x9F\x98\x80");
  EXPECT_EQ(heard.last().kind, Event::Kind::kFinish);
  EXPECT_EQ(wire_, GetParam() ? body : "");
}

TEST_P(HostileTest, lines_of_64_KB_and_more_come_through_and_those_beyond_the_bound_are_an_error) {
  const std::string long_line(64 << 10, 'x');
  MockHouse house(says(long_line));
  add("a", house);
  Heard heard;
  start("a/m", heard.sink());
  EXPECT_EQ(heard.text(), long_line);
  RawUpstream endless("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " +
                      std::string(limits::kMaxSseEventBytes + 1, 'x'));
  add_raw("endless", endless);
  EXPECT_EQ(last("endless/m").status, 502);
}

TEST_P(HostileTest, the_end_that_some_leave_out_is_found_in_the_last_word) {
  const std::string said = chunk(R"({"content":"hi"})");
  const std::string end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  for (const std::string& tail : {end, end.substr(0, end.size() - 2)}) {
    MockHouse house(
        [&](const net::ServerRequest&, const net::ExchangePtr& exchange) { stream(exchange, {said, tail}); });
    add("a", house);
    EXPECT_EQ(last("a/m").kind, Event::Kind::kFinish);
  }
  MockHouse cut([&](const net::ServerRequest&, const net::ExchangePtr& exchange) { stream(exchange, {said}); });
  add("a", cut);
  EXPECT_EQ(last("a/m").kind, Event::Kind::kError);
}

TEST_P(HostileTest, what_is_no_HTTP_or_no_answer_is_an_error_that_names_the_upstream) {
  for (const std::string answer :
       {"", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: \xff\xfe{\n\ndata: null\n\n"}) {
    RawUpstream raw(answer);
    add_raw("raw", raw);
    const Event end = last("raw/m");
    EXPECT_EQ(end.kind, Event::Kind::kError) << answer;
    EXPECT_GE(end.status, 500) << answer;
    EXPECT_TRUE(end.text.starts_with("raw: ")) << end.text;
    upstreams.remove("raw");
    EXPECT_EQ(last("tiny").kind, Event::Kind::kFinish);
  }
}

TEST_P(HostileTest, while_every_key_cools_down_the_shortest_wait_is_told) {
  MockHouse slow(fails(429, {{"Retry-After", "300"}})), quick(fails(429, {{"Retry-After", "20"}}));
  add("a", slow, {"m"}, {"k", "l"}, 0);
  add("b", quick, {"m"}, {"k"}, 1);
  EXPECT_EQ(last("a/m").index, 300u);
  EXPECT_EQ(last("b/m").index, 20u);
  try {
    last("m");
    FAIL() << "somebody was asked";
  } catch (const RetryLater& error) {
    EXPECT_EQ(error.code(), Code::kRateLimited);
    EXPECT_GT(error.wait(), 0s);
    EXPECT_LE(error.wait(), 20s);
  }
}

TEST_P(HostileTest, one_that_is_broken_and_not_busy_is_unavailable_while_it_rests) {
  MockHouse broken(fails(500));
  add("a", broken);
  EXPECT_EQ(last("a/m").status, 502);
  try {
    last("a/m");
    FAIL() << "it was asked again";
  } catch (const RetryLater& error) {
    EXPECT_EQ(error.code(), Code::kUnavailable);
  }
}

TEST_P(HostileTest, a_key_that_is_revoked_between_two_calls_or_inside_one_rests_and_the_other_answers) {
  std::atomic<int> asked{0};
  MockHouse house([&](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    const bool revoked = request.header("authorization") == "Bearer sk-revoked" && ++asked > 1;
    if (!revoked) return says("hi")(request, exchange);
    if (asked == 2) return fails(401)(request, exchange);
    stream(exchange,
           {chunk(R"({"role":"assistant"})"), "data: {\"error\":{\"message\":\"invalid api key\",\"code\":401}}\n\n"});
  });
  add("a", house, {"m"}, {"sk-revoked", "sk-good"});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(last("a/m").kind, Event::Kind::kFinish) << i;
  EXPECT_EQ(asked, 2) << "a key that was refused is asked no more";
}

TEST_P(HostileTest, nothing_that_stands_in_a_key_or_a_name_becomes_a_header) {
  MockHouse house(says("hi"));
  ::setenv("SHENBI_TEST_ODD_KEY", "sk-one\r\nX-Evil: 1", 1);
  add("a", house, {"m"}, {"env:SHENBI_TEST_ODD_KEY"});
  try {
    last("a/m");
    FAIL() << "it was sent";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("sk-one"), std::string::npos) << error.what();
  }
  EXPECT_THROW(last("a/m\r\nX-Evil: 1"), Error);
  EXPECT_TRUE(house.requests().empty());
}

TEST_P(HostileTest, a_house_that_repeats_our_key_does_not_show_it_to_our_caller) {
  const auto keeps = [&](const MockHouse::Answer& answer) {
    MockHouse house(answer);
    wire_.clear();
    add("a", house, {"m"}, {"sk-of-the-operator-0123456789"});
    const Event end = last("a/m");
    EXPECT_EQ(end.text.find("operator"), std::string::npos) << end.text;
    EXPECT_NE((end.text + wire_).find("****"), std::string::npos) << end.text;
    EXPECT_EQ(wire_.find("operator"), std::string::npos) << wire_;
    EXPECT_EQ(attempts().back().error.find("operator"), std::string::npos);
    upstreams.remove("a");
    last("tiny");
  };
  const auto echo = [](const net::ServerRequest& request) {
    return R"({"error":{"message":"no such key: )" + std::string(request.header("authorization")) + R"(","code":500}})";
  };
  keeps([&](const auto& request, const auto& exchange) {
    exchange->send({.status = 500, .headers = {}, .body = echo(request)});
  });
  keeps([&](const auto& request, const auto& exchange) { stream(exchange, {"data: " + echo(request) + "\n\n"}); });
  keeps([&](const auto& request, const auto& exchange) {
    stream(exchange, {chunk(R"({"content":"hi"})"), "data: " + echo(request) + "\n\n"});
  });
}

}  // namespace
}  // namespace shenbi::gateway
