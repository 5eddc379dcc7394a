// Several programs over one PostgreSQL: nobody overspends, nothing is counted twice. A dollar is 1,000,000,000
// nano-dollars.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ledger/alerts.h"
#include "ledger/budgets.h"
#include "store/instances.h"
#include "store/test_postgres.h"

namespace shenbi::ledger {
namespace {

constexpr int64_t kUsd = 1'000'000'000;
constexpr int64_t kNoon = 1795435200;  // 2026-11-23 12:00 UTC

struct Program {
  explicit Program(const std::string& address, std::chrono::milliseconds gone = std::chrono::seconds(60))
      : database(with_times(address, gone)),
        ledger(*database),
        budgets(*database, ledger, {.on_alert = [this](const Alert&) { ++alerts; }, .now = [] { return kNoon; }}) {}

  static std::unique_ptr<store::Database> with_times(const std::string& address, std::chrono::milliseconds gone) {
    auto database = std::make_unique<store::Database>(address);
    database->instances().set_times({.beat = std::chrono::milliseconds(20), .gone = gone});
    return database;
  }
  BudgetState state() { return budgets.states().at(0); }
  void finish(Row row, uint64_t begun, int64_t cost) {
    row.begun = begun;
    row.cost_nano_usd = cost;
    budgets.file(std::move(row));
  }

  std::atomic<int> alerts = 0;
  std::unique_ptr<store::Database> database;
  Ledger ledger;
  Budgets budgets;
};

class SharedTest : public testing::Test {
 protected:
  static Row call(const std::string& request) {
    return {.time_s = kNoon,
            .request_id = request,
            .caller = "k",
            .wanted = "house/m",
            .upstream = "house",
            .model = "m",
            .prompt_tokens = 100,
            .cost_nano_usd = kUsd / 10,
            .outcome = Outcome::kSettled};
  }
  std::string address = store::TestPostgres::instance().fresh();
};

TEST_F(SharedTest, a_budget_made_on_one_holds_on_the_other) {
  Program a(address), b(address);
  EXPECT_FALSE(b.budgets.any_for("k"));
  a.budgets.put({.name = "b", .limit = 3 * kUsd});
  EXPECT_TRUE(b.budgets.any_for("k"));
  const uint64_t one = a.budgets.reserve(call("1"), {.nano_usd = 2 * kUsd, .tokens = 1});
  EXPECT_EQ(b.state().reserved, 2 * kUsd);
  EXPECT_THROW(b.budgets.reserve(call("2"), {.nano_usd = 2 * kUsd, .tokens = 1}), OverBudget);
  a.finish(call("1"), one, kUsd / 2);
  a.ledger.flush();
  EXPECT_EQ(b.state().spent, kUsd / 2);
  EXPECT_EQ(b.state().reserved, 0);
  b.budgets.put({.name = "b", .limit = kUsd});
  EXPECT_THROW(a.budgets.reserve(call("3"), {.nano_usd = 2 * kUsd, .tokens = 1}), OverBudget);
  EXPECT_TRUE(b.budgets.remove("b"));
  EXPECT_EQ(a.budgets.reserve(call("4"), {.nano_usd = 2 * kUsd, .tokens = 1}), 0u);
}

// 4 threads on 2 programs, calls of at most 1 USD that take 0.5: of 20 USD nothing may be left over and nothing
// overrun.
TEST_F(SharedTest, calls_at_once_on_both_never_overspend) {
  Program a(address), b(address);
  a.budgets.put({.name = "b", .limit = 20 * kUsd});
  std::atomic<int> done = 0;
  std::atomic<int64_t> most_seen = 0;
  const auto work = [&](Program& program, int first) {
    for (int i = 0; i < 40; ++i) {
      uint64_t begun = 0;
      const Row one = call(std::to_string(first + i));
      try {
        begun = program.budgets.reserve(one, {.nano_usd = kUsd, .tokens = 1});
      } catch (const OverBudget&) {
        continue;
      }
      const BudgetState state = program.state();
      for (int64_t seen = most_seen; seen < state.spent + state.reserved;)
        if (most_seen.compare_exchange_weak(seen, state.spent + state.reserved)) break;
      program.finish(one, begun, kUsd / 2);
      ++done;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { work(i % 2 ? a : b, i * 1000); });
  for (auto& thread : threads) thread.join();
  a.ledger.flush();
  b.ledger.flush();
  EXPECT_EQ(a.state().spent, done * kUsd / 2);
  EXPECT_LE(most_seen, 20 * kUsd);        // also by those that look while others settle
  EXPECT_GE(a.state().spent, 19 * kUsd);  // 39 calls of 0.5 leave room for the most of one more, at 19.5 there is none
  EXPECT_EQ(a.state().reserved, 0);
  EXPECT_EQ(a.ledger.sums({}, {})[0].calls, static_cast<uint64_t>(done));
  EXPECT_EQ(a.database->query("SELECT count(*) AS n FROM ledger")[0].integer("n"), done);
}

TEST_F(SharedTest, what_a_dead_program_had_reserved_is_released_by_another) {
  Program b(address, std::chrono::milliseconds(300));
  b.database->instances().watch();
  {
    Program a(address);
    a.budgets.put({.name = "b", .limit = 3 * kUsd});
    a.budgets.reserve(call("1"), {.nano_usd = 3 * kUsd, .tokens = 1});
  }
  while (b.state().reserved > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(b.state().spent, kUsd / 10);  // the prompt
  EXPECT_EQ(b.ledger.rows({}, 0, 10).at(0).error, "the program ended while this was answered");
  EXPECT_EQ(b.database->query("SELECT 1 AS one FROM ledger_open").size(), 0u);
}

TEST_F(SharedTest, a_program_that_was_only_asleep_replaces_the_row_that_was_filed_for_it) {
  Program a(address), b(address, std::chrono::milliseconds(300));
  a.budgets.put({.name = "b", .limit = 3 * kUsd});
  const uint64_t begun = a.budgets.reserve(call("1"), {.nano_usd = 3 * kUsd, .tokens = 1});
  a.database->run("UPDATE ledger_open SET instance = 999999");
  a.database->run("INSERT INTO instances (id, seen, began) VALUES (999999, 0, 0)");
  b.database->instances().watch();
  while (b.state().reserved > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  a.finish(call("1"), begun, kUsd);
  a.ledger.flush();
  EXPECT_EQ(b.state().spent, kUsd);
  const auto rows = b.ledger.rows({}, 0, 10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].outcome, Outcome::kSettled);
  EXPECT_EQ(b.ledger.sums({}, {})[0].calls, 1u);
  EXPECT_EQ(b.ledger.sums({}, {})[0].prompt_tokens, 100u);
}

TEST_F(SharedTest, marks_are_kept_once_however_many_see_them) {
  Program a(address), b(address);
  Alerts of_a(*a.database, {}), of_b(*b.database, {});
  a.budgets.put({.name = "b", .limit = kUsd, .alerts = {50}});
  a.finish(call("1"), a.budgets.reserve(call("1"), {.nano_usd = kUsd, .tokens = 1}), kUsd * 3 / 4);
  a.ledger.flush();
  b.budgets.recount();
  EXPECT_EQ(a.alerts, 1);
  EXPECT_EQ(b.alerts, 1);
  const Alert alert{.budget = "b", .period = "2026-11", .percent = 50, .limit = kUsd, .spent = kUsd, .time_s = kNoon};
  of_a.raise(alert);
  of_b.raise(alert);
  while (of_a.counts().raised + of_b.counts().raised == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(of_a.latest(10).size(), 1u);
}

TEST_F(SharedTest, rows_that_gather_while_the_server_is_away_are_written_once) {
  Program a(address);
  for (int i = 0; i < 100; ++i) a.ledger.add(call(std::to_string(i)));
  store::TestPostgres::instance().stop(SIGQUIT);
  for (int i = 100; i < 200; ++i) a.ledger.add(call(std::to_string(i)));
  store::TestPostgres::instance().start();
  while (!a.ledger.flush()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(a.database->query("SELECT count(*) AS n FROM ledger")[0].integer("n"), 200);
  EXPECT_EQ(a.ledger.sums({}, {})[0].calls, 200u);
}

}  // namespace
}  // namespace shenbi::ledger
