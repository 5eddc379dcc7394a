#include "ledger/ledger.h"
#include "store/test_postgres.h"

#include <gtest/gtest.h>

namespace shenbi::ledger {
namespace {

constexpr int64_t kNoon = 1795435200;  // 2026-11-23 12:00 UTC
constexpr int64_t kDay = 86400;

class LedgerTest : public store::OnBothSides {
 protected:
  static Row row(const std::string& caller, const std::string& model, uint64_t tokens,
                 std::optional<int64_t> cost = {}) {
    return {.time_s = kNoon,
            .caller = caller,
            .wanted = "house/" + model,
            .upstream = "house",
            .model = model,
            .prompt_tokens = tokens,
            .completion_tokens = 1,
            .cost_nano_usd = cost,
            .outcome = Outcome::kSettled};
  }
  store::Database database{place()};
};
INSTANTIATE_TEST_SUITE_P(On, LedgerTest, store::kSides, store::side_name);

TEST_P(LedgerTest, a_row_comes_back_as_it_was) {
  Ledger ledger(database);
  const Row wanted{.time_s = kNoon,
                   .request_id = "r1",
                   .caller = "alice",
                   .wanted = "m",
                   .upstream = "u",
                   .model = "m-2",
                   .attempt = 2,
                   .prompt_tokens = 100,
                   .cached_tokens = 60,
                   .cache_write_tokens = 25,
                   .completion_tokens = 30,
                   .reasoning_tokens = 20,
                   .cost_nano_usd = 12345,
                   .first_token_s = 0.25,
                   .total_s = 1.5,
                   .outcome = Outcome::kAborted,
                   .status = 0,
                   .error = "",
                   .raw_usage = R"({"a":1})"};
  ledger.add(wanted);
  ledger.flush();
  const auto rows = ledger.rows({}, 0, 10);
  ASSERT_EQ(rows.size(), 1u);
  const Row& found = rows[0];
  EXPECT_EQ(found.request_id, "r1");
  EXPECT_EQ(found.attempt, 2u);
  EXPECT_EQ(found.cached_tokens, 60u);
  EXPECT_EQ(found.cache_write_tokens, 25u);
  EXPECT_EQ(found.reasoning_tokens, 20u);
  EXPECT_EQ(found.cost_nano_usd, 12345);
  EXPECT_EQ(found.first_token_s, 0.25);
  EXPECT_EQ(found.outcome, Outcome::kAborted);
  EXPECT_EQ(found.raw_usage, R"({"a":1})");
}

TEST_P(LedgerTest, sums_are_those_of_the_rows) {
  Ledger ledger(database);
  ledger.add(row("alice", "big", 100, 5000));
  ledger.add(row("alice", "big", 50, 2500));
  ledger.add(row("alice", "small", 7));
  Row other_day = row("bob", "big", 1000, 50000);
  other_day.time_s = kNoon + kDay;
  other_day.outcome = Outcome::kFailed;
  ledger.add(other_day);
  ledger.flush();

  const auto all = ledger.sums({}, {});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].calls, 4u);
  EXPECT_EQ(all[0].failed, 1u);
  EXPECT_EQ(all[0].prompt_tokens, 100u + 50 + 7 + 1000);
  EXPECT_EQ(all[0].cost_nano_usd, 5000 + 2500 + 50000);
  EXPECT_EQ(all[0].unpriced, 1u);

  const auto by = ledger.sums({.caller = "alice"}, {Ledger::By::kModel});
  ASSERT_EQ(by.size(), 2u);
  EXPECT_EQ(by[0].model, "big");
  EXPECT_EQ(by[0].prompt_tokens, 150u);
  EXPECT_EQ(by[1].model, "small");

  const auto days = ledger.sums({}, {Ledger::By::kDay, Ledger::By::kCaller});
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].day, "2026-11-23");
  EXPECT_EQ(days[1].day, "2026-11-24");
  EXPECT_EQ(days[1].caller, "bob");
  EXPECT_EQ(ledger.sums({.from_day = "2026-11-24", .to_day = "2026-11-24"}, {})[0].calls, 1u);
}

TEST_P(LedgerTest, an_answer_that_was_given_again_is_a_row_of_its_own_kind_and_in_no_sum_but_its_count) {
  Ledger ledger(database);
  ledger.add(row("alice", "big", 100, 5000));
  Row again = row("alice", "big", 100, 0);
  again.cached_answer = true;
  ledger.add(again);
  again.model = "other";  // of which nothing was called
  ledger.add(again);
  ASSERT_TRUE(ledger.flush());

  const auto rows = ledger.rows({}, 0, 10);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_TRUE(rows[0].cached_answer);
  EXPECT_TRUE(rows[1].cached_answer);
  EXPECT_EQ(rows[1].prompt_tokens, 100u);
  EXPECT_EQ(rows[1].cost_nano_usd, 0);
  EXPECT_FALSE(rows[2].cached_answer);

  const auto sums = ledger.sums({}, {Ledger::By::kModel});
  ASSERT_EQ(sums.size(), 2u);
  EXPECT_EQ(sums[0].calls, 1u);
  EXPECT_EQ(sums[0].prompt_tokens, 100u);
  EXPECT_EQ(sums[0].completion_tokens, 1u);
  EXPECT_EQ(sums[0].cost_nano_usd, 5000);
  EXPECT_EQ(sums[0].cached_answers, 1u);
  EXPECT_EQ(sums[1].calls, 0u);
  EXPECT_EQ(sums[1].prompt_tokens, 0u);
  EXPECT_EQ(sums[1].unpriced, 0u);
  EXPECT_EQ(sums[1].cached_answers, 1u);
  // What budgets read.
  const auto since = ledger.standing({"2026-11-23"}).since.at("2026-11-23");
  ASSERT_EQ(since.size(), 1u);
  EXPECT_EQ(since[0].prompt_tokens, 101u);
  EXPECT_EQ(since[0].cost_nano_usd, 5000);

  EXPECT_TRUE(csv_header().ends_with(",cached_answer\r\n"));
  EXPECT_TRUE(csv_line(rows[0]).ends_with(",1\r\n"));
  EXPECT_TRUE(csv_line(rows[2]).ends_with(",0\r\n"));
  EXPECT_EQ(csv_of_sums(sums, {Ledger::By::kModel}),
            "model,calls,failed,prompt_tokens,cached_tokens,cache_write_tokens,completion_tokens,reasoning_tokens,"
            "cost_usd,unpriced,cached_answers\r\n"
            "big,1,0,100,0,0,1,0,0.000005000,0,1\r\n"
            "other,0,0,0,0,0,0,0,0.000000000,0,1\r\n");
}

TEST_P(LedgerTest, everything_is_there_after_a_restart_however_fast_it_came) {
  constexpr int kRows = 20'000;  // four batches and more than one commit
  {
    Ledger ledger(database);
    for (int i = 0; i < kRows; ++i) ledger.add(row("c" + std::to_string(i % 3), "m", 1));
  }
  Ledger again(database);
  EXPECT_EQ(again.sums({}, {})[0].calls, static_cast<uint64_t>(kRows));
  EXPECT_EQ(database.query("SELECT count(*) AS n FROM ledger")[0].integer("n"), kRows);
}

TEST_P(LedgerTest, a_disk_that_cannot_be_written_holds_nobody_up_and_what_is_lost_is_counted) {
  Ledger ledger(database, 100);
  database.run("ALTER TABLE ledger RENAME TO away");  // as a full disk: every write fails
  constexpr int kRows = 300;                          // more than may wait
  int taken = 0;
  for (int i = 0; i < kRows; ++i) taken += ledger.add(row("a", "m", 1, 1));
  EXPECT_LT(taken, kRows);
  EXPECT_FALSE(ledger.flush());
  EXPECT_EQ(ledger.counts().lost, static_cast<uint64_t>(kRows - taken));
  EXPECT_EQ(ledger.counts().waiting, static_cast<uint64_t>(taken));
  EXPECT_NE(ledger.trouble(), "");
  database.run("ALTER TABLE away RENAME TO ledger");
  while (!ledger.flush()) std::this_thread::yield();  // it is tried again once a second
  EXPECT_EQ(ledger.counts().written, static_cast<uint64_t>(taken));
  EXPECT_EQ(ledger.sums({}, {})[0].cost_nano_usd, taken);
}

TEST_P(LedgerTest, a_thousand_small_costs_are_summed_in_whole_numbers) {
  Ledger ledger(database);
  for (int i = 0; i < 1000; ++i) ledger.add(row("a", "m", 1, 100'000'001));
  ledger.flush();
  EXPECT_EQ(ledger.sums({}, {})[0].cost_nano_usd, 100'000'001'000);
}

TEST_P(LedgerTest, pages_go_back_in_time) {
  Ledger ledger(database);
  for (int i = 0; i < 5; ++i) ledger.add(row("a", "m" + std::to_string(i), 1));
  ledger.flush();
  const auto first = ledger.rows({}, 0, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].model, "m4");
  const auto second = ledger.rows({}, first.back().id, 2);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].model, "m2");
}

TEST_P(LedgerTest, pages_lose_and_repeat_nothing_where_a_long_call_of_yesterday_is_filed_today) {
  Ledger ledger(database);
  const auto at = [&](const std::string& model, int64_t time) {
    Row one = row("a", model, 1);
    one.time_s = time;
    ledger.add(one);
  };
  at("first", kNoon);
  at("today", kNoon + kDay);
  at("long", kNoon + 60);  // begun yesterday, filed behind today's
  at("later", kNoon + kDay);
  ledger.flush();
  std::vector<std::string> seen;
  for (int64_t before = 0;;) {
    const auto page = ledger.rows({}, before, 1);
    if (page.empty()) break;
    seen.push_back(page[0].model);
    before = page[0].id;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"later", "today", "long", "first"}));
}

TEST_P(LedgerTest, text_from_outside_is_only_text) {
  Ledger ledger(database);
  const std::string sly = "x'); DROP TABLE ledger; --";
  ledger.add(row(sly, sly, 1));
  ledger.flush();
  EXPECT_EQ(ledger.sums({.caller = sly}, {Ledger::By::kCaller})[0].caller, sly);
  EXPECT_TRUE(ledger.rows({.model = "' OR 1=1 --"}, 0, 10).empty());
}

TEST(LedgerCsv, quotes_what_must_be_and_no_cell_is_a_formula) {
  Row row{.id = 1, .caller = "=cmd()", .model = "a,\"b\"", .cost_nano_usd = 1500};
  const std::string line = csv_line(row);
  EXPECT_NE(line.find("\"'=cmd()\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"a,\"\"b\"\"\""), std::string::npos) << line;
  EXPECT_NE(line.find("0.000001500"), std::string::npos) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

}  // namespace
}  // namespace shenbi::ledger
