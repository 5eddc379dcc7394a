#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

namespace shenbi {

TEST(ThreadTeam, shares_cover_every_item_once_in_multiples_of_the_unit) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadTeam team(threads, false);
    std::vector<std::atomic<int>> hits(1003);
    team.run([&](Lane& lane) {
      const auto [begin, end] = lane.share(hits.size(), 16);
      EXPECT_EQ(begin % 16, begin == hits.size() ? hits.size() % 16 : 0);
      for (size_t i = begin; i < end; ++i) hits[i]++;
    });
    for (auto& hit : hits) ASSERT_EQ(hit.load(), 1);
  }
}

TEST(ThreadTeam, a_barrier_makes_earlier_writes_of_all_lanes_visible) {
  for (bool spin : {false, true}) {
    ThreadTeam team(3, spin);
    std::vector<int> value(3, 0);
    std::atomic<int> wrong = 0;
    team.run([&](Lane& lane) {
      for (int round = 1; round <= 500; ++round) {
        value[static_cast<size_t>(lane.index())] = round;
        lane.barrier();
        if (std::accumulate(value.begin(), value.end(), 0) != 3 * round) ++wrong;
        lane.barrier();
      }
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST(ThreadTeam, a_dynamic_loop_gives_each_item_to_one_lane) {
  ThreadTeam team(2, false);
  std::vector<std::atomic<int>> hits(777);
  team.run([&](Lane& lane) {
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (size_t item; lane.next(hits.size(), item);) hits[item]++;
      lane.reset_counter();
    }
  });
  for (auto& hit : hits) ASSERT_EQ(hit.load(), 2);
}

TEST(ThreadTeam, runs_again_and_again) {
  ThreadTeam team(2);
  std::atomic<int> count = 0;
  for (int i = 0; i < 2000; ++i) team.run([&](Lane&) { ++count; });
  EXPECT_EQ(count, 4000);
}

}  // namespace shenbi
