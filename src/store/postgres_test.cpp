// What is PostgreSQL's alone: several holders, a server that goes and comes, and what never shows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "store/database.h"
#include "store/test_postgres.h"

namespace shenbi::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Work>
std::pair<Code, std::string> error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "no error";
  return {};
}

class PostgresTest : public testing::Test {
 protected:
  ~PostgresTest() override { TestPostgres::instance().start(); }
  std::string address = TestPostgres::instance().fresh();
};

TEST_F(PostgresTest, two_holders_that_begin_together_make_the_schema_once) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Database db(address);
      db.migrate("t", {"CREATE TABLE t (x INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (7)"});
      good += db.query("SELECT x FROM t").size() == 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 4);
}

TEST_F(PostgresTest, a_transaction_is_alone_among_all_holders) {
  Database a(address), b(address);
  a.migrate("t", {"CREATE TABLE t (x INTEGER NOT NULL)", "INSERT INTO t VALUES (0)"});
  const auto add = [](Database& db) {
    for (int i = 0; i < 50; ++i) {
      db.transaction([&] {
        const int64_t x = db.query("SELECT x FROM t")[0].integer("x");
        db.run("UPDATE t SET x = ?", {x + 1});
      });
    }
  };
  std::thread other([&] { add(b); });
  add(a);
  other.join();
  EXPECT_EQ(a.query("SELECT x FROM t")[0].integer("x"), 100);
}

TEST_F(PostgresTest, a_statement_that_failed_in_a_transaction_is_not_forgotten) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (x INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"});
  const auto [code, message] = error_of([&] {
    db.transaction([&] {
      db.run("INSERT INTO t VALUES (2)");
      try {
        db.run("INSERT INTO t VALUES (1)");
      } catch (const Error&) {
      }
    });
  });
  EXPECT_EQ(code, Code::kInternal);
  EXPECT_EQ(db.query("SELECT x FROM t").size(), 1u);
}

TEST_F(PostgresTest, a_server_that_stops_is_named_and_found_again) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  db.run("INSERT INTO t VALUES (1)");
  for (const int signal : {SIGINT, SIGQUIT}) {
    TestPostgres::instance().stop(signal);
    const auto [code, message] = error_of([&] { db.run("INSERT INTO t VALUES (2)"); });
    EXPECT_EQ(code, Code::kUnavailable);
    EXPECT_THAT(message, HasSubstr("database postgresql://shenbi@/t"));
    EXPECT_EQ(error_of([&] { db.query("SELECT x FROM t"); }).first, Code::kUnavailable);
    EXPECT_EQ(error_of([&] { db.transaction([&] { FAIL(); }); }).first, Code::kUnavailable);
    TestPostgres::instance().start();
    // For a second nobody tries.
    while (true) {
      try {
        EXPECT_EQ(db.query("SELECT x FROM t").size(), 1u);
        break;
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), Code::kUnavailable) << error.what();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }
}

TEST_F(PostgresTest, a_server_that_was_started_again_meanwhile_costs_nobody_an_error) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  TestPostgres::instance().stop();
  TestPostgres::instance().start();
  EXPECT_EQ(db.run("INSERT INTO t VALUES (1)"), 1);
  TestPostgres::instance().stop();
  TestPostgres::instance().start();
  db.transaction([&] { db.run("INSERT INTO t VALUES (2)"); });
  EXPECT_EQ(db.query("SELECT x FROM t").size(), 2u);
}

TEST_F(PostgresTest, a_transaction_whose_connection_broke_is_undone_and_not_repeated) {
  Database db(address), other(address);
  db.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  int runs = 0;
  const auto [code, message] = error_of([&] {
    db.transaction([&] {
      ++runs;
      db.run("INSERT INTO t VALUES (1)");
      other.query("SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE state = 'idle in transaction'");
      db.run("INSERT INTO t VALUES (2)");
    });
  });
  EXPECT_EQ(code, Code::kUnavailable) << message;
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(db.query("SELECT x FROM t").empty());
}

TEST_F(PostgresTest, a_plan_of_before_a_change_of_the_table_is_made_again) {
  Database a(address), b(address);
  a.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  a.run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(b.query("SELECT * FROM t").size(), 1u);
  a.migrate("t", {"CREATE TABLE t (x INTEGER)", "ALTER TABLE t ADD COLUMN y TEXT NOT NULL DEFAULT 'new'"});
  EXPECT_EQ(b.query("SELECT * FROM t")[0].text("y"), "new");
}

TEST_F(PostgresTest, text_that_it_cannot_keep_is_kept_as_a_replacement_character) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (s TEXT)"});
  db.run("INSERT INTO t VALUES (?)", {std::string("a\0b\xff", 4)});
  EXPECT_EQ(db.query("SELECT s FROM t")[0].text("s"), "a\uFFFDb\uFFFD");
}

TEST_F(PostgresTest, text_is_in_the_order_of_bytes_and_like_finds_either_case) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (s TEXT)"});
  for (const char* text : {"b", "B", "a", "神", "é"}) db.run("INSERT INTO t VALUES (?)", {text});
  std::string all;
  for (const Row& row : db.query("SELECT s FROM t ORDER BY s")) all += row.text("s");
  EXPECT_EQ(all, "Babé神");
  EXPECT_EQ(db.query("SELECT s FROM t WHERE s LIKE ?", {"%b%"}).size(), 2u);
}

TEST_F(PostgresTest, a_sum_of_integers_is_an_integer) {
  Database db(address);
  db.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  db.run("INSERT INTO t VALUES (?), (?)", {int64_t{1} << 60, int64_t{1}});
  EXPECT_EQ(db.query("SELECT sum(x) AS s, avg(x) AS a FROM t")[0].integer("s"), (int64_t{1} << 60) + 1);
}

TEST(PostgresAddress, a_password_is_never_shown) {
  const std::string secret = "s3cr%65t!";  // of which %65 is an e
  EXPECT_EQ(shown_place("postgresql://me:" + secret + "@db.example:5433/shenbi"),
            "postgresql://me@db.example:5433/shenbi");
  // Nothing listens on port 1.
  const auto [code, message] = error_of([&] { Database db("postgresql://me:" + secret + "@127.0.0.1:1/shenbi"); });
  EXPECT_EQ(code, Code::kUnavailable);
  EXPECT_THAT(message, AllOf(HasSubstr("database postgresql://me@127.0.0.1:1/shenbi"), Not(HasSubstr("s3cr"))));
  for (const char* bad : {"postgresql://me:s3cret@h:port/x", "postgresql://me:s3cret@[/x",
                          "postgresql://h/x?nope=s3cret", "postgresql://me:s3cret%zz@h/x"}) {
    const auto [why, text] = error_of([&] { Database db((std::string(bad))); });
    EXPECT_THAT(text, Not(HasSubstr("s3cret"))) << bad;
    EXPECT_TRUE(why == Code::kInvalidArgument || why == Code::kUnavailable) << text;
  }
}

TEST(PostgresAddress, a_role_that_is_refused_is_told_by_name) {
  const std::string address = TestPostgres::instance().fresh();
  std::string other = address;
  other.replace(other.find("shenbi@"), 6, "nobody_we_know");
  const auto [code, message] = error_of([&] { Database db(other); });
  EXPECT_EQ(code, Code::kUnavailable);
  EXPECT_THAT(message, HasSubstr("role \"nobody_we_know\" does not exist"));
}

}  // namespace
}  // namespace shenbi::store
