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
#include "gateway/estimate.h"

namespace shenbi::gateway {

bool may_go_better_elsewhere(int status) { return status == 0 || status == 408 || status == 429 || status >= 500; }

namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kLocal = "local";

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
    if (event.tokens > 0) {
      if (attempt_.first_token_s < 0) attempt_.first_token_s = seconds();
      counted_ += event.tokens;
    }
    text_ += estimated_tokens(event.kind, event.text);
    if (event.kind == Event::Kind::kStart) start_usage_ = event.usage;
    if (event.kind == Event::Kind::kFinish) finish(event);
    if (event.kind == Event::Kind::kError) fail(event.status, event.text);
  }

  void fail(int status, const std::string& error) {
    attempt_.status = status;
    attempt_.error = error;
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
  double text_ = 0;  // tokens of the answer by its text
};

class Routed final : public Call, public std::enable_shared_from_this<Routed> {
 public:
  Routed(RoutedCall call, EventSink sink, const RouterOptions& options)
      : targets_(std::move(call.targets)),
        blank_(std::move(call.blank)),
        need_(std::move(call.need)),
        start_(std::move(call.start)),
        sink_(std::move(sink)),
        run_(options.run),
        admit_(options.admit),
        on_attempt_(options.on_attempt) {
    if (targets_.size() > options.max_attempts) targets_.resize(options.max_attempts);
    begun_ = targets_.size() == 1;  // nobody else to ask: nothing need be held back
  }

  // Tries one after the other until one has begun. Throws what the last of them threw.
  void start() {
    while (true) {
      try {
        return start_next();
      } catch (const Error& error) {
        const int status = code_info(error.code()).http_status;
        const bool cooling = !refused_ && dynamic_cast<const RetryLater*>(&error);
        if (cooling && next_ == 1 && !has_next()) throw RetryLater(error.code(), error.what(), shortest_wait());
        if (refused_ || !may_go_better_elsewhere(status) || !has_next()) throw;
        log_info("{}: {}; asking the next", blank_.wanted, error.what());
      }
    }
  }

  void cancel() override {
    CallPtr call;
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      call = call_;
    }
    if (call) call->cancel();
  }

 private:
  void start_next() {
    const uint32_t number = next_++;
    const Router::Target& target = targets_[number];
    Attempt attempt = blank_;
    attempt.upstream = target.upstream;
    attempt.model = target.model;
    attempt.number = number;
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    refused_ = true;
    if (admit_) attempt.reservation = admit_(attempt, need_);
    refused_ = false;
    const auto watch = std::make_shared<Watch>(std::move(attempt), need_.prompt_tokens, on_attempt_);
    CallPtr call;
    try {
      call = start_(target, [self = shared_from_this(), watch, number](Event event) {
        watch->see(event);
        self->take(std::move(event), number);
      });
    } catch (const Error& error) {
      watch->fail(code_info(error.code()).http_status, error.what());
      throw;
    }
    bool cancelled = false;
    {
      std::lock_guard lock(mutex_);
      // It may have ended already, or failed and another been started.
      if (!ended_ && number + 1 == next_) call_ = call;
      cancelled = cancelled_;
    }
    if (cancelled) call->cancel();
  }

  void take(Event event, uint32_t number) {
    if (begun_) return pass_on(std::move(event));
    if (event.kind == Event::Kind::kError && may_go_better_elsewhere(event.status) && goes_on(number)) {
      log_info("{}: {}; asking the next", blank_.wanted, event.text);
      held_.clear();
      // Elsewhere, since this is the upstream's thread and a local model may have to be loaded.
      if (run_([self = shared_from_this()] { self->start_later(); })) return;
    }
    if (!begins_answer(event) && event.kind != Event::Kind::kError) {
      held_.push_back(std::move(event));
      return;
    }
    begun_ = true;
    for (Event& held : held_) pass_on(std::move(held));
    held_.clear();
    pass_on(std::move(event));
  }

  // The call holds this by its sink: behind the last event it is let go.
  void pass_on(Event event) {
    if (!std::exchange(told_, true) && event.kind != Event::Kind::kToolCall) {
      const Router::Target& target = targets_[next_ - 1];
      event.name = target.remote ? target.upstream + "/" + target.model : target.model;
      event.id = target.why;
    }
    if (event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError) {
      std::lock_guard lock(mutex_);
      ended_ = true;
      call_.reset();
    }
    sink_(std::move(event));
  }

  // The next try has somebody to ask: an upstream whose keys all cool down would only say so.
  bool has_next() const {
    const uint32_t next = next_;
    return next < targets_.size() && (!targets_[next].remote || targets_[next].remote->ready());
  }

  // All of them cool down.
  std::chrono::seconds shortest_wait() const {
    std::chrono::seconds shortest = targets_.front().remote->wait();
    for (const auto& target : targets_) {
      if (target.remote) shortest = std::min(shortest, target.remote->wait());
    }
    return shortest;
  }

  bool goes_on(uint32_t number) {
    std::lock_guard lock(mutex_);
    return !cancelled_ && number + 1 == next_ && has_next();
  }

  void start_later() {
    try {
      start();
    } catch (const Error& error) {
      const auto* later = dynamic_cast<const RetryLater*>(&error);
      pass_on({.kind = Event::Kind::kError,
               .text = error.what(),
               .index = later ? static_cast<uint32_t>(std::clamp<int64_t>(later->wait().count(), 0, UINT32_MAX)) : 0,
               .status = code_info(error.code()).http_status});
    }
  }

  std::vector<Router::Target> targets_;
  const Attempt blank_;
  const Need need_;
  const std::function<CallPtr(const Router::Target&, EventSink)> start_;
  const EventSink sink_;
  const std::function<bool(std::function<void()>)> run_;
  const std::function<uint64_t(const Attempt&, const Need&)> admit_;
  const std::function<void(const Attempt&)> on_attempt_;

  // Of the one try that is running, in the order of its events.
  std::vector<Event> held_;  // before the answer has begun
  bool begun_ = false;
  bool told_ = false;     // who answers
  bool refused_ = false;  // by whoever admits, which is final

  std::mutex mutex_;
  std::atomic<uint32_t> next_{0};
  CallPtr call_;
  bool cancelled_ = false, ended_ = false;
};

}  // namespace

CallPtr start_routed(RoutedCall call, EventSink sink, const RouterOptions& options) {
  auto routed = std::make_shared<Routed>(std::move(call), std::move(sink), options);
  routed->start();
  return routed;
}

}  // namespace shenbi::gateway
