#include "gateway/key_pool.h"

#include <gtest/gtest.h>

namespace shenbi::gateway {
namespace {

using std::chrono::seconds;

struct Clock {
  KeyPool::Time time{};
  std::function<KeyPool::Time()> now() {
    return [this] { return time; };
  }
};

TEST(KeyPool, keys_take_turns) {
  Clock clock;
  KeyPool pool(3, clock.now());
  EXPECT_EQ(pool.take(), 0u);
  EXPECT_EQ(pool.take(), 1u);
  EXPECT_EQ(pool.take(), 2u);
  EXPECT_EQ(pool.take(), 0u);
}

TEST(KeyPool, a_key_that_is_told_to_wait_is_passed_over_for_as_long) {
  Clock clock;
  KeyPool pool(2, clock.now());
  pool.failed(0, 429, seconds(7));
  EXPECT_EQ(pool.take(), 1u);
  EXPECT_EQ(pool.take(), 1u);
  clock.time += seconds(7);
  EXPECT_EQ(pool.take(), 0u);
}

TEST(KeyPool, when_all_cool_the_shortest_wait_is_told) {
  Clock clock;
  KeyPool pool(2, clock.now());
  pool.failed(0, 429, seconds(30));
  pool.failed(1, 429, seconds(9));
  EXPECT_FALSE(pool.ready());
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(pool.wait(), seconds(9));
}

TEST(KeyPool, failures_in_a_row_double_the_pause_up_to_a_minute_and_one_success_forgives) {
  Clock clock;
  KeyPool pool(1, clock.now());
  for (const int expected : {1, 2, 4, 8, 16, 32, 60, 60}) {
    pool.failed(0, 503, std::nullopt);
    EXPECT_EQ(pool.wait(), seconds(expected));
    clock.time += seconds(expected);
  }
  pool.succeeded(0);
  pool.failed(0, 0, std::nullopt);
  EXPECT_EQ(pool.wait(), seconds(1));
}

TEST(KeyPool, a_refused_key_rests_for_ten_minutes) {
  Clock clock;
  KeyPool pool(1, clock.now());
  pool.failed(0, 401, std::nullopt);
  EXPECT_EQ(pool.wait(), seconds(600));
}

TEST(KeyPool, a_bad_request_is_not_the_keys_fault) {
  Clock clock;
  KeyPool pool(1, clock.now());
  for (const int status : {400, 404, 413, 422}) pool.failed(0, status, std::nullopt);
  EXPECT_TRUE(pool.ready());
}

TEST(KeyPool, an_absurd_retry_after_is_bounded) {
  Clock clock;
  KeyPool pool(1, clock.now());
  pool.failed(0, 429, seconds(1'000'000'000));
  EXPECT_EQ(pool.wait(), seconds(3600));
}

}  // namespace
}  // namespace shenbi::gateway
