#include "gateway/waited_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "chat/upstream_error.h"
#include "gateway/exchange.h"
#include "gateway/media_tally.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

constexpr int kMostTroubles = 3;  // in a row, with growing pauses

// Its parts are used by one thread after the other: the client's while an exchange runs, the alarms' while it sleeps.
class WaitedCall final : public Call, public std::enable_shared_from_this<WaitedCall> {
 public:
  WaitedCall(WaitedJob asked, Remote::Prepared first, EventSink sink)
      : asked_(std::move(asked)),
        house_(std::move(first)),
        sink_(std::move(sink)),
        tally_(asked_.request),
        pause_(asked_.look_every),
        deadline_(Clock::now() + house_.request.head_timeout) {
    job_ = {.kind = asked_.request.kind, .upstream = asked_.upstream, .model = asked_.request.model};
    job_.key = house_.key;
  }

  void start() { ask(std::move(house_)); }

  void cancel() override {
    exchange_.cancel();
    std::unique_lock lock(mutex_);
    if (!sleeping_) return;
    lock.unlock();
    wake_after(std::chrono::milliseconds(0));
  }

 private:
  friend net::ClientEvents events_of<WaitedCall>(std::shared_ptr<WaitedCall>);
  enum class Stage { kSubmit, kLook, kResult };

  void ask(Remote::Prepared ready) {
    house_ = std::move(ready);
    house_.request.max_bytes = stage_ == Stage::kResult ? kMaxMediaAnswerBytes : kMaxJobAnswerBytes;
    house_.request.head_timeout = std::min(house_.request.head_timeout, kLongestJobAnswer);
    body_.clear();
    status_ = 0;
    exchange_.start(asked_.client, std::move(house_.request), events_of(shared_from_this()));
  }

  void take_head(int status, const net::Headers& headers) {
    status_ = status;
    headers_ = headers;
  }
  void take_body(std::string_view bytes) { body_ += bytes; }

  void take_end(const Error* error) {
    if (exchange_.cancelled() || (error && error->code() == Code::kCancelled)) return leave();
    if (error) {
      const bool told = error->code() == Code::kRateLimited || error->code() == Code::kUnavailable;  // by this program
      if (!told && looks_again()) return sleep();
      house_.on_finished({0, std::nullopt, false});
      return fail(told ? code_info(error->code()).http_status : 502, error->what());
    }
    JobAnswer answer = take_job_answer(house_, status_, headers_, std::exchange(body_, {}));
    if (answer.error) {
      const int status = answer.error->status;
      if ((status == 429 || status >= 500) && looks_again()) return sleep();
      return fail(stage_ == Stage::kLook ? 502 : status_for_caller(status), answer.error->message, answer.retry_after,
                  answer.reason);
    }
    try {
      troubles_ = 0;
      take(std::move(answer.body));
    } catch (const Error& wrong) {
      fail(code_info(wrong.code()).http_status, wrong.what());
    }
  }

  Reason reason_of_failed_job() const {
    const chat::OrderedJson told = {{"error", {{"code", job_.code}, {"message", job_.error}}}};
    return facts_for_caller(chat::error_facts_in(told, 400), 400, nullptr, house_.secrets).reason;
  }

  // What passes does not end a job that the house has taken.
  bool looks_again() { return stage_ != Stage::kSubmit && ++troubles_ <= kMostTroubles; }

  // A good answer of this stage.
  void take(std::string body) {
    if (stage_ == Stage::kResult) {
      asked_.way.read_result(body, job_);
      return deliver(std::move(body));
    }
    asked_.way.read(body, job_);
    switch (job_.state) {
      case JobState::kDone:
        if (!asked_.way.result) return deliver(std::move(body));
        stage_ = Stage::kResult;
        return ask(asked_.prepare(asked_.way.result(job_, body), job_.key));
      case JobState::kFailed:
        return fail(502, job_.error.empty() ? "it failed and the house gave no reason" : job_.error, std::nullopt,
                    reason_of_failed_job());
      case JobState::kCancelled:
        return fail(502, "the house cancelled it");
      default:
        return sleep();
    }
  }

  void sleep() {
    if (Clock::now() >= deadline_) {
      stop_at_house();
      return fail(504, "the job was not over when its answer should have been there");
    }
    stage_ = Stage::kLook;
    {
      std::lock_guard lock(mutex_);
      sleeping_ = true;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    const auto pause = std::clamp(left, std::chrono::milliseconds(0), pause_);
    pause_ = std::min(pause_ * 3 / 2, asked_.look_every * 10);
    wake_after(exchange_.cancelled() ? std::chrono::milliseconds(0) : pause);  // the next thread's from here on
  }

  // One that is dropped unrung, since the program ends, ends the call.
  struct Bell {
    std::shared_ptr<WaitedCall> call;
    explicit Bell(std::shared_ptr<WaitedCall> c) : call(std::move(c)) {}
    ~Bell() {
      if (call) call->sleep_on();
    }
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
  };

  void wake_after(std::chrono::milliseconds time) {
    asked_.alarms.after(time, [bell = std::make_shared<Bell>(shared_from_this())] {
      if (const auto call = std::exchange(bell->call, nullptr)) call->wake();
    });
  }

  bool was_sleeping() {
    std::lock_guard lock(mutex_);
    return std::exchange(sleeping_, false);
  }

  void sleep_on() {
    if (was_sleeping()) end_cancelled();
  }

  void wake() {
    if (!was_sleeping()) return;
    if (exchange_.cancelled()) return leave();
    try {
      ask(asked_.prepare(asked_.way.look(job_), job_.key));
    } catch (const Error& error) {
      fail(code_info(error.code()).http_status, error.what());
    }
  }

  // Nobody hears whether it worked.
  void stop_at_house() {
    if (job_.id.empty() || !asked_.way.cancel) return;
    try {
      Remote::Prepared ready = asked_.prepare(asked_.way.cancel(job_), job_.key);
      ready.request.max_bytes = kMaxJobAnswerBytes;
      ready.request.head_timeout = std::min(ready.request.head_timeout, kLongestJobAnswer);
      asked_.client.start(std::move(ready.request), {.on_head = [](int, const net::Headers&) {},
                                                     .on_body = [](std::string_view) {},
                                                     .on_end = [](const Error*) {}});
    } catch (const Error& error) {
      log_info("{}: the job goes on at its house: {}", asked_.upstream, error.what());
    }
  }

  void leave() {
    if (exchange_.cancelled()) stop_at_house();  // else the program ends, and its client with it
    end_cancelled();
  }

  void end_cancelled() {
    sink_({.kind = Event::Kind::kFinish,
           .text = tally_.raw(),
           .finish = chat::Finish::kCancelled,
           .usage = tally_.tokens()});
  }

  void deliver(std::string body) {
    std::string type = header_of(headers_, "content-type");
    tell_answer(asked_.request, asked_.way.told, body, type);
    tally_.whole(body);
    if (asked_.wire.head) asked_.wire.head(shown_media_type(asked_.request.kind, type), true);
    if (asked_.wire.bytes) asked_.wire.bytes(body);
    sink_({.kind = Event::Kind::kText, .tokens = 1});
    sink_(
        {.kind = Event::Kind::kFinish, .text = tally_.raw(), .finish = chat::Finish::kStop, .usage = tally_.tokens()});
  }

  void fail(int status, std::string_view why, std::optional<std::chrono::seconds> wait = std::nullopt,
            Reason reason = Reason::kUnsaid) {
    Event event{.kind = Event::Kind::kError,
                .text = house_.secrets.hidden(fmt::format("{}: {}", asked_.upstream, why)),
                .status = status};
    put_facts(event, {.reason = reason});
    if (wait) event.index = static_cast<uint32_t>(std::min<int64_t>(wait->count(), 86'400));
    sink_(std::move(event));
  }

  WaitedJob asked_;
  Remote::Prepared house_;  // of the exchange that runs
  const EventSink sink_;
  MediaTally tally_;
  MediaJob job_;
  Stage stage_ = Stage::kSubmit;
  std::chrono::milliseconds pause_;
  const Clock::time_point deadline_;
  std::string body_;
  int status_ = 0, troubles_ = 0;
  net::Headers headers_;

  Exchange exchange_;
  std::mutex mutex_;
  bool sleeping_ = false;
};

}  // namespace

CallPtr start_waited_job(WaitedJob job, EventSink sink) {
  Remote::Prepared first = job.prepare(job.way.submit(job.request, job.request.model), std::nullopt);
  const auto call = std::make_shared<WaitedCall>(std::move(job), std::move(first), std::move(sink));
  call->start();
  return call;
}

}  // namespace shenbi::gateway
