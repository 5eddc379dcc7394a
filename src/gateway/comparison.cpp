#include "gateway/comparison.h"

#include <fmt/format.h>

#include "base/error.h"
#include "chat/error_facts.h"

namespace shenbi::gateway {

using chat::Event;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

bool is_last(const Event& event) { return event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError; }

}  // namespace

std::string_view status_name(Column::Status status) noexcept {
  switch (status) {
    case Column::Status::kRunning:
      return "running";
    case Column::Status::kDone:
      return "done";
    case Column::Status::kStopped:
      return "stopped";
    case Column::Status::kFailed:
      return "failed";
  }
  return "";
}

Comparison::Comparison(const std::vector<std::string>& models, Hooks hooks) : hooks_(std::move(hooks)) {
  columns_.resize(models.size());
  for (size_t i = 0; i < models.size(); ++i) columns_[i].column.model = models[i];
}

void Comparison::start() {
  {
    std::lock_guard lock(mutex_);
    running_ = columns_.size();  // before the first begins: it may end at once, and is not the last
  }
  for (uint32_t i = 0; i < columns_.size(); ++i) begin(i);
}

void Comparison::check(uint32_t column) const {
  if (column >= columns_.size()) {
    throw Error(Code::kNotFound, fmt::format("no column {}: there are {}, counted from 0", column, columns_.size()));
  }
}

void Comparison::begin(uint32_t index) {
  uint32_t attempt = 0;
  {
    std::lock_guard lock(mutex_);
    Running& running = columns_[index];
    running.asked = Clock::now();
    attempt = running.column.attempt;
    hooks_.on_begin(index, running.column);
  }
  if (hooks_.run([self = shared_from_this(), index, attempt] { self->ask(index, attempt); })) return;
  take(index, attempt, {.kind = Event::Kind::kError, .text = "too many requests wait already", .status = 503});
}

void Comparison::ask(uint32_t index, uint32_t attempt) {
  {
    std::unique_lock lock(mutex_);
    if (columns_[index].stop_wanted) {  // before it was asked
      lock.unlock();
      return take(index, attempt, {.kind = Event::Kind::kFinish, .finish = chat::Finish::kCancelled});
    }
  }
  CallPtr call;
  try {
    call = hooks_.start(index, attempt, [self = shared_from_this(), index, attempt](Event event) {
      self->take(index, attempt, event);
    });
  } catch (const Error& error) {
    return take(index, attempt, chat::error_event(error));
  } catch (const std::exception& error) {
    return take(index, attempt, {.kind = Event::Kind::kError, .text = error.what()});
  }
  bool stop = false;
  {
    std::lock_guard lock(mutex_);
    Running& running = columns_[index];
    const bool current = running.column.attempt == attempt && running.column.status == Column::Status::kRunning;
    if (current) running.call = call;  // one that has ended already would only hold on to this
    stop = current && running.stop_wanted;
  }
  if (stop) call->cancel();  // not under the lock: its last event may come at once
}

void Comparison::take(uint32_t index, uint32_t attempt, const Event& event) {
  CallPtr done;  // let go after the lock
  std::lock_guard lock(mutex_);
  Running& running = columns_[index];
  Column& column = running.column;
  if (column.attempt != attempt || column.status != Column::Status::kRunning) return;
  column.answer.add(event);
  measure(running, event);
  if (is_last(event)) {
    column.status = event.kind == Event::Kind::kError          ? Column::Status::kFailed
                    : event.finish == chat::Finish::kCancelled ? Column::Status::kStopped
                                                               : Column::Status::kDone;
    done = std::move(running.call);
    all_ended_ = --running_ == 0;
  }
  hooks_.on_event(index, column, event, all_ended_);
}

void Comparison::measure(Running& running, const Event& event) {
  const auto now = Clock::now();
  Column& column = running.column;
  if (event.tokens > 0) {
    if (running.tokens == 0) {
      running.first = now;
      column.first_token_s = seconds_between(running.asked, now);
    }
    running.last = now;
    running.tokens += event.tokens;
  }
  if (!is_last(event)) return;
  column.total_s = seconds_between(running.asked, now);
  // What the maker counted; where it did not say, what came.
  const uint64_t tokens = std::max(event.usage.completion_tokens, running.tokens);
  const double writing = running.tokens > 0 ? seconds_between(running.first, running.last) : 0;
  if (tokens > 1 && writing > 0) column.tokens_per_s = static_cast<double>(tokens - 1) / writing;
}

void Comparison::stop(uint32_t index) {
  check(index);
  CallPtr call;
  {
    std::lock_guard lock(mutex_);
    columns_[index].stop_wanted = true;
    call = columns_[index].call;
  }
  if (call) call->cancel();
}

void Comparison::stop_all() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  for (uint32_t i = 0; i < columns_.size(); ++i) stop(i);
}

void Comparison::retry(uint32_t index) {
  check(index);
  {
    std::lock_guard lock(mutex_);
    Running& running = columns_[index];
    if (running.column.status == Column::Status::kRunning) {
      throw Error(Code::kInvalidArgument, fmt::format("column {} is still being written: stop it first", index));
    }
    if (all_ended_ || stopped_) throw Error(Code::kInvalidArgument, "this comparison has ended: ask again");
    const uint32_t attempt = running.column.attempt + 1;
    Column fresh{.model = running.column.model, .answer = {}};
    fresh.attempt = attempt;
    running = Running{};
    running.column = std::move(fresh);
    ++running_;
  }
  begin(index);
}

}  // namespace shenbi::gateway
