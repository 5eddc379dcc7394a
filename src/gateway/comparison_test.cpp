#include "gateway/comparison.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using Status = Column::Status;

struct FakeCall final : Call {
  std::function<void()> on_cancel = [] {};
  void cancel() override { on_cancel(); }
};

// Models whose events the test says by hand, on its own thread.
class ComparisonTest : public ::testing::Test {
 protected:
  void begin(const std::vector<std::string>& models) {
    comparison = std::make_shared<Comparison>(
        models,
        Comparison::Hooks{
            .start = [this](uint32_t column, uint32_t, EventSink sink) { return start(column, std::move(sink)); },
            .run =
                [this](std::function<void()> job) {
                  if (!room) return false;
                  if (later)
                    jobs.push_back(std::move(job));
                  else
                    job();
                  return true;
                },
            .on_begin = [this](uint32_t column, const Column& now) { begun.push_back({column, now.attempt}); },
            .on_event =
                [this](uint32_t column, const Column& now, const Event&, bool all) {
                  columns[column] = now;
                  ends += all ? 1 : 0;
                }});
    comparison->start();
  }

  CallPtr start(uint32_t column, EventSink sink) {
    if (refused.contains(column)) throw Error(Code::kNotFound, "no such model");
    auto call = std::make_shared<FakeCall>();
    call->on_cancel = [sink] { sink({.kind = Event::Kind::kFinish, .finish = chat::Finish::kCancelled}); };
    sinks[column] = std::move(sink);
    return call;
  }

  void say(uint32_t column, const std::string& text) { sinks[column]({.text = text, .tokens = 1}); }
  void finish(uint32_t column, uint64_t tokens = 2) {
    sinks[column]({.kind = Event::Kind::kFinish, .usage = {.completion_tokens = tokens}});
  }

  std::shared_ptr<Comparison> comparison;
  std::map<uint32_t, EventSink> sinks;
  std::map<uint32_t, Column> columns;
  std::vector<std::pair<uint32_t, uint32_t>> begun;
  std::vector<std::function<void()>> jobs;
  std::set<uint32_t> refused;
  int ends = 0;
  bool room = true, later = false;
};

TEST_F(ComparisonTest, columns_grow_beside_each_other_and_end_once) {
  begin({"a", "b"});
  say(1, "x");
  say(0, "p");
  say(1, "y");
  finish(1);
  EXPECT_EQ(ends, 0);
  finish(0);
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(columns[0].answer.text, "p");
  EXPECT_EQ(columns[1].answer.text, "xy");
  EXPECT_EQ(columns[1].status, Status::kDone);
  EXPECT_GE(columns[1].first_token_s, 0);
  EXPECT_GE(columns[1].total_s, columns[1].first_token_s);
}

TEST_F(ComparisonTest, a_column_that_cannot_be_started_harms_no_other) {
  refused = {0};
  begin({"none", "b"});
  EXPECT_EQ(columns[0].status, Status::kFailed);
  EXPECT_EQ(columns[0].answer.error, "no such model");
  EXPECT_EQ(columns[0].answer.error_status, 404);
  EXPECT_LT(columns[0].first_token_s, 0);
  finish(1);
  EXPECT_EQ(columns[1].status, Status::kDone);
  EXPECT_EQ(ends, 1);
}

TEST_F(ComparisonTest, without_room_for_work_a_column_fails_and_is_not_forgotten) {
  room = false;
  begin({"a", "b"});
  EXPECT_EQ(columns[0].answer.error_status, 503);
  EXPECT_EQ(ends, 1);
}

TEST_F(ComparisonTest, stopping_one_column_keeps_what_it_has_and_lets_the_others_go_on) {
  begin({"a", "b"});
  say(0, "half");
  comparison->stop(0);
  EXPECT_EQ(columns[0].status, Status::kStopped);
  EXPECT_EQ(columns[0].answer.text, "half");
  say(1, "on");
  finish(1);
  EXPECT_EQ(columns[1].status, Status::kDone);
  comparison->stop(1);  // has ended: nothing happens
  EXPECT_EQ(columns[1].status, Status::kDone);
  EXPECT_THROW(comparison->stop(2), Error);
}

TEST_F(ComparisonTest, a_column_stopped_before_its_model_was_asked_never_asks) {
  later = true;
  begin({"a"});
  comparison->stop(0);
  for (auto& job : jobs) job();
  EXPECT_EQ(columns[0].status, Status::kStopped);
  EXPECT_TRUE(sinks.empty());
  EXPECT_EQ(ends, 1);
}

TEST_F(ComparisonTest, a_retry_begins_anew_and_hears_nothing_of_the_one_before) {
  begin({"a", "b"});
  say(0, "old");
  const EventSink before = sinks[0];
  EXPECT_THROW(comparison->retry(0), Error) << "it still runs";
  comparison->stop(0);
  comparison->retry(0);
  before({.text = "late", .tokens = 1});
  say(0, "new");
  EXPECT_EQ(columns[0].answer.text, "new");
  EXPECT_EQ(columns[0].attempt, 1);
  EXPECT_EQ(begun, (std::vector<std::pair<uint32_t, uint32_t>>{{0, 0}, {1, 0}, {0, 1}}));
  finish(1);
  EXPECT_EQ(ends, 0);
  finish(0);
  EXPECT_EQ(ends, 1);
  EXPECT_THROW(comparison->retry(0), Error) << "all have ended";
}

TEST_F(ComparisonTest, a_reader_that_leaves_ends_all_and_nothing_is_asked_again) {
  begin({"a", "b", "c"});
  comparison->stop_all();
  EXPECT_EQ(ends, 1);
  for (const auto& [index, column] : columns) EXPECT_EQ(column.status, Status::kStopped) << index;
  EXPECT_THROW(comparison->retry(0), Error);
}

}  // namespace
}  // namespace shenbi::gateway
