#include "store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/folders.h"
#include "store/test_postgres.h"

namespace shenbi::store {
namespace {

using ::testing::HasSubstr;

template <class Work>
Code code_of(const Work& work, std::string* message = nullptr) {
  try {
    work();
  } catch (const Error& error) {
    if (message) *message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return Code::kInternal;
}

class DatabaseTest : public OnBothSides {};
INSTANTIATE_TEST_SUITE_P(On, DatabaseTest, kSides, side_name);

class SqliteTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "sub" / "t.db";
};

TEST_P(DatabaseTest, keeps_values_of_every_kind) {
  Database db(place());
  db.migrate("t", {"CREATE TABLE t (i INTEGER, d REAL, s TEXT, b BLOB, n TEXT)"});
  const std::string bytes("\0\xff'--", 5);
  db.run("INSERT INTO t VALUES (?, ?, ?, ?, ?)",
         {int64_t{1} << 60, 0.5, std::string("神笔' OR 1=1--"), Blob{bytes}, nullptr});
  const auto rows = db.query("SELECT * FROM t");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].integer("i"), int64_t{1} << 60);
  EXPECT_EQ(rows[0].real("d"), 0.5);
  EXPECT_EQ(rows[0].text("s"), "神笔' OR 1=1--");
  EXPECT_EQ(rows[0].text("b"), bytes);
  EXPECT_TRUE(rows[0].is_null("n"));
}

TEST_P(DatabaseTest, applies_each_step_once_and_refuses_a_newer_file) {
  {
    Database(place()).migrate("t", {"CREATE TABLE a (x INTEGER)"});
  }
  {
    Database db(place());
    db.migrate("t", {"CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)"});
    db.run("INSERT INTO b VALUES (1)");
  }
  Database db(place());
  std::string message;
  EXPECT_EQ(code_of([&] { db.migrate("t", {"CREATE TABLE a (x INTEGER)"}); }, &message), Code::kUnsupported);
  EXPECT_THAT(message, HasSubstr("newer shenbi (schema 2, this one knows 1)"));
}

TEST_P(DatabaseTest, a_step_that_fails_leaves_nothing) {
  Database db(place());
  EXPECT_ANY_THROW(db.migrate("t", {"CREATE TABLE a (x INTEGER)", "CREATE NONSENSE"}));
  EXPECT_TRUE(db.query("SELECT part FROM schema_parts").empty());
  db.migrate("t", {"CREATE TABLE a (x INTEGER)"});
}

TEST_P(DatabaseTest, a_transaction_that_throws_is_undone) {
  Database db(place());
  db.migrate("t", {"CREATE TABLE t (x INTEGER PRIMARY KEY)"});
  const auto work = [&] {
    db.run("INSERT INTO t VALUES (1)");
    db.transaction([&] { db.run("INSERT INTO t VALUES (2)"); });
    db.run("INSERT INTO t VALUES (1)");
  };
  EXPECT_EQ(code_of([&] { db.transaction(work); }), Code::kInvalidArgument);
  EXPECT_TRUE(db.query("SELECT * FROM t").empty());
  db.transaction([&] { db.run("INSERT INTO t VALUES (3)"); });
  EXPECT_EQ(db.query("SELECT * FROM t").size(), 1u);
}

TEST_P(DatabaseTest, many_threads_write_without_losing_a_row) {
  Database db(place());
  db.migrate("t", {"CREATE TABLE t (x INTEGER)"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) db.transaction([&] { db.run("INSERT INTO t VALUES (?)", {int64_t{i}}); });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(db.query("SELECT count(*) AS n FROM t")[0].integer("n"), 100);
}

TEST_F(SqliteTest, a_second_holder_is_refused_by_name) {
  const Database db(path);
  std::string message;
  EXPECT_EQ(code_of([&] { Database second(path); }, &message), Code::kInvalidArgument);
  EXPECT_THAT(message, HasSubstr(path.string() + ": another shenbi process uses this database"));
}

TEST_F(SqliteTest, a_file_that_is_no_database_is_refused_and_left_alone) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << std::string(8192, 'x');
  EXPECT_EQ(code_of([&] { Database db(path); }), Code::kCorruptFile);
  EXPECT_EQ(std::filesystem::file_size(path), 8192u);
}

// The child is killed without warning right after each acknowledged row was reported; every reported row must be there.
TEST_P(DatabaseTest, what_was_acknowledged_survives_kill_9) {
  place();  // here and not in the child
  for (int trial = 0; trial < 5; ++trial) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Database db(place());
      db.migrate("t", {"CREATE TABLE t (x INTEGER PRIMARY KEY)"});
      const int64_t first = db.query("SELECT coalesce(max(x), 0) AS m FROM t")[0].integer("m") + 1;
      for (int64_t i = first;; ++i) {
        db.run("INSERT INTO t VALUES (?)", {i});
        if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
      }
    }
    int64_t acknowledged = 0;
    for (int i = 0; i < 20 + trial * 7; ++i) ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof acknowledged), 8);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    Database db(place());
    EXPECT_GE(db.query("SELECT max(x) AS m FROM t")[0].integer("m"), acknowledged);
    EXPECT_EQ(db.query("SELECT count(*) - max(x) AS d FROM t")[0].integer("d"), 0);
    if (!is_shared()) {
      EXPECT_EQ(db.query("PRAGMA integrity_check")[0].text("integrity_check"), "ok");
    }
  }
}

TEST_F(SqliteTest, a_full_disk_is_said_so_and_heals) {
  Database db(path);
  db.migrate("t", {"CREATE TABLE t (s TEXT)"});
  db.run("PRAGMA max_page_count = 8");
  std::string message;
  EXPECT_EQ(code_of([&] { db.run("INSERT INTO t VALUES (?)", {std::string(100'000, 'x')}); }, &message),
            Code::kNoSpace);
  EXPECT_THAT(message, HasSubstr("no space left on the disk"));
  EXPECT_EQ(code_of([&] {
              db.transaction([&] {
                db.run("INSERT INTO t VALUES ('half')");
                db.run("INSERT INTO t VALUES (?)", {std::string(100'000, 'x')});
              });
            }),
            Code::kNoSpace);
  db.run("PRAGMA max_page_count = 1000");
  EXPECT_TRUE(db.query("SELECT * FROM t").empty());
  db.run("INSERT INTO t VALUES ('after')");
  EXPECT_EQ(db.query("SELECT * FROM t").size(), 1u);
}

TEST_F(SqliteTest, another_program_that_holds_the_file_makes_writes_wait_and_then_fail) {
  Database db(path);
  db.migrate("t", {"CREATE TABLE t (s TEXT)"});
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(code_of([&] { db.run("INSERT INTO t VALUES ('x')"); }), Code::kUnavailable);
  EXPECT_TRUE(db.query("SELECT * FROM t").empty()) << "reading goes on";
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  db.run("INSERT INTO t VALUES ('x')");
  EXPECT_EQ(db.query("SELECT * FROM t").size(), 1u);
}

TEST_F(SqliteTest, what_is_left_of_a_database_is_never_taken_for_a_new_one) {
  {
    Database(path).migrate("t", {"CREATE TABLE t (s TEXT)"});
  }
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".new"));
  std::string message;
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ(code_of([&] { Database db(path); }, &message), Code::kCorruptFile);
  EXPECT_THAT(message, HasSubstr("t.db: the database is empty"));
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  std::filesystem::remove(path);
  std::ofstream(path.string() + "-wal") << "frames";
  EXPECT_EQ(code_of([&] { Database db(path); }, &message), Code::kCorruptFile);
  EXPECT_THAT(message, HasSubstr("the database is missing, but its log"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace shenbi::store
