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
      for (int round = 1; round <= 200; ++round) {
        value[static_cast<size_t>(lane.index())] = round;
        lane.barrier();
        if (std::accumulate(value.begin(), value.end(), 0) != 3 * round) ++wrong;
        lane.barrier();
      }
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST(ThreadTeam, a_phase_gives_each_piece_to_one_lane_and_ends_when_all_are_done) {
  for (const int threads : {1, 2, 3, 5}) {
    ThreadTeam team(threads, threads < 3);
    std::vector<int> value(97);  // not atomic: phases order what is written
    std::atomic<int> wrong = 0, ends = 0;
    for (int run = 0; run < 50; ++run) {
      std::fill(value.begin(), value.end(), 0);
      const auto work = [&](Lane& lane) {
        for (int phase = 1; phase <= 20; ++phase) {
          lane.pieces(
              value.size(), [&](size_t i) { wrong += value[i]++ != phase - 1; },
              [&] { ends += std::accumulate(value.begin(), value.end(), 0) == phase * 97; });
          lane.pieces(1, [&](size_t) { wrong += value.front() != phase || value.back() != phase; });
          lane.pieces(0, [&](size_t) { ++wrong; });
        }
      };
      if (run % 3 == 0) team.run(work);
      if (run % 3 == 1) team.run_pieces(work, false);
      if (run % 3 == 2) team.run_pieces(work, true);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(ends, 50 * 20);
  }
}

TEST(ThreadTeam, one_lane_finishes_what_the_others_sleep_through) {
  ThreadTeam team(3, false);
  std::atomic<int> done = 0;
  std::atomic<bool> over = false;
  const auto work = [&](Lane& lane) {
    if (lane.index() != 0) over.wait(false);
    for (int phase = 0; phase < 10; ++phase) lane.pieces(7, [&](size_t) { ++done; });
    if (lane.index() != 0) return;
    EXPECT_EQ(done, 70);
    over = true;
    over.notify_all();
  };
  team.run_pieces(work, false);
  EXPECT_EQ(done, 70);
}

TEST(ThreadTeam, runs_again_and_again) {
  ThreadTeam team(2);
  std::atomic<int> count = 0;
  for (int i = 0; i < 500; ++i) {
    team.run([&](Lane&) { ++count; });
    team.run_pieces([&](Lane& lane) { lane.pieces(3, [&](size_t) { ++count; }); }, true);
  }
  EXPECT_EQ(count, 500 * (2 + 3));
}

}  // namespace shenbi
