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
//   team.run_pieces([&](Lane& lane) {            // whoever is there does the work
//     lane.pieces(count, [&](size_t piece) { compute(piece); }, [&] { once, when all pieces are done; });
//     ...
//   });
//
// Rows are split over lanes, sums never are, so a result does not depend on the number of threads. One run at a time;
// runs are not reentrant. An exception thrown inside a lane would leave the others waiting: lanes must not throw (the
// first that does ends the program), so check everything before a run.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
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
  int index() const noexcept { return index_; }
  int count() const noexcept;

  /// Waits until every lane of the team has arrived; what was written before is visible after. Only in run().
  void barrier() noexcept;

  /// This lane's part [begin, end) of `total` items, in multiples of `unit` (except at the end). Only in run().
  std::pair<size_t, size_t> share(size_t total, size_t unit = 1) const noexcept;

  /// One phase: work(0) ... work(count - 1), each once, by whichever lane takes it; returns when all are done and what
  /// they wrote is visible. Each lane begins with its own share, ascending, so that the same pieces come to the same
  /// lane and its caches while all lanes run; then it takes what is left of the others'. `then` runs once, on the lane
  /// that ended the last piece, before anybody goes on.
  ///
  /// A lane that comes late finds phases that are over and passes through them. So every lane must call the same
  /// phases with the same counts, and what lies between phases (and `count` itself) may only read what does not change
  /// in the whole run; whatever is written is written in pieces and in `then`.
  template <class Work, class Then>
  void pieces(size_t count, Work&& work, Then&& then) noexcept;
  template <class Work>
  void pieces(size_t count, Work&& work) noexcept {
    pieces(count, std::forward<Work>(work), [] {});
  }

 private:
  friend class ThreadTeam;
  Lane(ThreadTeam& team, int index, uint64_t phase) noexcept : team_(team), index_(index), phase_(phase) {}

  bool claim(uint64_t phase, int owner, size_t count, size_t& piece) noexcept;
  bool ends(uint64_t phase, size_t done, size_t count) noexcept;
  void open(uint64_t phase) noexcept;

  ThreadTeam& team_;
  int index_;
  uint64_t phase_;        ///< the next one
  int64_t slept_ns_ = 0;  ///< in this run, of its own will
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

  /// Runs `work`, whose only way to share work is pieces(), on lane 0 and on every other lane that comes before it is
  /// over: a thread that gets no processor holds nobody up unless it has a piece in hand. `brief`: so short (a few
  /// milliseconds) that one loss of the processor would double it; lanes that lately lost theirs sit such runs out.
  void run_pieces(const std::function<void(Lane&)>& work, bool brief);

 private:
  friend class Lane;
  enum class Kind : uint8_t { kAll, kPieces, kBriefPieces };
  struct alignas(64) Claims {
    std::atomic<uint64_t> word{0};  ///< phase << kPieceBits | next piece of this lane's share
  };

  void start(const std::function<void(Lane&)>& work, Kind kind);
  void worker(int index);
  bool enter() noexcept;
  void leave() noexcept;
  int64_t wait_while_equal(std::atomic<uint32_t>& word, uint32_t old) const noexcept;

  int count_;
  int spins_;
  // Of the run; written while nobody is inside.
  const std::function<void(Lane&)>* work_ = nullptr;
  uint64_t first_phase_ = 0;
  uint64_t run_ = 0;
  Kind kind_ = Kind::kAll;
  // Each on a cache line of its own: they are written by different lanes at different times.
  alignas(64) std::atomic<uint32_t> generation_{0};
  alignas(64) std::atomic<uint32_t> gate_{0};  ///< lanes inside, and whether more may enter
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> barrier_{0};
  alignas(64) std::atomic<uint64_t> open_{0};  ///< the phase whose pieces may be taken; ascends for the team's life
  std::atomic<uint32_t> bell_{0};              ///< its low bits, in the size that a thread can sleep on
  alignas(64) std::atomic<size_t> done_{0};    ///< pieces of it
  std::unique_ptr<Claims[]> claims_;           ///< of each lane
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

template <class Work, class Then>
void Lane::pieces(size_t count, Work&& work, Then&& then) noexcept {
  const uint64_t phase = phase_++;
  if (team_.open_.load(std::memory_order_acquire) > phase) return;
  size_t done = 0;
  for (int i = 0; i < team_.count_; ++i) {
    const int owner = (index_ + i) % team_.count_;
    for (size_t piece; claim(phase, owner, count, piece); ++done)
      if (piece < count) work(piece);
  }
  if (!ends(phase, done, count)) return;
  then();
  open(phase + 1);
}

}  // namespace shenbi
