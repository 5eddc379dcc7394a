#include "base/thread_team.h"

#include <time.h>

#include <chrono>

#include "base/error.h"

namespace shenbi {
namespace {

// About 20 us at 3 GHz with a pause of ~40 cycles: longer than the gap between two operations of a token, shorter than
// a time slice. Waking a sleeping thread costs 0.6 us here, 30 or more on other machines.
constexpr int kSpins = 1500;

// Of a claim's word.
constexpr int kPieceBits = 24;
constexpr uint64_t kPieceMask = (uint64_t{1} << kPieceBits) - 1;

// Of the gate's word: lanes may enter the run.
constexpr uint32_t kOpen = uint32_t{1} << 31;

inline void pause_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int64_t nanoseconds(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Whether another program holds this thread's processor. A pass of a few milliseconds in which a lane with a piece in
// hand waits for its turn takes twice as long as one without that lane, so after such a pass the lane stays away from
// one, from twice as many each time, and from half as many after each pass that it was not disturbed in.
class Hindrance {
 public:
  bool sits_out() noexcept {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  void begin() noexcept { wall_ = nanoseconds(CLOCK_MONOTONIC), own_ = nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
  void end(int64_t slept_ns) noexcept {
    constexpr int64_t kNoticed = 300'000;
    constexpr int kShareOfRun = 8, kFewest = 1, kMost = 64;
    const int64_t wall = nanoseconds(CLOCK_MONOTONIC) - wall_, own = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - own_;
    const int64_t lost = wall - own - slept_ns;
    if (lost < kNoticed || lost < wall / kShareOfRun) {
      next_ = std::max(next_ / 2, kFewest);
      return;
    }
    left_ = next_;
    next_ = std::min(2 * next_, kMost);
  }

 private:
  int64_t wall_ = 0, own_ = 0;
  int left_ = 0, next_ = 1;
};

}  // namespace

// ---------------------------------------------------------------- lanes

int Lane::count() const noexcept { return team_.count_; }

void Lane::barrier() noexcept {
  // Sense-reversing: the last lane to arrive opens the next phase.
  ThreadTeam& t = team_;
  if (t.count_ == 1) return;
  const uint32_t phase = t.barrier_.load(std::memory_order_relaxed);
  if (t.arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(t.count_)) {
    t.arrived_.store(0, std::memory_order_relaxed);
    t.barrier_.store(phase + 1, std::memory_order_release);
    t.barrier_.notify_all();
  } else {
    t.wait_while_equal(t.barrier_, phase);
  }
}

std::pair<size_t, size_t> Lane::share(size_t total, size_t unit) const noexcept {
  const size_t units = (total + unit - 1) / unit;
  const size_t lanes = static_cast<size_t>(count()), i = static_cast<size_t>(index_);
  const size_t begin = units * i / lanes * unit, end = units * (i + 1) / lanes * unit;
  return {std::min(begin, total), std::min(end, total)};
}

// Next piece of the owner's share. A word of an earlier phase means that nothing of this one was taken yet; of a later
// one, that this phase is over. Hence words need no resetting, and a lane that slept through phases cannot take a piece
// of the wrong one.
bool Lane::claim(uint64_t phase, int owner, size_t count, size_t& piece) noexcept {
  const size_t lanes = static_cast<size_t>(team_.count_), i = static_cast<size_t>(owner);
  const size_t units = std::max<size_t>(count, 1), begin = units * i / lanes, size = units * (i + 1) / lanes - begin;
  if (size == 0) return false;
  std::atomic<uint64_t>& word = team_.claims_[i].word;
  uint64_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    if (seen >> kPieceBits > phase) return false;
    const uint64_t next = seen >> kPieceBits == phase ? seen & kPieceMask : 0;
    if (next >= size) return false;
    if (word.compare_exchange_weak(seen, (phase << kPieceBits) + next + 1, std::memory_order_relaxed)) {
      piece = begin + next;
      return true;
    }
  }
}

// True on the lane that ended the last piece, which then opens the next phase; the others wait for that.
bool Lane::ends(uint64_t phase, size_t done, size_t count) noexcept {
  ThreadTeam& t = team_;
  if (done > 0 && t.done_.fetch_add(done, std::memory_order_acq_rel) + done == std::max<size_t>(count, 1)) {
    t.done_.store(0, std::memory_order_relaxed);
    return true;
  }
  while (t.open_.load(std::memory_order_acquire) <= phase)
    slept_ns_ += t.wait_while_equal(t.bell_, static_cast<uint32_t>(phase));
  return false;
}

// The bell first: a lane that goes on at once may sleep on it in the new phase.
void Lane::open(uint64_t phase) noexcept {
  team_.bell_.store(static_cast<uint32_t>(phase), std::memory_order_release);
  team_.open_.store(phase, std::memory_order_release);
  if (team_.count_ > 1) team_.bell_.notify_all();
}

// ---------------------------------------------------------------- the team

ThreadTeam::ThreadTeam(int threads, bool may_spin) : count_(threads), spins_(may_spin ? kSpins : 0) {
  SHENBI_CHECK(threads >= 1);
  claims_ = std::make_unique<Claims[]>(static_cast<size_t>(threads));
  open_.store(1, std::memory_order_relaxed);  // claims are of phase 0
  bell_.store(1, std::memory_order_relaxed);
  for (int i = 1; i < threads; ++i) threads_.emplace_back([this, i] { worker(i); });
}

ThreadTeam::~ThreadTeam() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (auto& thread : threads_) thread.join();
}

/// Returns how long it slept.
int64_t ThreadTeam::wait_while_equal(std::atomic<uint32_t>& word, uint32_t old) const noexcept {
  for (int i = 0; i < spins_; ++i) {
    if (word.load(std::memory_order_acquire) != old) return 0;
    pause_cpu();
  }
  if (word.load(std::memory_order_acquire) != old) return 0;
  const int64_t begin = nanoseconds(CLOCK_MONOTONIC);
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
  return nanoseconds(CLOCK_MONOTONIC) - begin;
}

void ThreadTeam::run(const std::function<void(Lane&)>& work) { start(work, Kind::kAll); }

void ThreadTeam::run_pieces(const std::function<void(Lane&)>& work, bool brief) {
  start(work, brief ? Kind::kBriefPieces : Kind::kPieces);
}

void ThreadTeam::start(const std::function<void(Lane&)>& work, Kind kind) {
  work_ = &work;
  first_phase_ = open_.load(std::memory_order_relaxed);
  kind_ = kind;
  ++run_;
  if (count_ > 1) {
    gate_.store(kOpen, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }
  const auto lane_zero = [&]() noexcept {
    Lane lane(*this, 0, first_phase_);
    work(lane);
    if (kind == Kind::kAll) lane.barrier();
  };
  lane_zero();
  if (count_ == 1) return;
  // Whoever is still inside passes through phases that are over.
  uint32_t inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (inside != 0) {
    wait_while_equal(gate_, inside);
    inside = gate_.load(std::memory_order_acquire);
  }
}

bool ThreadTeam::enter() noexcept {
  uint32_t gate = gate_.load(std::memory_order_acquire);
  do {
    if ((gate & kOpen) == 0) return false;
  } while (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

void ThreadTeam::leave() noexcept {
  gate_.fetch_sub(1, std::memory_order_acq_rel);
  gate_.notify_one();
}

void ThreadTeam::worker(int index) {
  uint32_t seen = 0;
  uint64_t done = 0;  // the last run that this lane took part in
  Hindrance hindrance;
  for (;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (!enter()) continue;
    // A run opens its gate before it is announced, so a lane may come twice.
    const bool brief = kind_ == Kind::kBriefPieces;
    if (run_ != done && !(brief && hindrance.sits_out())) {
      done = run_;
      const auto lane_body = [&]() noexcept {
        Lane lane(*this, index, first_phase_);
        if (brief) hindrance.begin();
        (*work_)(lane);
        if (kind_ == Kind::kAll) lane.barrier();
        if (brief) hindrance.end(lane.slept_ns_);
      };
      lane_body();
    }
    leave();
  }
}

}  // namespace shenbi
