#include "server/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace shenbi::server {
namespace {

std::thread::id run_one(Workers& workers) {
  std::promise<std::thread::id> who;
  EXPECT_TRUE(workers.run([&] { who.set_value(std::this_thread::get_id()); }));
  return who.get_future().get();
}

void wait_for_idle(const Workers& workers, size_t count) {
  while (workers.idle() < count) std::this_thread::yield();
}

TEST(Workers, a_job_goes_to_the_thread_that_ran_out_of_work_last) {
  Workers workers(4);
  wait_for_idle(workers, 4);
  const std::thread::id first = run_one(workers);
  for (int i = 0; i < 20; ++i) {
    wait_for_idle(workers, 4);
    EXPECT_EQ(run_one(workers), first);
  }
}

TEST(Workers, all_threads_work_when_there_is_work_for_all) {
  Workers workers(4);
  std::atomic<int> inside = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(workers.run([&] {
      ++inside;
      while (inside < 4) std::this_thread::yield();  // none returns before all have come
    }));
  }
  wait_for_idle(workers, 4);
  EXPECT_EQ(inside, 4);
}

TEST(Workers, what_is_queued_runs_before_the_end_and_nothing_is_taken_after_it) {
  std::atomic<int> done = 0;
  Workers workers(2);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(workers.run([&] { ++done; }));
  workers.stop();
  EXPECT_EQ(done, 1000);
  EXPECT_FALSE(workers.run([&] { ++done; }));
  EXPECT_EQ(done, 1000);
}

}  // namespace
}  // namespace shenbi::server
