// One mutex guards what is known of the jobs; the lanes take the one that is due and work on it without the mutex.

#include "server/media_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using gateway::Attempt;
using gateway::JobState;
using Phase = StoredMediaJob::Phase;

constexpr int kLanes = 4;  // each waits for a house most of its time; a download takes one for a while
constexpr auto kFirstLook = 500ms, kLongestLook = 10'000ms, kLongestTrouble = 60'000ms;
constexpr auto kNudgeAfter = 500ms;     // a client that asks in a circle does not have the house asked each time
constexpr int kMostUnknown = 5;         // a house may know a fresh job a little late
constexpr auto kLookForJobsEvery = 1s;  // at what other programs left
constexpr auto kSweepJobsEvery = 600s;

// The type of a film as its house says it, if it is one.
std::string film_type(const std::string& type) {
  const std::string word = type.substr(0, type.find(';'));
  return word == "video/mp4" || word == "video/webm" || word == "video/quicktime" ? word : "video/mp4";
}

}  // namespace

class MediaRunner::Impl {
 public:
  explicit Impl(State& state) : state_(state) {}

  void start() {
    take_over();
    std::lock_guard lock(mutex_);
    for (int i = 0; i < kLanes; ++i) lanes_.emplace_back([this] { work(); });
  }

  void stop() {
    stop_.request_stop();
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    for (std::thread& lane : lanes_) lane.join();
    if (lanes_.empty()) return;
    lanes_.clear();
    try {
      state_.media_jobs->let_go();
    } catch (const std::exception& error) {  // they are taken over when this program is gone
      log_warn("media jobs could not be handed on: {}", error.what());
    }
  }

  void submit(const StoredMediaJob& row, const gateway::MediaRequest& request) {
    gateway::MediaJob job;
    try {
      job = state_.provider->submit(request, stop_.get_token());
    } catch (...) {
      state_.media_jobs->forget(row.id);
      throw;
    }
    if (!state_.media_jobs->submitted(row.id, job)) {
      StoredMediaJob was = row;
      was.job = job;
      was.attempt = *job.attempt;
      was.phase = Phase::kWorking;
      return abandon(was);
    }
    std::lock_guard lock(mutex_);
    known_[row.id] = {.due = Clock::now() + kFirstLook, .ours = true};
    changed_.notify_one();
  }

  void nudge(const std::string& id) {
    std::lock_guard lock(mutex_);
    const auto found = known_.find(id);
    if (found == known_.end() || Clock::now() - found->second.looked < kNudgeAfter) return;
    if (found->second.troubles == 0) found->second.due = std::min(found->second.due, Clock::now());
    changed_.notify_one();
  }

  void abandon(const StoredMediaJob& was) {
    if (was.phase == Phase::kEnded || was.phase == Phase::kSubmitting) return;
    try {
      if (!state_.provider->cancel(was.job, stop_.get_token()))
        log_info("{}: its house cannot stop it; it is not looked after any more", was.id);
    } catch (const Error& error) {
      log_info("{}: its house did not stop it: {}", was.id, error.what());
    }
    // No house promises that what was stopped costs nothing: it counts as it was asked for.
    Attempt attempt = was.attempt;
    attempt.error = "the job was cancelled";
    settle(was.id, std::move(attempt), Attempt::Outcome::kAborted);
  }

 private:
  struct Known {
    Clock::time_point due{}, looked{};
    std::chrono::milliseconds delay{kFirstLook};
    int troubles = 0;  // in a row
    bool busy = false;
    bool ours = false;  // begun by this run of the program: budgets know of it
  };

  void take_over() {
    try {
      state_.media_jobs->claim();
      for (const StoredMediaJob& row : state_.media_jobs->mine()) {
        std::lock_guard lock(mutex_);
        known_.try_emplace(row.id, Known{.due = Clock::now()});
      }
      {
        std::lock_guard lock(mutex_);
        if (Clock::now() < sweep_at_) return;
        sweep_at_ = Clock::now() + kSweepJobsEvery;
      }
      state_.media_jobs->purge();
    } catch (const std::exception& error) {
      log_warn("media jobs cannot be read: {}", error.what());
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto now = Clock::now();
      if (now >= look_at_) {
        look_at_ = now + (state_.media_jobs->shared() ? std::chrono::seconds(kLookForJobsEvery) : kSweepJobsEvery);
        lock.unlock();
        take_over();
        lock.lock();
        continue;
      }
      const auto next = next_due();
      if (next == known_.end() || next->second.due > now) {
        // A copy: another lane may take the row away meanwhile.
        const Clock::time_point until = next == known_.end() ? look_at_ : std::min(look_at_, next->second.due);
        changed_.wait_until(lock, until);
        continue;
      }
      next->second.busy = true;
      const std::string id = next->first;
      Known one = next->second;
      lock.unlock();
      const bool goes_on = step(id, one);
      lock.lock();
      one.busy = false;
      one.looked = Clock::now();
      if (goes_on)
        known_[id] = one;
      else
        known_.erase(id);
    }
  }

  std::map<std::string, Known>::iterator next_due() {
    auto best = known_.end();
    for (auto it = known_.begin(); it != known_.end(); ++it) {
      if (!it->second.busy && (best == known_.end() || it->second.due < best->second.due)) best = it;
    }
    return best;
  }

  // False: there is nothing left to do for it.
  bool step(const std::string& id, Known& known) {
    try {
      const auto row = state_.media_jobs->find(id);
      if (!row || row->phase == Phase::kEnded) return false;
      return row->phase == Phase::kFetching ? fetch(*row, known) : look(*row, known);
    } catch (const std::exception& error) {
      if (stop_.stop_requested()) return true;
      return trouble(id, known, error);
    }
  }

  bool look(const StoredMediaJob& row, Known& known) {
    const gateway::MediaJob job = state_.provider->look(row.job, stop_.get_token());
    known.troubles = 0;
    if (job.state == JobState::kFailed || job.state == JobState::kCancelled) {
      gateway::MediaJob failed = job;
      if (failed.error.empty())
        failed.error = job.state == JobState::kCancelled ? "the house cancelled it" : "no reason given";
      return end(row, std::move(failed));
    }
    if (!state_.media_jobs->progress(row.id, job)) return false;
    if (job.state == JobState::kDone) {
      known.due = Clock::now();
      return true;
    }
    if (wall_clock() > row.created + kMediaJobSeconds) return give_up(row, "it was not finished within a day");
    known.delay = std::min<std::chrono::milliseconds>(known.delay * 2, kLongestLook);
    known.due = Clock::now() + known.delay;
    return true;
  }

  bool fetch(const StoredMediaJob& row, Known& known) {
    gateway::MediaJob job = row.job;
    if (known.troubles > 0 && !job.link.empty()) {  // it may have expired: who looks again gets a fresh one
      job = state_.provider->look(row.job, stop_.get_token());
      if (job.state != JobState::kDone) return look(row, known);
      if (job.link != row.job.link && !state_.media_jobs->progress(row.id, job)) return false;
    }
    FileDraft draft(state_.files->folder());
    const std::string type =
        state_.provider->fetch(job, [&](std::string_view bytes) { draft.write(bytes); }, stop_.get_token());
    draft.publish();
    if (!state_.media_jobs->complete(row.id, draft, film_type(type))) return false;
    Attempt attempt = row.attempt;
    attempt.raw_usage = row.job.raw_usage;
    if (const auto told = gateway::read_media_use(nlohmann::json{{"seconds", row.job.seconds}}.dump());
        told && told->milliseconds > 0) {
      attempt.media->milliseconds = told->milliseconds;
      if (attempt.raw_usage.empty()) attempt.raw_usage = nlohmann::json{{"seconds", row.job.seconds}}.dump();
    }
    settle(row.id, std::move(attempt), Attempt::Outcome::kSettled, known.ours);
    return false;
  }

  bool end(const StoredMediaJob& row, gateway::MediaJob job) {
    if (!state_.media_jobs->fail(row.id, job)) return false;
    Attempt attempt = row.attempt;
    attempt.media = gateway::MediaUse{};  // houses do not charge for what they failed to make
    attempt.status = code_info(Code::kUpstream).http_status;
    attempt.error = job.error;
    settle(row.id, std::move(attempt), Attempt::Outcome::kFailed);
    return false;
  }

  bool give_up(const StoredMediaJob& row, const std::string& why) {
    gateway::MediaJob job = row.job;
    job.error = why;
    job.code = "gone";
    if (!state_.media_jobs->fail(row.id, job)) return false;
    Attempt attempt = row.attempt;  // it may have been made
    attempt.error = why;
    settle(row.id, std::move(attempt), Attempt::Outcome::kAborted);
    return false;
  }

  // What passes is tried again; what does not ends the job.
  bool trouble(const std::string& id, Known& known, const std::exception& error) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    const Code code = ours ? ours->code() : Code::kInternal;
    ++known.troubles;
    const bool unknown = code == Code::kNotFound && known.troubles >= kMostUnknown;
    const bool final = code == Code::kInvalidArgument || code == Code::kUnsupported || unknown;
    try {
      const auto row = state_.media_jobs->find(id);
      if (!row || row->phase == Phase::kEnded) return false;
      if (final || wall_clock() > row->created + kMediaJobSeconds) return give_up(*row, error.what());
    } catch (const std::exception& worse) {  // the database is away: later
      log_warn("{}: {}", id, worse.what());
    }
    if (known.troubles == 1) log_info("{}: {}; asking again", id, error.what());
    const auto delay = kFirstLook * (int64_t{1} << std::min(known.troubles, 10));
    known.due = Clock::now() + std::min<std::chrono::milliseconds>(delay, kLongestTrouble);
    return true;
  }

  void settle(const std::string& id, Attempt attempt, Attempt::Outcome outcome, bool ours = true) {
    attempt.outcome = outcome;
    attempt.total_s = std::max(0.0, wall_clock() - static_cast<double>(attempt.started));
    state_.accounting.file(attempt);
    {
      std::lock_guard lock(mutex_);
      const auto known = known_.find(id);
      ours = ours && known != known_.end() && known->second.ours;
    }
    if (ours) return;
    // Of a run of the program that has ended: its row replaces the one that the start made of its note, and budgets
    // count anew.
    state_.ledger.flush();
    state_.budgets.recount();
  }

  State& state_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Known> known_;
  Clock::time_point look_at_{}, sweep_at_{};
  bool stopping_ = false;
  std::stop_source stop_;
  std::vector<std::thread> lanes_;
};

MediaRunner::MediaRunner(State& state) : impl_(std::make_unique<Impl>(state)) {}
MediaRunner::~MediaRunner() { stop(); }
void MediaRunner::start() { impl_->start(); }
void MediaRunner::stop() { impl_->stop(); }
void MediaRunner::submit(const StoredMediaJob& row, const gateway::MediaRequest& request) {
  impl_->submit(row, request);
}
void MediaRunner::nudge(const std::string& id) { impl_->nudge(id); }
void MediaRunner::abandon(const StoredMediaJob& was) { impl_->abandon(was); }

}  // namespace shenbi::server
