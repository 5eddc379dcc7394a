// What is reserved before a try comes back with its row, whether a request is translated or passed on.

#include <map>

#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

// Each case is tried both ways.
class AdmissionTest : public RouterTest, public testing::WithParamInterface<bool> {
 protected:
  AdmissionTest() {
    admit = [this](const Attempt& attempt, const Need& need) {
      std::lock_guard lock(mutex_);
      if (attempt.upstream == refused_) throw Error(Code::kRateLimited, "no money for " + attempt.upstream);
      EXPECT_GT(attempt.started, 0);
      most_ = need.max_tokens.value_or(0) * need.answers;
      open_[++last_] = attempt.upstream;
      return last_;
    };
  }
  CallPtr start(const std::string& model, EventSink sink, const std::string& more = "") {
    if (!GetParam()) {
      auto request = ask(model);
      request.max_tokens = 50;
      return router().chat(std::move(request), std::move(sink));
    }
    const std::string body = R"({"model":")" + model + R"(","stream":true,"max_tokens":50,"messages":[])" + more + "}";
    Passage passage{
        .body = std::make_shared<const std::string>(body), .peek = chat::peek_request(body), .tenant = "alice"};
    passage.translated = [this]() -> const chat::ChatRequest& { return words_; };
    passage.model = model;
    passage.stream = true;
    return router().pass(std::move(passage), [](std::string_view, bool) {}, std::move(sink));
  }
  void refuse(const std::string& upstream) {
    std::lock_guard lock(mutex_);
    refused_ = upstream;
  }
  // All that was reserved has come back with the row of its upstream, each once.
  void expect_settled() {
    std::lock_guard lock(mutex_);
    for (const Attempt& attempt : attempts()) {
      EXPECT_EQ(open_[attempt.reservation], attempt.upstream);
      open_.erase(attempt.reservation);
      EXPECT_GT(attempt.started, 0);
      EXPECT_EQ(attempt.tenant, "alice");
    }
    EXPECT_TRUE(open_.empty());
  }
  uint64_t most() {
    std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  chat::ChatRequest words_ = ask("");
  std::mutex mutex_;
  std::string refused_;
  std::map<uint64_t, std::string> open_;
  uint64_t last_ = 0, most_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Ways, AdmissionTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "passed" : "translated"; });

TEST_P(AdmissionTest, a_whole_answer_settles_what_it_reserved) {
  MockHouse house(says("hi"));
  add("office", house);
  Heard heard;
  start("office/m", heard.sink());
  heard.wait();
  expect_settled();
  EXPECT_EQ(most(), 50u);
  EXPECT_EQ(attempts().at(0).outcome, Attempt::Outcome::kSettled);
}

TEST_P(AdmissionTest, a_stream_that_is_cut_settles_by_what_came) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {chunk(R"({"content":"twelve chars"})"), "data: {\"choi"});
  });
  add("office", house);
  Heard heard;
  start("office/m", heard.sink());
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  expect_settled();
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 6u);      // "hello": 5 / 4 and 4 for the message, rounded up
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 3u);  // 12 / 4
}

TEST_P(AdmissionTest, what_is_refused_asks_nobody_and_has_no_row) {
  MockHouse house(says("hi"));
  add("office", house);
  refuse("office");
  Heard heard;
  EXPECT_THROW(start("office/m", heard.sink()), Error);
  EXPECT_TRUE(house.requests().empty());
  EXPECT_TRUE(attempts().empty());
  expect_settled();
}

TEST_P(AdmissionTest, the_second_key_is_a_try_with_a_reservation_of_its_own) {
  MockHouse house([](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.header("authorization") == "Bearer bad") return fails(401)(request, exchange);
    says("hi")(request, exchange);
  });
  add("office", house, {"m"}, {"bad", "good"});
  for (int i = 0; i < 2; ++i) {  // whichever key comes first
    Heard heard;
    start("office/m", heard.sink());
    EXPECT_EQ(heard.text(), "hi");
  }
  ASSERT_EQ(attempts().size(), 3u);
  expect_settled();
}

TEST_P(AdmissionTest, a_fallback_reserves_anew) {
  MockHouse broken(fails(500)), good(says("hi"));
  add("a", broken, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  Heard heard;
  start("m", heard.sink());
  EXPECT_EQ(heard.text(), "hi");
  ASSERT_EQ(attempts().size(), 2u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[1].outcome, Attempt::Outcome::kSettled);
  expect_settled();
}

TEST_P(AdmissionTest, a_fallback_that_is_refused_is_the_end_and_nobody_else_is_asked) {
  MockHouse broken(fails(500)), dear(says("hi")), free(says("hi"));
  add("a", broken, {"m"}, {"k"}, 0);
  add("b", dear, {"m"}, {"k"}, 1);
  add("c", free, {"m"}, {"k"}, 2);
  refuse("b");
  Heard heard;
  start("m", heard.sink());
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  EXPECT_EQ(heard.last().status, 429);
  EXPECT_EQ(heard.last().text, "no money for b");
  EXPECT_TRUE(dear.requests().empty() && free.requests().empty());
  EXPECT_EQ(attempts().size(), 1u);
  expect_settled();
}

TEST_P(AdmissionTest, a_caller_who_leaves_has_taken_what_came) {
  net::ExchangePtr open;
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    exchange->write(chunk(R"({"content":"one"})"));
    open = exchange;
  });
  add("office", house);
  Heard heard;
  const CallPtr call = start("office/m", heard.sink());
  heard.wait_for_text();
  call->cancel();
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kAborted);
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 6u);
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 1u);
  expect_settled();
}

TEST_P(AdmissionTest, several_answers_at_once_need_as_many_times_the_tokens) {
  if (!GetParam()) return;  // a translated one asks once for each
  MockHouse house(says("hi"));
  add("office", house);
  Heard heard;
  start("office/m", heard.sink(), R"(,"n":3)");
  heard.wait();
  EXPECT_EQ(most(), 150u);
}

}  // namespace
}  // namespace shenbi::gateway
