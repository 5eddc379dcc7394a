#include "server/running_answers.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "chat/dialect.h"
#include "server/page_json.h"
#include "server/request_record.h"
#include "server/state.h"

namespace shenbi::server {

using chat::Event;
using chat::OrderedJson;
using std::chrono::steady_clock;

namespace {

// How much of a running answer a crash may cost.
constexpr std::chrono::seconds kSaveEvery{2};

OrderedJson parsed(const std::string& text) { return text.empty() ? OrderedJson() : OrderedJson::parse(text); }

}  // namespace

OrderedJson message_json(const StoredMessage& m) {
  OrderedJson json = {{"id", m.id},           {"parent", nullptr},      {"role", m.role},
                      {"content", m.content}, {"thinking", m.thinking}, {"model", m.model},
                      {"created", m.created}, {"status", m.status}};
  if (!m.parent.empty()) json["parent"] = m.parent;
  if (!m.error.empty()) json["error"] = m.error;
  if (!m.finish.empty()) json["finish"] = m.finish;
  if (!m.usage.empty()) json["usage"] = parsed(m.usage);
  if (!m.warnings.empty()) json["warnings"] = parsed(m.warnings);
  if (!m.params.empty()) json["params"] = parsed(m.params);
  return json;
}

std::string page_event(std::string_view name, const OrderedJson& data) {
  return "event: " + std::string(name) + "\ndata: " + dumped(data) + "\n\n";
}

struct RunningAnswers::Running {
  std::mutex mutex;
  StoredMessage message;
  OrderedJson warnings = OrderedJson::array();
  std::vector<net::ExchangePtr> listeners;
  std::vector<std::function<void(const StoredMessage&)>> stoppers;  // who asked it to stop and waits for the end
  gateway::CallPtr call;
  bool stop_wanted = false, done = false;
  steady_clock::time_point start = steady_clock::now(), first, saved = start, thinking, thought;
  uint64_t tokens = 0;
  std::optional<Receipt> receipt;  // at the end
  std::string place;               // in the queue, as an event; until the first token
  std::mutex saving;               // workers may take two copies in either order: the last one stays
  bool last_saved = false;

  void tell(const std::string& event) {
    std::erase_if(listeners, [&](const net::ExchangePtr& listener) { return !listener->write(event); });
  }

  void take(const Event& event) {
    if (event.tokens > 0 && tokens == 0) first = steady_clock::now();
    tokens += event.tokens;
    switch (event.kind) {
      case Event::Kind::kQueued:
        place = page_event("queued", {{"ahead", event.index}});
        tell(place);
        break;
      case Event::Kind::kText:
        message.content += event.text;
        if (!event.text.empty() && thought == steady_clock::time_point()) thought = steady_clock::now();
        if (!event.text.empty()) tell(page_event("text", {{"text", event.text}}));
        break;
      case Event::Kind::kThinking:
        message.thinking += event.text;
        if (thinking == steady_clock::time_point()) thinking = steady_clock::now();
        tell(page_event("thinking", {{"text", event.text}}));
        break;
      case Event::Kind::kWarning:
        warnings.push_back(event.text);
        message.warnings = dumped(warnings);
        tell(page_event("warning", {{"text", event.text}}));
        break;
      case Event::Kind::kError:
        message.status = "failed";
        message.error = event.text;
        break;
      case Event::Kind::kFinish:
        finish(event);
        break;
      default:
        break;
    }
  }

  void finish(const Event& event) {
    const auto now = steady_clock::now();
    const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
    const bool any = tokens > 0;
    OrderedJson usage = {
        {"prompt_tokens", event.usage.prompt_tokens},         {"cached_tokens", event.usage.cached_tokens},
        {"completion_tokens", event.usage.completion_tokens}, {"reasoning_tokens", event.usage.reasoning_tokens},
        {"first_token_s", any ? seconds(start, first) : 0.0}, {"seconds", seconds(start, now)}};
    const double writing = any ? seconds(first, now) : 0;
    usage["tokens_per_s"] = tokens > 1 && writing > 0 ? static_cast<double>(tokens - 1) / writing : 0.0;
    if (thinking != steady_clock::time_point()) {
      usage["thinking_s"] = seconds(thinking, thought == steady_clock::time_point() ? now : thought);
    }
    if (receipt && receipt->tries > 0 && receipt->upstream != "local") {
      usage["cost_nano_usd"] = receipt->cost_nano_usd ? OrderedJson(*receipt->cost_nano_usd) : OrderedJson();
    }
    message.usage = dumped(usage);
    message.status = event.finish == chat::Finish::kCancelled ? "stopped" : "done";
    message.finish = event.finish == chat::Finish::kCancelled ? "" : chat::openai_finish(event.finish);
  }
};

void RunningAnswers::store(Conversations& conversations, Running& running, const StoredMessage& copy, bool last) {
  std::lock_guard lock(running.saving);
  if (running.last_saved) return;
  running.last_saved = last;
  save(conversations, copy, last);
}

RunningAnswers::RunningAnswers() = default;
RunningAnswers::~RunningAnswers() = default;

std::shared_ptr<RunningAnswers::Running> RunningAnswers::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  return found == running_.end() ? nullptr : found->second;
}

void RunningAnswers::start(State& state, const Caller& caller, StoredMessage answer, chat::ChatRequest request) {
  auto running = std::make_shared<Running>();
  running->message = std::move(answer);
  const std::string id = running->message.id;
  {
    std::lock_guard lock(mutex_);
    running_[id] = running;
  }
  // The database is written by a worker: this runs on the thread that computes.
  const auto save = [this, &state, running, id](bool last) {
    auto job = [this, &state, running, id, last, copy = running->message] {
      store(*state.conversations, *running, copy, last);
      if (!last) return;
      {
        std::lock_guard lock(running->mutex);
        running->done = true;
        running->tell(page_event("done", message_json(copy)));
        for (const auto& listener : running->listeners) listener->end();
        running->listeners.clear();
        for (const auto& stopper : std::exchange(running->stoppers, {})) stopper(copy);
      }
      std::lock_guard lock(mutex_);
      // Who heard "done" may have asked for its continuation already, which has the same name.
      if (const auto found = running_.find(id); found != running_.end() && found->second == running) {
        running_.erase(found);
      }
      fewer_.notify_all();
    };
    if (last)
      state.workers.insist(std::move(job));
    else
      state.workers.run(std::move(job));
  };
  const RequestRecordPtr record = RequestRecord::current();
  const std::string receipt_id = record ? record->id() : id;
  const auto sink = [&state, running, save, receipt_id](Event event) {
    std::lock_guard lock(running->mutex);
    const bool last = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
    if (last) running->receipt = state.receipts.take(receipt_id);
    running->take(event);
    const auto now = steady_clock::now();
    if (!last && now - running->saved < kSaveEvery) return;
    running->saved = now;
    save(last);
  };
  try {
    const std::string model = request.model;
    const Receipts::Expected expected(state.receipts, receipt_id);
    auto call = state.provider->chat(std::move(request), measured(state, caller, model, sink));
    std::lock_guard lock(running->mutex);
    running->call = call;
    if (running->stop_wanted) call->cancel();
  } catch (const std::exception& error) {
    Event failed{.kind = Event::Kind::kError, .text = error.what()};
    sink(std::move(failed));
    throw;
  }
}

void RunningAnswers::save(Conversations& conversations, const StoredMessage& message, bool last) {
  try {
    conversations.save(message);
    std::lock_guard lock(mutex_);
    unsaved_.erase(message.id);
  } catch (const std::exception& error) {
    // Only what can be healed is kept; a conversation that is gone takes its answers with it.
    const auto* ours = dynamic_cast<const Error*>(&error);
    const bool keep = last && ours && (ours->code() == Code::kNoSpace || ours->code() == Code::kUnavailable);
    log_warn("an answer could not be stored{}: {}", keep ? ", it is kept in memory" : "", error.what());
    std::lock_guard lock(mutex_);
    if (keep)
      unsaved_[message.id] = message;
    else if (last)
      unsaved_.erase(message.id);
  }
}

void RunningAnswers::store_unsaved(Conversations& conversations) {
  std::vector<StoredMessage> unsaved;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, message] : unsaved_) unsaved.push_back(message);
  }
  for (const StoredMessage& message : unsaved) save(conversations, message, true);
}

bool RunningAnswers::attach(const std::string& id, const net::ExchangePtr& exchange) {
  const auto running = find(id);
  if (!running) return false;
  std::lock_guard lock(running->mutex);
  if (running->done) return false;
  exchange->begin(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, ": still here\n\n");
  exchange->write(page_event("snapshot", message_json(running->message)));
  if (running->tokens == 0 && !running->place.empty()) exchange->write(running->place);
  running->listeners.push_back(exchange);
  return true;
}

bool RunningAnswers::stop(const std::string& id, std::function<void(const StoredMessage&)> stored) {
  const auto running = find(id);
  if (!running) return false;
  gateway::CallPtr call;
  {
    std::lock_guard lock(running->mutex);
    if (running->done) return false;
    running->stop_wanted = true;
    running->stoppers.push_back(std::move(stored));
    call = running->call;
  }
  if (call) call->cancel();
  return true;
}

bool RunningAnswers::wait_for_none(steady_clock::time_point end) const {
  std::unique_lock lock(mutex_);
  return fewer_.wait_until(lock, end, [&] { return running_.empty(); });
}

std::optional<StoredMessage> RunningAnswers::current(const std::string& id) const {
  if (const auto running = find(id)) {
    std::lock_guard lock(running->mutex);
    return running->message;
  }
  std::lock_guard lock(mutex_);
  const auto unsaved = unsaved_.find(id);
  return unsaved == unsaved_.end() ? std::nullopt : std::optional(unsaved->second);
}

}  // namespace shenbi::server
