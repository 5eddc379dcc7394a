// A second one asked beside the first that says nothing: who speaks first answers, in the caller's dialect and in ours.

#include <future>
#include <map>

#include "gateway/alarms.h"
#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

// Answers when it is told to.
class Held {
 public:
  MockHouse::Answer answer() {
    return [this](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
      std::lock_guard lock(mutex_);
      waiting_.emplace_back(request, exchange);
      exchange->on_gone([this] {
        std::lock_guard lock(mutex_);
        gone_ = true;
        changed_.notify_all();
      });
      changed_.notify_all();
    };
  }
  void wait_asked() {
    wait([this] { return !waiting_.empty(); });
  }
  void wait_gone() {
    wait([this] { return gone_; });
  }
  void let(const MockHouse::Answer& answer) {
    wait_asked();
    std::pair<net::ServerRequest, net::ExchangePtr> first;
    {
      std::lock_guard lock(mutex_);
      first = waiting_.front();
    }
    answer(first.first, first.second);
  }

 private:
  void wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, condition));
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<net::ServerRequest, net::ExchangePtr>> waiting_;
  bool gone_ = false;
};

class HedgingTest : public RouterTest, public testing::WithParamInterface<bool> {
 protected:
  HedgingTest() : first(first_held.answer()), second(second_held.answer()) {
    add("a", first);
    add("b", second);
    routes.put({.name = "quick", .targets = {"a/m", "b/m"}, .hedge_ms = 1});
  }
  CallPtr start(EventSink sink) {
    if (!GetParam()) return router().chat(ask("quick"), std::move(sink));
    const std::string body = R"({"model":"quick","stream":true,"messages":[]})";
    Passage passage{
        .body = std::make_shared<const std::string>(body), .peek = chat::peek_request(body), .tenant = "alice"};
    passage.translated = [this]() -> const chat::ChatRequest& { return words_; };
    passage.model = "quick";
    passage.stream = true;
    return router().pass(std::move(passage), [this](std::string_view bytes, bool) { wire_ += bytes; }, std::move(sink));
  }
  // Rows by upstream; both of them.
  std::map<std::string, Attempt> rows() {
    std::map<std::string, Attempt> found;
    for (const Attempt& attempt : attempts()) EXPECT_TRUE(found.emplace(attempt.upstream, attempt).second);
    return found;
  }

  Held first_held, second_held;
  MockHouse first, second;
  std::string wire_;

 private:
  chat::ChatRequest words_ = ask("");
};

INSTANTIATE_TEST_SUITE_P(Ways, HedgingTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "passed" : "translated"; });

TEST_P(HedgingTest, the_second_answers_when_the_first_is_silent_and_the_first_is_told_to_stop) {
  Heard heard;
  start(heard.sink());
  first_held.wait_asked();
  second_held.let(says("from the second"));
  EXPECT_EQ(heard.text(), "from the second");
  EXPECT_EQ(heard.wait().front().name, "b/m");
  first_held.wait_gone();
  wait_attempts(2);
  auto found = rows();
  EXPECT_EQ(found["b"].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(found["b"].number, 1u);
  EXPECT_EQ(found["a"].outcome, Attempt::Outcome::kAborted);
  EXPECT_EQ(found["a"].error, "another one was quicker");
  EXPECT_GT(found["a"].usage.prompt_tokens, 0u) << "it was asked: the prompt is paid";
}

TEST_P(HedgingTest, the_first_answers_when_it_speaks_first_and_not_a_byte_of_the_second_comes_through) {
  Heard heard;
  start(heard.sink());
  second_held.wait_asked();
  first_held.let(says("from the first"));
  EXPECT_EQ(heard.text(), "from the first");
  second_held.wait_gone();
  wait_attempts(2);
  EXPECT_EQ(rows()["a"].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(rows()["b"].outcome, Attempt::Outcome::kAborted);
  if (GetParam()) {
    EXPECT_NE(wire_.find("from the first"), std::string::npos);
    EXPECT_EQ(wire_.find("[DONE]"), wire_.rfind("[DONE]")) << wire_;
  }
}

TEST_P(HedgingTest, one_that_fails_beside_another_is_no_end) {
  Heard heard;
  start(heard.sink());
  second_held.wait_asked();
  first_held.let(fails(500));
  wait_attempts(1);
  second_held.let(says("all the same"));
  EXPECT_EQ(heard.text(), "all the same");
  wait_attempts(2);
  EXPECT_EQ(rows()["a"].outcome, Attempt::Outcome::kFailed);
}

TEST_P(HedgingTest, when_both_fail_one_error_is_told) {
  Heard heard;
  start(heard.sink());
  second_held.wait_asked();
  first_held.let(fails(500));
  second_held.let(fails(503));
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  wait_attempts(2);
  size_t errors = 0;
  for (const Event& event : heard.wait()) errors += event.kind == Event::Kind::kError;
  EXPECT_EQ(errors, 1u);
}

TEST_P(HedgingTest, a_caller_who_leaves_ends_both) {
  Heard heard;
  const CallPtr call = start(heard.sink());
  second_held.wait_asked();
  first_held.wait_asked();
  call->cancel();
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
  first_held.wait_gone();
  second_held.wait_gone();
  wait_attempts(2);
  for (const Attempt& attempt : attempts()) EXPECT_EQ(attempt.outcome, Attempt::Outcome::kAborted);
}

TEST_P(HedgingTest, a_second_that_the_budget_does_not_reach_for_is_not_asked_and_the_first_answers) {
  std::promise<void> refused;
  admit = [&](const Attempt& attempt, const Need&) -> uint64_t {
    if (attempt.upstream == "a") return 1;
    refused.set_value();
    throw Error(Code::kRateLimited, "no money");
  };
  Heard heard;
  start(heard.sink());
  EXPECT_EQ(refused.get_future().wait_for(60s), std::future_status::ready);
  first_held.let(says("alone"));
  EXPECT_EQ(heard.text(), "alone");
  EXPECT_TRUE(second.requests().empty());
  EXPECT_EQ(attempts().size(), 1u);
}

TEST(Alarms, ring_when_it_is_time_and_those_that_are_left_at_the_end_do_not) {
  std::promise<void> rung;
  bool too_early = false;
  {
    Alarms alarms;
    alarms.after(std::chrono::hours(1), [&] { too_early = true; });
    alarms.after(0ms, [&] { rung.set_value(); });
    EXPECT_EQ(rung.get_future().wait_for(60s), std::future_status::ready);
  }
  EXPECT_FALSE(too_early);
}

}  // namespace
}  // namespace shenbi::gateway
