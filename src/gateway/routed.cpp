#include "gateway/routed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/retry_later.h"
#include "chat/error_facts.h"
#include "gateway/alarms.h"
#include "gateway/estimate.h"
#include "gateway/guarded.h"

namespace shenbi::gateway {

bool may_go_better_elsewhere(int status) { return status == 0 || status == 408 || status == 429 || status >= 500; }

namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

bool begins_answer(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kQueued:
    case Event::Kind::kStart:
    case Event::Kind::kWarning:
    case Event::Kind::kError:
      return false;
    default:
      return true;
  }
}

bool told(const chat::Usage& usage) { return usage.prompt_tokens + usage.completion_tokens > 0; }

// Watches one try, for the ledger.
class Watch {
 public:
  Watch(Attempt attempt, std::function<uint64_t()> prompt_estimate, std::function<void(const Attempt&)> on_attempt)
      : attempt_(std::move(attempt)),
        prompt_estimate_(std::move(prompt_estimate)),
        on_attempt_(std::move(on_attempt)) {}

  void see(const Event& event) {
    begun_ = begun_ || begins_answer(event);
    if (attempt_.media) return see_media(event);
    if (event.tokens > 0) {
      if (attempt_.first_token_s < 0) attempt_.first_token_s = seconds();
      counted_ += event.tokens;
    }
    text_ += estimated_tokens(event.kind, event.text);
    if (event.kind == Event::Kind::kStart) start_usage_ = event.usage;
    if (event.kind == Event::Kind::kFinish) finish(event);
    if (event.kind == Event::Kind::kError) fail(event.status, event.text);
  }

  // Told to stop because somebody else was quicker.
  void outrun() { attempt_.error = "another one was quicker"; }

  void fail(int status, const std::string& error) {
    attempt_.status = status;
    attempt_.error = error;
    if (attempt_.media) return end_media(Attempt::Outcome::kFailed);
    if (told(start_usage_) || counted_ > 0) estimate();
    close(Attempt::Outcome::kFailed);
  }

 private:
  void finish(const Event& event) {
    attempt_.usage = event.usage;
    attempt_.raw_usage = event.text;
    const bool aborted = event.finish == chat::Finish::kCancelled;
    if (!told(event.usage) || aborted) estimate();
    close(aborted             ? Attempt::Outcome::kAborted
          : told(event.usage) ? Attempt::Outcome::kSettled
                              : Attempt::Outcome::kEstimated);
  }

  void see_media(const Event& event) {
    if (event.kind == Event::Kind::kText && attempt_.first_token_s < 0) attempt_.first_token_s = seconds();
    if (event.kind == Event::Kind::kError) return fail(event.status, event.text);
    if (event.kind != Event::Kind::kFinish) return;
    if (event.finish == chat::Finish::kCancelled) return end_media(Attempt::Outcome::kAborted);
    attempt_.usage = event.usage;
    attempt_.raw_usage = event.text;
    const auto use = read_media_use(event.text);
    attempt_.media = use.value_or(MediaUse{});
    const bool exact = told(event.usage) || (use && event.text.find("\"estimated\"") == std::string::npos);
    close(exact ? Attempt::Outcome::kSettled : Attempt::Outcome::kEstimated);
  }

  // Cut off: what was asked for may have been made, unless the house refused it before a byte came.
  void end_media(Attempt::Outcome outcome) {
    if (outcome == Attempt::Outcome::kFailed && !begun_) attempt_.media = MediaUse{};
    close(outcome);
  }

  // A house that was cut off has worked all the same. What it said at the beginning counts; else the prompt is guessed
  // by its text, and of the answer what came through, a piece being one token at least.
  void estimate() {
    chat::Usage& usage = attempt_.usage;
    usage.prompt_tokens = std::max(usage.prompt_tokens, start_usage_.prompt_tokens);
    usage.cached_tokens = std::max(usage.cached_tokens, start_usage_.cached_tokens);
    usage.cache_write_tokens = std::max(usage.cache_write_tokens, start_usage_.cache_write_tokens);
    if (usage.prompt_tokens == 0) usage.prompt_tokens = prompt_estimate_();
    const bool local = attempt_.upstream == kLocal;  // which counts its tokens itself
    usage.completion_tokens =
        std::max({usage.completion_tokens, counted_, local ? 0 : static_cast<uint64_t>(std::ceil(text_))});
  }

  void close(Attempt::Outcome outcome) {
    attempt_.outcome = outcome;
    attempt_.total_s = seconds();
    if (on_attempt_) on_attempt_(attempt_);
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  static double estimated_tokens(Event::Kind kind, std::string_view text) {
    const bool content = kind == Event::Kind::kText || kind == Event::Kind::kThinking ||
                         kind == Event::Kind::kToolArguments || kind == Event::Kind::kToolCall;
    return content ? gateway::estimated_tokens(text) : 0;
  }

  Attempt attempt_;
  std::function<uint64_t()> prompt_estimate_;
  std::function<void(const Attempt&)> on_attempt_;
  Clock::time_point begin_ = Clock::now();
  chat::Usage start_usage_;
  uint64_t counted_ = 0;
  bool begun_ = false;
  double text_ = 0;  // tokens of the answer by its text
};

// Several tries may run at once where somebody hedges. Invariant, under the lock: the first that has something to say
// wins, and from then on its events alone go to the caller; before that nothing does. So the caller's sink is never
// called twice at once.
class Routed final : public Call, public std::enable_shared_from_this<Routed> {
 public:
  Routed(RoutedCall call, EventSink sink, const RouterOptions& options)
      : call_(std::move(call)),
        sink_(std::move(sink)),
        run_(options.run),
        admit_(options.admit),
        on_attempt_(options.on_attempt) {
    if (call_.targets.size() > options.max_attempts) call_.targets.resize(options.max_attempts);
    if (call_.targets.size() == 1) winner_ = 0;  // nobody else to ask: nothing need be held back
  }

  // Tries one after the other until one has begun. Throws what the last of them threw.
  void start() {
    TryPtr first;
    {
      std::lock_guard lock(mutex_);
      first = reserve();
    }
    start(first);
  }

  // Asks a second one beside the first, if that has not said anything yet.
  void hedge() {
    TryPtr second;
    {
      std::lock_guard lock(mutex_);
      if (winner_ >= 0 || cancelled_ || running_ == 0 || !has_next()) return;
      second = reserve();
    }
    log_info("{}: no word for {} ms; asking the next beside it", call_.blank.wanted, call_.hedge_after.count());
    if (!run_([self = shared_from_this(), second] { self->start_later(second); })) {
      start_failed(Error(Code::kUnavailable, "no room for another try"));
    }
  }

  void cancel() override {
    std::vector<CallPtr> calls;
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      for (const TryPtr& one : tries_) calls.push_back(one->call);
    }
    cancel_all(calls);
  }

 private:
  struct Try {
    int number = 0;
    std::shared_ptr<Watch> watch;
    std::vector<Event> held;  // before the answer has begun; in the order of its events
    CallPtr call;
    bool over = false;
  };
  using TryPtr = std::shared_ptr<Try>;

  static void cancel_all(const std::vector<CallPtr>& calls) {
    for (const CallPtr& call : calls) {
      if (call) call->cancel();
    }
  }

  // Under the lock.
  TryPtr reserve() {
    const auto one = std::make_shared<Try>();
    one->number = next_++;
    ++running_;
    tries_.push_back(one);
    return one;
  }

  void start(TryPtr one) {
    while (true) {
      bool refused = true;  // by whoever admits, which is final
      try {
        admit(one);
        refused = false;
        return begin(one);
      } catch (const Error& error) {
        std::lock_guard lock(mutex_);
        const bool cooling = !refused && dynamic_cast<const RetryLater*>(&error);
        const bool others = may_go_better_elsewhere(code_info(error.code()).http_status) && has_next();
        if (cooling && next_ == 1 && !has_next()) throw RetryLater(error.code(), error.what(), shortest_wait());
        if (refused || !others || cancelled_ || winner_ >= 0) throw;
        --running_;
        one = reserve();
        log_info("{}: {}; asking the next", call_.blank.wanted, error.what());
      }
    }
  }

  void admit(const TryPtr& one) {
    const Router::Target& target = call_.targets.at(static_cast<size_t>(one->number));
    Attempt attempt = call_.blank;
    attempt.upstream = target.upstream;
    attempt.model = target.model;
    attempt.number = static_cast<uint32_t>(one->number);
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    if (admit_) attempt.reservation = admit_(attempt, call_.need);
    one->watch = std::make_shared<Watch>(std::move(attempt), call_.need.prompt_tokens, on_attempt_);
  }

  void begin(const TryPtr& one) {
    CallPtr call;
    try {
      call = call_.start(
          call_.targets[static_cast<size_t>(one->number)],
          [self = shared_from_this(), one] { return self->claim(one); },
          [self = shared_from_this(), one](Event event) { self->take(std::move(event), one); });
    } catch (const Error& error) {
      one->watch->fail(code_info(error.code()).http_status, error.what());
      throw;
    }
    bool unwanted = false;
    {
      std::lock_guard lock(mutex_);
      if (!one->over) one->call = call;
      unwanted = cancelled_ || lost(*one);
    }
    if (unwanted) call->cancel();
  }

  bool lost(const Try& one) const { return winner_ >= 0 && winner_ != one.number; }

  // The first that asks has won, and the others are told to stop.
  bool claim(const TryPtr& one) {
    std::vector<CallPtr> losers;
    {
      std::lock_guard lock(mutex_);
      if (winner_ >= 0) return winner_ == one->number;
      winner_ = one->number;
      for (const TryPtr& other : tries_) {
        if (other != one) losers.push_back(other->call);
      }
    }
    cancel_all(losers);
    return true;
  }

  void take(Event event, const TryPtr& one) {
    const bool last = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
    bool is_lost = false;
    {
      std::lock_guard lock(mutex_);
      is_lost = lost(*one);
    }
    if (is_lost && last) one->watch->outrun();
    one->watch->see(event);
    const bool failed = event.kind == Event::Kind::kError && may_go_better_elsewhere(event.status);
    if (failed && winner_ != one->number && goes_on(one, event)) return;
    if (last) end(one);
    if (is_lost) return;
    if (winner_ == one->number) return pass_on(std::move(event));
    if (!begins_answer(event) && event.kind != Event::Kind::kError) return one->held.push_back(std::move(event));
    if (!claim(one)) return;
    for (Event& held : std::exchange(one->held, {})) pass_on(std::move(held));
    pass_on(std::move(event));
  }

  // The call holds this by its sink: behind the last event it is let go. Once.
  void end(const TryPtr& one) {
    CallPtr call;  // goes behind the lock
    std::lock_guard lock(mutex_);
    call = release(*one);
  }

  // Under the lock.
  CallPtr release(Try& one) {
    if (!std::exchange(one.over, true)) --running_;
    return std::exchange(one.call, nullptr);
  }

  void pass_on(Event event) {
    if (event.kind == Event::Kind::kWarning && event.name == kMaskedWarning) return sink_(std::move(event));
    if (!std::exchange(told_, true) && event.kind != Event::Kind::kToolCall) {
      const Router::Target& target = call_.targets[static_cast<size_t>(winner_.load())];
      event.name = target.remote ? target.upstream + "/" + target.model : target.model;
      event.id = target.why;
    }
    sink_(std::move(event));
  }

  // The next try has somebody to ask: an upstream whose keys all cool down would only say so.
  bool has_next() const {
    const size_t next = static_cast<size_t>(next_);
    return next < call_.targets.size() && (!call_.targets[next].remote || call_.targets[next].remote->ready());
  }

  // All of them cool down.
  std::chrono::seconds shortest_wait() const {
    std::chrono::seconds shortest = call_.targets.front().remote->wait();
    for (const auto& target : call_.targets) {
      if (target.remote) shortest = std::min(shortest, target.remote->wait());
    }
    return shortest;
  }

  // After a failure before the first word: true if another one is at it, or is asked now.
  bool goes_on(const TryPtr& one, const Event& failure) {
    CallPtr call;
    TryPtr next;
    {
      std::lock_guard lock(mutex_);
      call = release(*one);
      if (winner_ >= 0 || running_ > 0) return true;
      if (cancelled_ || !has_next()) return false;
      next = reserve();
    }
    log_info("{}: {}; asking the next", call_.blank.wanted, failure.text);
    // Elsewhere, since this is the upstream's thread and a local model may have to be loaded.
    if (run_([self = shared_from_this(), next] { self->start_later(next); })) return true;
    std::lock_guard lock(mutex_);
    release(*next);
    return running_ > 0;
  }

  void start_later(const TryPtr& one) {
    try {
      start(one);
    } catch (const Error& error) {
      start_failed(error);
    }
  }

  // The last that was started could not be: told unless another one is at it.
  void start_failed(const Error& error) {
    {
      std::lock_guard lock(mutex_);
      --running_;
      if (running_ > 0 || winner_ >= 0) return;
      winner_ = next_ - 1;
    }
    const auto* later = dynamic_cast<const RetryLater*>(&error);
    Event failed = chat::error_event(error);
    if (later) failed.index = static_cast<uint32_t>(std::clamp<int64_t>(later->wait().count(), 0, UINT32_MAX));
    pass_on(std::move(failed));
  }

  RoutedCall call_;
  const EventSink sink_;
  const std::function<bool(std::function<void()>)> run_;
  const std::function<uint64_t(const Attempt&, const Need&)> admit_;
  const std::function<void(const Attempt&)> on_attempt_;
  bool told_ = false;  // who answers; of the winner's events

  std::mutex mutex_;
  std::vector<TryPtr> tries_;
  int next_ = 0, running_ = 0;
  std::atomic<int> winner_{-1};  // set once
  bool cancelled_ = false;
};

}  // namespace

CallPtr start_routed(RoutedCall call, EventSink sink, const RouterOptions& options) {
  const auto hedge_after = call.hedge_after;
  Alarms* const alarms = call.alarms;
  auto routed = std::make_shared<Routed>(std::move(call), std::move(sink), options);
  routed->start();
  if (alarms && hedge_after.count() > 0) {
    alarms->after(hedge_after, [weak = std::weak_ptr(routed)] {
      if (const auto alive = weak.lock()) alive->hedge();
    });
  }
  return routed;
}

}  // namespace shenbi::gateway
