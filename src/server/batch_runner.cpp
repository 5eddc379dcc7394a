// One mutex guards the list of jobs; the lanes take tasks from it and do them without it. A task is: open a job (judge
// or index its input), run one of its lines, end it, or sweep what has expired. A job is opened and ended by one lane,
// and ended only when none of its lines runs.

#include "server/batch_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "server/batches.h"
#include "server/captured_answer.h"
#include "server/request_record.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

// Behind every priority that a caller may give himself (+-1,000,000), and still ordered among each other.
constexpr int kBatchPriority = 2'000'001;
constexpr double kFirstDelay = 0.5, kLongestDelay = 60;  // seconds before a line that found no room is asked again
// A model that does not fit (503) may fit when another one is unloaded, but not every minute of a day.
constexpr int kMaxNoMemory = 10;
constexpr double kTroubleDelay = 10;  // after the disk or the database refused
constexpr double kSweepEvery = 600;
// Where other programs share the database: at what they cancelled or left.
constexpr std::chrono::seconds kLookEvery{1};

struct Job {
  StoredBatch batch;
  bool open = false, busy = false, cancelled = false;
  bool lost = false;                 // to another program
  std::vector<BatchProblem> broken;  // why it cannot go on
  std::shared_ptr<const FileReader> input;
  std::vector<BatchLine> lines;
  std::deque<size_t> left;  // of `lines`: not answered and not running
  std::map<size_t, std::shared_ptr<CapturedAnswer>> running;
  std::map<size_t, int> no_memory;  // how often
  double not_before = 0, delay = 0;
  std::string refusal;  // the last one
  uint64_t served = 0;  // when it last got a lane
};
using JobPtr = std::shared_ptr<Job>;

bool over(const Job& job, double now) { return job.cancelled || !job.broken.empty() || now >= job.batch.expires; }

std::string first_words(const std::string& body) { return body.substr(0, 300); }

}  // namespace

class BatchRunner::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(State& state, const Router& router) : state_(state), router_(router) {}

  void listen() {
    state_.batches->on_news([self = weak_from_this()](const std::string&) {
      if (const auto runner = self.lock()) runner->look();
    });
  }

  void start() {
    look();
    const uint32_t lanes = std::max(1u, state_.options.engine.max_sequences / 2);
    for (uint32_t i = 0; i < lanes; ++i) lanes_.emplace_back([this] { work(); });
    // Not a task of the lanes: all of them may wait for an answer that is to be cancelled.
    if (state_.batches->shared()) lanes_.emplace_back([this] { keep_looking(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const JobPtr& job : jobs_) cancel_running(*job);
    }
    news_.notify_all();
    looked_.notify_all();
    for (auto& lane : lanes_) lane.join();
    if (!std::exchange(lanes_, {}).empty()) let_go();
  }

 private:
  struct Task {
    enum class Kind { kOpen, kLine, kEnd, kSweep } kind{};
    JobPtr job;
    size_t line = 0;
  };

  // --- the list of jobs ---

  // What is ours now; a job that is not any more is dropped, whatever runs of it.
  void look() {
    const std::lock_guard one_at_a_time(look_mutex_);
    std::unordered_set<std::string> ids;
    for (StoredBatch& batch : state_.batches->claim()) {
      ids.insert(batch.id);
      add(std::move(batch));
    }
    if (!state_.batches->shared()) return;
    const std::lock_guard lock(mutex_);
    for (const JobPtr& job : jobs_) {
      if (ids.contains(job->batch.id)) continue;
      job->lost = true;
      cancel_running(*job);
    }
    std::erase_if(jobs_, [](const JobPtr& job) { return job->lost; });
  }

  void keep_looking() {
    std::string trouble;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      looked_.wait_for(lock, kLookEvery, [&] { return stopping_; });
      if (stopping_) return;
      lock.unlock();
      std::string why;
      try {
        look();
      } catch (const std::exception& error) {
        why = error.what();
      }
      if (!why.empty() && why != trouble) log_warn("batches: {}", why);
      trouble = why;
      lock.lock();
    }
  }

  void let_go() {
    try {
      state_.batches->let_go();
    } catch (const std::exception& error) {  // then they are free when this program is found to be gone
      log_warn("batches: {}", error.what());
    }
  }

  void add(StoredBatch batch) {
    const std::lock_guard lock(mutex_);
    const bool cancelled = batch.status == BatchStatus::kCancelling;
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](auto& job) { return job->batch.id == batch.id; });
    if (found == jobs_.end()) {
      jobs_.push_back(std::make_shared<Job>());
      jobs_.back()->batch = std::move(batch);
      jobs_.back()->cancelled = cancelled;
    } else if (cancelled) {
      (*found)->cancelled = true;
      (*found)->not_before = 0;
      cancel_running(**found);
    }
    news_.notify_all();
  }

  static void cancel_running(const Job& job) {
    for (const auto& [line, answer] : job.running) answer->cancel();
  }

  // --- the lanes ---

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const double now = wall_clock();
      if (const auto task = next(now)) {
        lock.unlock();
        perform(*task);
        lock.lock();
        news_.notify_all();
      } else {
        news_.wait_for(lock, std::chrono::duration<double>(std::clamp(wake_at(now) - now, 0.01, kLongestDelay)));
      }
    }
  }

  // What can be done now. Among lines: of the owner with the fewest that run, of his job that has waited longest.
  std::optional<Task> next(double now) {
    if (now >= sweep_at_) {
      sweep_at_ = now + kSweepEvery;
      return Task{.kind = Task::Kind::kSweep};
    }
    std::map<std::string, size_t> running;
    for (const JobPtr& job : jobs_) running[job->batch.owner] += job->running.size();
    JobPtr best;
    for (const JobPtr& job : jobs_) {
      if (job->busy || now < job->not_before) continue;
      const bool ends = over(*job, now);
      if (!job->open || (job->running.empty() && (ends || job->left.empty()))) {
        job->busy = true;
        return Task{.kind = job->open ? Task::Kind::kEnd : Task::Kind::kOpen, .job = job};
      }
      if (ends) {
        cancel_running(*job);
      } else if (may_run(*job)) {
        const auto rank = [&](const JobPtr& j) { return std::pair(running[j->batch.owner], j->served); };
        if (!best || rank(job) < rank(best)) best = job;
      }
    }
    if (!best) return std::nullopt;
    best->served = ++served_;
    const size_t line = best->left.front();
    best->left.pop_front();
    best->running[line] = std::make_shared<CapturedAnswer>();
    return Task{.kind = Task::Kind::kLine, .job = best, .line = line};
  }

  // Texts are embedded one after the other: a second line would only stand in the way of other callers.
  static bool may_run(const Job& job) {
    return !job.left.empty() && (job.running.empty() || job.batch.endpoint != "/v1/embeddings");
  }

  double wake_at(double now) const {
    double at = sweep_at_;
    for (const JobPtr& job : jobs_) {
      for (const double event : {job->not_before, job->batch.expires}) {
        if (event > now) at = std::min(at, event);
      }
    }
    return at;
  }

  void perform(const Task& task) {
    try {
      switch (task.kind) {
        case Task::Kind::kOpen:
          return open(*task.job);
        case Task::Kind::kLine:
          return run_line(*task.job, task.line);
        case Task::Kind::kEnd:
          return end(*task.job);
        case Task::Kind::kSweep:
          return sweep();
      }
    } catch (const std::exception& error) {
      log_warn("batch {}: {}", task.job ? task.job->batch.id : "files", error.what());
      if (task.job) put_off(*task.job, task, kTroubleDelay);
    }
  }

  // Nothing is lost by trouble: the same task comes again.
  void put_off(Job& job, const Task& task, double delay) {
    const std::lock_guard lock(mutex_);
    job.busy = false;
    if (task.kind == Task::Kind::kLine && job.running.erase(task.line) > 0) job.left.push_front(task.line);
    job.not_before = wall_clock() + delay;
  }

  void forget(const Job& job) {
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [&](const JobPtr& other) { return other.get() == &job; });
  }

  void sweep() {
    state_.files->purge();
    state_.batches->purge();
  }

  // --- opening ---

  void open(Job& job) {
    std::vector<BatchLine> lines;
    std::shared_ptr<const FileReader> input;
    std::vector<BatchProblem> problems;
    std::string model;
    try {
      input = state_.files->open(state_.files->get(job.batch.owner, job.batch.input_file));
      const std::string text = input->read(0, input->bytes());
      if (job.batch.status == BatchStatus::kValidating) {
        BatchInput checked = check_batch_input(text, job.batch.endpoint);
        lines = std::move(checked.lines);
        problems = std::move(checked.problems);
        model = std::move(checked.model);
      } else if (job.batch.total > 0) {  // else it was cancelled before its input was judged
        lines = batch_lines(text);
      }
    } catch (const Error& error) {
      if (error.code() != Code::kCorruptFile && error.code() != Code::kNotFound) throw;
      problems.push_back({.code = "invalid_file", .message = error.what(), .param = "input_file_id"});
    }
    if (job.batch.status == BatchStatus::kValidating) {
      if (!problems.empty()) {
        state_.batches->fail(job.batch.id, problems);
        return forget(job);
      }
      if (!state_.batches->begin(job.batch.id, static_cast<int64_t>(lines.size()), model)) lines.clear();
    }
    const auto done = state_.batches->answered(job.batch.id);
    const std::unordered_set<uint32_t> answered(done.begin(), done.end());
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!answered.contains(lines[i].number)) job.left.push_back(i);
    }
    job.lines = std::move(lines);
    job.input = std::move(input);
    job.broken = std::move(problems);
    job.open = true;
    job.busy = false;
  }

  BatchRequest request_of(const Job& job, size_t line) const {
    const BatchLine& at = job.lines[line];
    try {
      return parse_batch_line(job.input->read(at.offset, at.bytes), job.batch.endpoint);
    } catch (const BatchProblem& problem) {  // it was good when the batch began
      throw Error(Code::kCorruptFile, fmt::format("{}: line {}: {}", job.batch.input_file, at.number, problem.message));
    }
  }

  // "" where the input has been damaged.
  std::string custom_id_of(const Job& job, size_t line) const {
    try {
      return request_of(job, line).custom_id;
    } catch (const Error&) {
      return {};
    }
  }

  // --- one line ---

  void run_line(Job& job, size_t line) {
    std::shared_ptr<CapturedAnswer> captured;
    {
      const std::lock_guard lock(mutex_);
      captured = job.running.at(line);
    }
    const uint32_t number = job.lines[line].number;
    const std::string request_id = fmt::format("req-{}-{}", job.batch.id, number);
    BatchRequest request;
    try {
      request = request_of(job, line);
    } catch (const Error& error) {
      if (error.code() != Code::kCorruptFile) throw;
      return break_off(job, line, error);
    }
    const auto answer = ask(job.batch, request, request_id, *captured);
    if (give_back(job, line, answer)) return;
    const bool good = answer.status == 200;
    state_.batches->record(job.batch.id, number, good,
                           answered_line(request.custom_id, answer.status, request_id, answer.body),
                           good ? usage_of_answer(answer.body) : BatchUsage());
    state_.metrics.batch_line(good);
    const std::lock_guard lock(mutex_);
    job.running.erase(line);
    job.delay = 0;
  }

  // The input is damaged: what is answered is kept, the rest cannot be.
  void break_off(Job& job, size_t line, const Error& error) {
    const std::lock_guard lock(mutex_);
    job.running.erase(line);
    job.left.push_front(line);
    job.broken.push_back(
        {.code = "invalid_file", .message = error.what(), .param = "input_file_id", .line = job.lines[line].number});
    cancel_running(job);
  }

  CapturedAnswer::Whole ask(const StoredBatch& batch, const BatchRequest& request, const std::string& request_id,
                            CapturedAnswer& captured) {
    const auto decision = state_.keys.check_again(batch.owner, Scope::kInfer);
    if (!decision.caller) {
      const int status = decision.forbidden ? 403 : code_info(decision.code).http_status;
      return {status, error_response(Face::kOpenAi, status, decision.message).body};
    }
    const auto found = router_.find("POST", batch.endpoint);
    if (!found.route) throw Error(Code::kInternal, fmt::format("no route for {}", batch.endpoint));
    net::ServerRequest http{.method = "POST", .path = batch.endpoint, .headers = {}, .body = request.body};
    RouteCall call{state_, std::move(http), captured.exchange(), found.path, *decision.caller, request_id};
    call.priority = kBatchPriority;
    // A line is a request like any other in the log and in traces.
    call.record =
        std::make_shared<RequestRecord>(call.request, request_id, found.route->pattern(), state_.tracer.get());
    call.record->set_key(call.caller.name);
    {
      const RequestRecord::Entered here(call.record);
      run_route(*found.route, call);
    }
    auto whole = captured.wait();
    call.record->set_status(whole.status);
    call.record->add_bytes(whole.body.size());
    call.record->finish();
    return whole;
  }

  // True if this is no answer to keep: the line is to be run again, or not any more.
  bool give_back(Job& job, size_t line, const CapturedAnswer::Whole& answer) {
    const std::lock_guard lock(mutex_);
    const double now = wall_clock();
    const bool dropped = stopping_ || job.lost || over(job, now);
    const bool no_room = answer.status == 429 || (answer.status == 503 && ++job.no_memory[line] < kMaxNoMemory);
    if (!dropped && !no_room) return false;
    job.running.erase(line);
    job.left.push_front(line);
    if (!dropped) {
      job.refusal = first_words(answer.body);
      if (now < job.not_before) return true;  // another line of the same round has said so already
      job.delay = std::clamp(job.delay * 2, kFirstDelay, kLongestDelay);
      job.not_before = std::min(now + job.delay, job.batch.expires);
    }
    return true;
  }

  // --- the end ---

  // What is told of a line that was never answered.
  static std::pair<std::string, std::string> reason(const Job& job, BatchStatus status) {
    if (status == BatchStatus::kCancelled)
      return {"batch_cancelled", "the batch was cancelled before this line was run"};
    if (status == BatchStatus::kFailed) return {"batch_failed", job.broken.front().message};
    std::string message = "the completion window was over before this line was run";
    if (!job.refusal.empty()) message += "; the last attempt was refused: " + job.refusal;
    return {"batch_expired", message};
  }

  struct Output {
    std::optional<FileDraft> draft;
    void write(const Files& files, std::string_view line) {
      if (!draft) draft.emplace(files.folder());
      draft->write(line);
    }
    FileDraft* publish() {
      if (!draft) return nullptr;
      draft->publish();
      return &*draft;
    }
  };

  void end(Job& job) {
    const bool cancelled = state_.batches->finalizing(job.batch.id) == BatchStatus::kCancelling;
    const BatchStatus status = cancelled             ? BatchStatus::kCancelled
                               : !job.broken.empty() ? BatchStatus::kFailed
                               : job.left.empty()    ? BatchStatus::kCompleted
                                                     : BatchStatus::kExpired;
    Output output, errors;
    uint32_t after = 0;
    for (auto some = state_.batches->answers(job.batch.id, 0); !some.empty();
         some = state_.batches->answers(job.batch.id, after)) {
      for (const auto& answer : some) (answer.good ? output : errors).write(*state_.files, answer.text);
      after = some.back().line;
    }
    std::sort(job.left.begin(), job.left.end());
    const auto [code, message] = reason(job, status);
    for (const size_t line : job.left) {
      errors.write(*state_.files, unanswered_line(custom_id_of(job, line), code, message));
    }
    state_.batches->end(job.batch.id, {.status = status,
                                       .output = output.publish(),
                                       .errors = errors.publish(),
                                       .unanswered = static_cast<int64_t>(job.left.size()),
                                       .problems = job.broken});
    forget(job);
  }

  State& state_;
  const Router& router_;
  std::mutex mutex_;
  std::condition_variable news_, looked_;
  std::vector<JobPtr> jobs_;
  uint64_t served_ = 0;
  double sweep_at_ = 0;
  std::mutex look_mutex_;
  bool stopping_ = false;
  std::vector<std::thread> lanes_;
};

BatchRunner::BatchRunner(State& state, const Router& router) : impl_(std::make_shared<Impl>(state, router)) {
  impl_->listen();
}
BatchRunner::~BatchRunner() { stop(); }
void BatchRunner::start() { impl_->start(); }
void BatchRunner::stop() { impl_->stop(); }

}  // namespace shenbi::server
