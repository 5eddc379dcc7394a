#pragma once
// A team of threads that all run the same function (SPMD): the caller is lane 0, the others sleep or spin between runs.
//
//   ThreadTeam team(2);
//   team.run([&](Lane& lane) {
//     auto [begin, end] = lane.share(rows);      // static, equal parts: the same rows go to the same lane each time
//     compute(begin, end);
//     lane.barrier();
//     ...
//   });
//
// Rows are split over lanes, sums never are, so a result does not depend on the number of threads. One run at a time; run()
// is not reentrant. An exception thrown inside a lane would leave the others at a barrier: lanes must not throw (the
// first that does ends the program), so check everything before run().

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace shenbi {

class ThreadTeam;

/// One thread's view of a run.
class Lane {
 public:
  Lane(ThreadTeam& team, int index) noexcept : team_(team), index_(index) {}

  int index() const noexcept { return index_; }
  int count() const noexcept;

  /// Waits until every lane of the team has arrived; what was written before is visible after.
  void barrier() noexcept;

  /// This lane's part [begin, end) of `total` items, in multiples of `unit` (except at the end).
  std::pair<size_t, size_t> share(size_t total, size_t unit = 1) const noexcept;

  /// Next item of a dynamic loop over [0, total), shared by all lanes; returns false when none is left. Call
  /// reset_counter() (behind a barrier) before the next loop.
  bool next(size_t total, size_t& item) noexcept;
  /// All lanes call it; holds two barriers.
  void reset_counter() noexcept;

 private:
  ThreadTeam& team_;
  int index_;
};

class ThreadTeam {
 public:
  /// `threads` >= 1; threads - 1 workers are started. `may_spin` false (containers with a CPU quota, more threads than
  /// cores) goes to sleep at once instead of spinning about 20 us first.
  explicit ThreadTeam(int threads, bool may_spin = true);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int count() const noexcept { return count_; }

  /// Runs `work` on every lane and returns when all have finished.
  void run(const std::function<void(Lane&)>& work);

 private:
  friend class Lane;
  void worker(int index);
  void wait_while_equal(std::atomic<uint32_t>& word, uint32_t old) const noexcept;

  int count_;
  int spins_;
  const std::function<void(Lane&)>* work_ = nullptr;
  // Each on a cache line of its own: they are written by different lanes at different times.
  alignas(64) std::atomic<uint32_t> generation_{0};
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> phase_{0};
  alignas(64) std::atomic<size_t> next_{0};
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace shenbi
