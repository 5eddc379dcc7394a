// Budgets with the arithmetic written out: a dollar is 1,000,000,000 nano-dollars.

#include "ledger/budgets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ledger/alerts.h"
#include "store/test_postgres.h"

namespace shenbi::ledger {
namespace {

constexpr int64_t kUsd = 1'000'000'000;
constexpr int64_t kNoon = 1795435200;  // 2026-11-23 12:00 UTC
constexpr int64_t kDayS = 86400;

class BudgetsTest : public store::OnBothSides {
 protected:
  // A process: its ledger and its budgets over the same file.
  struct Process {
    explicit Process(BudgetsTest& test)
        : shared(test.database.shared()),
          ledger(test.database),
          budgets(test.database, ledger,
                  {.team_of = [&test](const std::string& key) { return test.team_of(key); },
                   .on_alert = [&test](const Alert& alert) { test.alerts.push_back(alert); },
                   .now = [&test] { return test.now; }}) {}
    const bool shared;
    Ledger ledger;
    Budgets budgets;
  };

  Row call(const std::string& caller) const {
    return {.time_s = now,
            .caller = caller,
            .wanted = "house/m",
            .upstream = "house",
            .model = "m",
            .prompt_tokens = 100,
            .cost_nano_usd = kUsd / 10,
            .outcome = Outcome::kSettled};
  }
  static void finish(Process& process, Row row, uint64_t begun, std::optional<int64_t> cost, uint64_t completion = 0) {
    row.begun = begun;
    row.cost_nano_usd = cost;
    row.completion_tokens = completion;
    process.budgets.file(std::move(row));
    // Among many programs a call is settled, and a mark told, when its row is written.
    if (process.shared) process.ledger.flush();
  }
  static BudgetState state(Process& process, const std::string& name = "b") {
    for (const BudgetState& one : process.budgets.states()) {
      if (one.budget.name == name) return one;
    }
    ADD_FAILURE() << name;
    return {};
  }

  // Asked by several threads at once.
  std::string team_of(const std::string& key) const {
    const auto found = teams.find(key);
    return found == teams.end() ? "" : found->second;
  }

  store::Database database{place()};
  std::map<std::string, std::string> teams;
  std::vector<Alert> alerts;
  int64_t now = kNoon;
};
INSTANTIATE_TEST_SUITE_P(On, BudgetsTest, store::kSides, store::side_name);

TEST_P(BudgetsTest, a_call_reserves_its_most_and_settles_what_it_took) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = 10 * kUsd});
  const uint64_t one = process.budgets.reserve(call("k"), {.nano_usd = 4 * kUsd, .tokens = 10});
  const uint64_t two = process.budgets.reserve(call("k"), {.nano_usd = 5 * kUsd, .tokens = 10});
  EXPECT_EQ(state(process).reserved, 9 * kUsd);
  EXPECT_EQ(state(process).spent, 0);
  finish(process, call("k"), one, kUsd / 2);  // 0.5 of the 4 that were reserved
  EXPECT_EQ(state(process).reserved, 5 * kUsd);
  EXPECT_EQ(state(process).spent, kUsd / 2);
  finish(process, call("k"), two, 0);  // refused by the house: released, nothing spent
  EXPECT_EQ(state(process).reserved, 0);
  EXPECT_EQ(state(process).spent, kUsd / 2);
}

TEST_P(BudgetsTest, what_would_overrun_is_refused_with_all_figures) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = 5 * kUsd});
  finish(process, call("k"), process.budgets.reserve(call("k"), {.nano_usd = kUsd, .tokens = 1}), kUsd);
  process.budgets.reserve(call("k"), {.nano_usd = 3 * kUsd, .tokens = 1});
  // 1 spent + 3 reserved + 1.25 > 5
  try {
    process.budgets.reserve(call("k"), {.nano_usd = kUsd * 5 / 4, .tokens = 1});
    FAIL();
  } catch (const OverBudget& error) {
    EXPECT_STREQ(error.what(),
                 "budget 'b': 5.00 USD a month, 1.00 USD spent, 3.00 USD reserved by calls under way, this call may "
                 "take up to 1.25 USD; it begins anew on 2026-12-01 00:00 UTC");
    EXPECT_EQ(error.code(), Code::kRateLimited);
    EXPECT_EQ(error.resets_in_s(), 7 * kDayS + kDayS / 2);  // 23 November, noon, to 1 December
  }
  EXPECT_EQ(state(process).refused, 1u);
  EXPECT_EQ(state(process).reserved, 3 * kUsd);                                          // not a part of it
  EXPECT_NO_THROW(process.budgets.reserve(call("k"), {.nano_usd = kUsd, .tokens = 1}));  // exactly the limit
}

TEST_P(BudgetsTest, tokens_of_prompts_and_answers_count_together) {
  Process process(*this);
  process.budgets.put({.name = "b", .unit = Unit::kTokens, .period = Period::kDay, .limit = 1000});
  const uint64_t one = process.budgets.reserve(call("k"), {.nano_usd = {}, .tokens = 800});
  EXPECT_THROW(process.budgets.reserve(call("k"), {.nano_usd = {}, .tokens = 201}), OverBudget);
  finish(process, call("k"), one, {}, 50);  // 100 + 50
  EXPECT_EQ(state(process).spent, 150);
  EXPECT_NO_THROW(process.budgets.reserve(call("k"), {.nano_usd = {}, .tokens = 850}));
}

TEST_P(BudgetsTest, every_budget_of_a_caller_must_reach) {
  teams = {{"k1", "red"}, {"k2", "red"}, {"k3", "blue"}};
  Process process(*this);
  process.budgets.put({.name = "all", .limit = 100 * kUsd});
  process.budgets.put({.name = "red", .whose = Whose::kTeam, .subject = "red", .limit = 10 * kUsd});
  process.budgets.put({.name = "one", .whose = Whose::kKey, .subject = "k1", .limit = 4 * kUsd});
  const auto reserve = [&](const std::string& key, int64_t dollars) {
    return process.budgets.reserve(call(key), {.nano_usd = dollars * kUsd, .tokens = 1});
  };
  EXPECT_THROW(reserve("k1", 5), OverBudget);  // of its own 4
  reserve("k1", 4);
  EXPECT_THROW(reserve("k2", 7), OverBudget);  // 4 + 7 of the team's 10
  reserve("k2", 6);
  reserve("k3", 90);  // 100 of everybody's 100
  EXPECT_THROW(reserve("k4", 1), OverBudget);
  EXPECT_EQ(state(process, "all").reserved, 100 * kUsd);
  EXPECT_EQ(state(process, "red").reserved, 10 * kUsd);
}

TEST_P(BudgetsTest, two_at_once_cannot_both_slip_under_the_limit) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = 10 * kUsd});
  std::atomic<int> let_in = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        try {
          process.budgets.reserve(call("k"), {.nano_usd = kUsd * 3 / 4, .tokens = 1});
          ++let_in;
        } catch (const OverBudget&) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(let_in, 13);  // 13 * 0.75 = 9.75, 14 * 0.75 = 10.5
  EXPECT_EQ(state(process).reserved, 13 * kUsd * 3 / 4);
}

TEST_P(BudgetsTest, without_a_known_price_a_budget_of_money_refuses_or_counts) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = kUsd});
  try {
    process.budgets.reserve(call("k"), {.nano_usd = {}, .tokens = 5});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("no price is known of 'house/m'"), std::string::npos);
  }
  process.budgets.put({.name = "b", .limit = kUsd, .unpriced = true});
  finish(process, call("k"), process.budgets.reserve(call("k"), {.nano_usd = {}, .tokens = 5}), {});
  EXPECT_EQ(state(process).spent, 0);
  EXPECT_EQ(state(process).unpriced, 1u);
}

TEST_P(BudgetsTest, a_new_day_begins_with_nothing_and_a_call_counts_where_it_began) {
  Process process(*this);
  process.budgets.put({.name = "b", .period = Period::kDay, .limit = kUsd});
  process.budgets.put({.name = "m", .period = Period::kMonth, .limit = 10 * kUsd});
  const Row late = call("k");
  const uint64_t begun = process.budgets.reserve(late, {.nano_usd = kUsd, .tokens = 1});
  EXPECT_THROW(process.budgets.reserve(call("k"), {.nano_usd = 1, .tokens = 1}), OverBudget);
  now += kDayS;
  const uint64_t fresh = process.budgets.reserve(call("k"), {.nano_usd = kUsd / 2, .tokens = 1});
  finish(process, late, begun, kUsd * 3 / 4);
  EXPECT_EQ(state(process).spent, 0);
  EXPECT_EQ(state(process).reserved, kUsd / 2);
  EXPECT_EQ(state(process, "m").spent, kUsd * 3 / 4);
  finish(process, call("k"), fresh, kUsd / 4);
  EXPECT_EQ(state(process).spent, kUsd / 4);
  EXPECT_EQ(state(process, "m").spent, kUsd);  // 0.75 + 0.25
  EXPECT_EQ(state(process).resets, kNoon - kDayS / 2 + 2 * kDayS);
}

TEST_P(BudgetsTest, a_restart_finds_what_was_spent_and_what_was_left_open) {
  {
    Process process(*this);
    process.budgets.put({.name = "b", .limit = 10 * kUsd});
    process.budgets.put({.name = "t", .period = Period::kTotal, .limit = 10 * kUsd, .from = "2026-11-23"});
    finish(process, call("k"), process.budgets.reserve(call("k"), {.nano_usd = 5 * kUsd, .tokens = 1}), 2 * kUsd);
    process.budgets.reserve(call("k"), {.nano_usd = 5 * kUsd, .tokens = 1});  // and the process is gone
  }
  for (int restart = 0; restart < 2; ++restart) {  // the second finds nothing more
    Process process(*this);
    EXPECT_EQ(process.ledger.found_open(), restart == 0 ? 1u : 0u);
    EXPECT_EQ(state(process).spent, 2 * kUsd + kUsd / 10);  // the settled one and the prompt of the other
    EXPECT_EQ(state(process, "t").spent, 2 * kUsd + kUsd / 10);
    EXPECT_EQ(state(process).reserved, 0);
    EXPECT_EQ(process.ledger.sums({}, {})[0].calls, 2u);
    const auto rows = process.ledger.rows({}, 0, 10);
    EXPECT_EQ(rows[0].outcome, Outcome::kAborted);
    EXPECT_EQ(rows[0].error, "the program ended while this was answered");
  }
}

TEST_P(BudgetsTest, a_row_takes_its_note_away_in_the_same_transaction) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = 10 * kUsd});
  const uint64_t begun = process.budgets.reserve(call("k"), {.nano_usd = kUsd, .tokens = 1});
  const auto open = [&] { return database.query("SELECT count(*) AS n FROM ledger_open")[0].integer("n"); };
  EXPECT_EQ(open(), 1);
  finish(process, call("k"), begun, kUsd);
  ASSERT_TRUE(process.ledger.flush());
  EXPECT_EQ(open(), 0);
  EXPECT_EQ(process.budgets.reserve(call("stranger"), {.nano_usd = 1, .tokens = 1}), begun + 1);  // everybody's
  process.budgets.remove("b");
  EXPECT_EQ(process.budgets.reserve(call("k"), {.nano_usd = 1, .tokens = 1}), 0u);  // no budget, no note
  EXPECT_EQ(open(), 1);
}

TEST_P(BudgetsTest, a_key_takes_its_spending_to_its_new_team) {
  Process process(*this);
  process.budgets.put({.name = "red", .whose = Whose::kTeam, .subject = "red", .limit = 10 * kUsd});
  finish(process, call("k"), process.budgets.reserve(call("k"), {.nano_usd = kUsd, .tokens = 1}), kUsd);
  const Row row = call("k");
  EXPECT_EQ(state(process, "red").spent, 0);
  teams["k"] = "red";
  process.budgets.recount();
  EXPECT_EQ(state(process, "red").spent, kUsd);
  finish(process, row, process.budgets.reserve(row, {.nano_usd = kUsd, .tokens = 1}), kUsd / 2);
  EXPECT_EQ(state(process, "red").spent, kUsd * 3 / 2);
}

TEST_P(BudgetsTest, marks_are_told_once_and_again_under_another_limit) {
  Process process(*this);
  process.budgets.put({.name = "b", .limit = 10 * kUsd});
  const auto spend = [&](int64_t nano) {
    finish(process, call("k"), process.budgets.reserve(call("k"), {.nano_usd = nano, .tokens = 1}), nano);
  };
  spend(kUsd * 79 / 10);
  EXPECT_TRUE(alerts.empty());
  spend(kUsd / 10);  // 8.0 of 10: 80 %
  spend(kUsd / 10);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].percent, 80u);
  EXPECT_EQ(alerts[0].spent, 8 * kUsd);
  EXPECT_EQ(alerts[0].period, "2026-11");
  spend(kUsd * 19 / 10);
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[1].percent, 100u);
  process.budgets.put({.name = "b", .limit = 12 * kUsd});  // 10 of 12: 83 %
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[2].limit, 12 * kUsd);
}

TEST_P(BudgetsTest, wrong_budgets_are_refused_by_field) {
  Process process(*this);
  const auto wrong = [&](Budget budget, const std::string& field) {
    try {
      process.budgets.put(budget);
      ADD_FAILURE() << field;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(field + ": ")) << error.what();
    }
  };
  wrong({.name = "a b", .limit = 1}, "name");
  wrong({.name = "b", .whose = Whose::kKey, .limit = 1}, "subject");
  wrong({.name = "b", .limit = 0}, "limit");
  wrong({.name = "b", .limit = 1, .alerts = {101}}, "alerts");
  wrong({.name = "b", .period = Period::kTotal, .limit = 1, .from = "2026-13-01"}, "from");
  EXPECT_TRUE(process.budgets.states().empty());
}

class AlertsTest : public store::OnBothSides {
 protected:
  static Alert alert(uint32_t percent) {
    return {
        .budget = "b", .period = "2026-11", .percent = percent, .limit = 10, .spent = 8, .time_s = std::time(nullptr)};
  }
  AlertOptions to_webhook(std::function<bool(const std::string&)> take) {
    return {.send =
                [this, take = std::move(take)](const Alert&, const std::string& id) {
                  const bool taken = take(id);
                  std::lock_guard lock(mutex);
                  heard.push_back(id);
                  changed.notify_all();
                  return taken;
                },
            .first_pause = std::chrono::milliseconds(1)};
  }
  void await_heard(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return heard.size() >= count; });
  }
  store::Database database{place()};
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> heard;
};
INSTANTIATE_TEST_SUITE_P(On, AlertsTest, store::kSides, store::side_name);

TEST_P(AlertsTest, the_same_mark_is_kept_and_sent_once) {
  {
    Alerts alerts(database, to_webhook([](const std::string&) { return true; }));
    for (int i = 0; i < 5; ++i) alerts.raise(alert(80));
    alerts.raise(alert(100));
    await_heard(2);
    while (alerts.counts().sent < 2) std::this_thread::yield();
    EXPECT_EQ(alerts.latest(10).size(), 2u);
  }
  Alerts again(database, to_webhook([](const std::string&) { return true; }));
  again.raise(alert(80));  // what a restart raises
  again.raise(alert(50));
  await_heard(3);
  EXPECT_EQ(heard, (std::vector<std::string>{"b/2026-11/80/10", "b/2026-11/100/10", "b/2026-11/50/10"}));
}

TEST_P(AlertsTest, a_webhook_that_refuses_is_asked_again_until_it_takes) {
  std::atomic<int> calls = 0;
  Alerts alerts(database, to_webhook([&](const std::string&) -> bool {
                  if (++calls == 1) throw Error(Code::kUpstream, "refused");
                  return calls >= 4;
                }));
  alerts.raise(alert(80));
  await_heard(3);  // of four calls the first said nothing
  while (alerts.latest(1)[0].delivery != Delivery::kSent) std::this_thread::yield();
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(alerts.counts().failed_sends, 3u);
}

TEST_P(AlertsTest, what_was_not_sent_is_sent_after_a_restart) {
  {
    Alerts alerts(database, to_webhook([](const std::string&) { return false; }));
    alerts.raise(alert(80));
    await_heard(1);
  }
  heard.clear();
  Alerts again(database, to_webhook([](const std::string&) { return true; }));
  await_heard(1);
  EXPECT_EQ(heard[0], "b/2026-11/80/10");
}

TEST_P(AlertsTest, an_old_one_is_given_up) {
  AlertOptions options = to_webhook([](const std::string&) { return false; });
  options.give_up_s = -1;
  Alerts alerts(database, std::move(options));
  alerts.raise(alert(80));
  while (alerts.latest(1).empty() || alerts.latest(1)[0].delivery != Delivery::kGivenUp) std::this_thread::yield();
  EXPECT_TRUE(heard.empty());
}

}  // namespace
}  // namespace shenbi::ledger
