#include "store/instances.h"

#include <gtest/gtest.h>

#include <atomic>

#include "store/test_postgres.h"
#include "store/version.h"

namespace shenbi::store {
namespace {

constexpr InstanceTimes kFast{.beat = std::chrono::milliseconds(20), .gone = std::chrono::milliseconds(400)};

class InstancesTest : public testing::Test {
 protected:
  std::unique_ptr<Database> program() const {
    auto database = std::make_unique<Database>(address);
    database->instances().set_times(kFast);
    return database;
  }
  template <class Condition>
  static void wait_for(const Condition& condition) {
    while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::string address = TestPostgres::instance().fresh();
};

TEST_F(InstancesTest, each_program_has_a_number_and_the_one_of_a_file_is_1) {
  const auto a = program(), b = program();
  EXPECT_NE(a->instances().own(), b->instances().own());
  EXPECT_EQ(a->instances().own(), a->instances().own());
  const TemporaryFolder folder;
  Database file((folder.path() / "t.db").string());
  EXPECT_EQ(file.instances().own(), 1);
}

TEST_F(InstancesTest, what_an_ended_program_left_is_taken_over_once) {
  auto a = program();
  const auto b = program(), c = program();
  const int64_t number = a->instances().own();
  std::atomic<int> taken = 0;
  const auto count = [&](int64_t gone) { taken += gone == number; };
  const auto b_token = b->instances().on_gone(count), c_token = c->instances().on_gone(count);
  b->instances().watch();
  c->instances().watch();
  EXPECT_EQ(taken, 0);
  a.reset();
  wait_for([&] { return b->query("SELECT 1 AS one FROM instances WHERE id = ?", {number}).empty(); });
  EXPECT_EQ(taken, 1);
}

TEST_F(InstancesTest, a_take_over_that_fails_is_tried_again) {
  auto a = program();
  const auto b = program();
  a->instances().own();
  std::atomic<int> tries = 0;
  const auto token = b->instances().on_gone([&](int64_t) {
    if (++tries < 3) throw std::runtime_error("not now");
  });
  b->instances().watch();
  a.reset();
  wait_for([&] { return tries == 3; });
  wait_for([&] { return b->query("SELECT id FROM instances").size() == 1; });
  EXPECT_EQ(tries, 3);
}

TEST_F(InstancesTest, a_program_that_was_struck_off_gets_a_new_number) {
  const auto a = program();
  const int64_t number = a->instances().own();
  a->run("DELETE FROM instances");
  wait_for([&] { return a->instances().own() != number; });
  EXPECT_EQ(a->query("SELECT id FROM instances")[0].integer("id"), a->instances().own());
}

TEST_F(InstancesTest, a_version_tells_what_others_have_changed) {
  Database a(address), b(address);
  Version of_a(a, "keys"), of_b(b, "keys"), other(b, "budgets");
  int loads = 0, others = 0;
  const auto follow = [&] { of_b.follow([&] { ++loads; }); };
  follow();
  follow();
  EXPECT_EQ(loads, 1);
  a.transaction([&] { of_a.bump(); });
  EXPECT_THROW(of_b.follow([&] { throw std::runtime_error("not now"); }), std::runtime_error);
  follow();
  follow();
  EXPECT_EQ(loads, 2);
  other.follow([&] { ++others; });
  other.follow([&] { ++others; });
  EXPECT_EQ(others, 1);
}

}  // namespace
}  // namespace shenbi::store
