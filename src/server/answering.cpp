#include "server/answering.h"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <utility>

#include "base/computing_thread.h"
#include "base/log.h"
#include "base/redact.h"
#include "chat/request_peek.h"
#include "gateway/guarded.h"
#include "server/answer_cache.h"
#include "server/request_record.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

// Events come in on the provider's thread, in order. What they become is said under mutex_: at once, or, for a stream
// on a thread that computes, by the connection's loop; only the first words of an answer that thread says itself, as
// somebody waits for those and a loop that is woken takes longer. That thread never waits for a loop that is at it:
// events_mutex_ is held for the time of a push. Nor does a client that leaves wait for words that are being made.
class Answering : public net::Maker, public std::enable_shared_from_this<Answering> {
 public:
  Answering(AnswerPlan plan, net::ExchangePtr exchange, State& state)
      : plan_(std::move(plan)),
        exchange_(std::move(exchange)),
        workers_(state.workers),
        cache_(state.answer_cache.get()) {
    if (plan_.cache_key.empty() || plan_.after) cache_ = nullptr;
    if (cache_) headers_.emplace_back("X-Shenbi-Cache", "miss");
    notes_rows_ = cache_ != nullptr;
    kept_.choices.resize(cache_ && !plan_.passed ? plan_.starts.size() : 0);
  }

  // Without asking anybody: it costs nothing, and no limit of tokens counts it.
  void replay(const CachedAnswer& answer) {
    cache_ = nullptr;
    notes_rows_ = false;
    headers_ = answer.headers;
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(AnswerCache::Clock::now() - answer.made);
    headers_.emplace_back("X-Shenbi-Cache", "hit");
    headers_.emplace_back("Age", std::to_string(std::max<int64_t>(age.count(), 0)));
    if (plan_.passed) {
      ended_ = true;
      if (!plan_.stream) return send(200, answer.bytes);
      write(answer.bytes);
      return exchange_->end();
    }
    noted_ = true;
    for (uint32_t choice = 0; choice < answer.choices.size(); ++choice) {
      for (chat::Event event : answer.choices[choice]) {
        event.usage.cached_tokens = event.usage.prompt_tokens;
        event.usage.cache_write_tokens = 0;
        take(std::move(event), choice);
      }
    }
  }

  void make() override {
    std::lock_guard lock(mutex_);
    say_locked();
  }

  void start(State& state, const Caller& caller) {
    exchange_->on_gone([self = weak_from_this()] {
      if (const auto answering = self.lock()) answering->cancel();
    });
    for (uint32_t choice = 0; choice < plan_.starts.size(); ++choice) {
      const auto sink = measured(state, caller, plan_.model, [self = shared_from_this(), choice](chat::Event event) {
        self->take(std::move(event), choice);
      });
      try {
        gateway::CallPtr call = plan_.starts[choice](sink);
        bool gone = false;
        {
          std::lock_guard lock(events_mutex_);
          if (!over_) calls_.push_back(call);  // one that has ended already would only hold on to this
          gone = gone_;
        }
        if (gone) call->cancel();  // not under the lock: its last event may come at once
      } catch (const Error& error) {
        if (choice == 0) throw;  // nothing has been said yet: the whole request fails
        take(chat::error_event(error), choice);
      }
    }
    if (!plan_.stream) return;
    const std::lock_guard lock(mutex_);
    if (!begun_ && !ended_) plan_.writer->prepare();
  }

 private:
  // A loop that waits for a slow client does not come for more: beyond this the bytes are made all the same, and the
  // bound of a slow reader holds (net::ServerOptions).
  static constexpr size_t kMostHeard = 64;

  struct Heard {
    chat::Event event;
    uint32_t choice = 0;
  };

  void take(chat::Event event, uint32_t choice) {
    using Kind = chat::Event::Kind;
    const bool later = this_thread_computes && plan_.stream;
    // Its words follow at once, as it comes with the first token.
    const bool only_start = later && event.kind == Kind::kStart;
    const bool awaited = !begun_ && event.kind != Kind::kQueued;
    bool behind = false;
    {
      const std::lock_guard lock(events_mutex_);
      if (notes_rows_ && event.kind == Kind::kFinish) note_row();
      heard_.push_back({std::move(event), choice});
      behind = heard_.size() > kMostHeard;
    }
    if (only_start) return;
    if (later && !awaited && !behind && exchange_->ask(shared_from_this())) return;
    make();
  }

  // Who answered and what it took, for when the answer is given again.
  void note_row() {
    const auto& filed = Accounting::last_filed();
    if (!filed) return;
    rows_.push_back({.upstream = filed->upstream,
                     .model = filed->model,
                     .prompt_tokens = filed->prompt_tokens,
                     .cached_tokens = filed->cached_tokens,
                     .cache_write_tokens = filed->cache_write_tokens,
                     .completion_tokens = filed->completion_tokens,
                     .reasoning_tokens = filed->reasoning_tokens,
                     .cost_nano_usd = 0,
                     .outcome = filed->outcome,
                     .error = {},
                     .raw_usage = {},
                     .cached_answer = true});
  }

  // All that has been heard, as one piece for the wire.
  void say_locked() {
    for (;;) {
      {
        const std::lock_guard lock(events_mutex_);
        if (heard_.empty()) break;
        saying_.swap(heard_);
      }
      for (const Heard& heard : saying_) say_locked(heard.event, heard.choice);
      saying_.clear();
    }
    if (!said_.empty()) write(std::exchange(said_, {}));
  }

  void say_locked(const chat::Event& event, uint32_t choice) {
    if (ended_) return;
    if (event.kind == chat::Event::Kind::kWarning && event.name == gateway::kMaskedWarning) return note_masked(event);
    note_who_answers(event);
    if (event.kind == chat::Event::Kind::kError) note_wait(event);
    keep(event, choice);
    if (event.kind == chat::Event::Kind::kQueued) return tell_place(event.index);
    if (plan_.before) plan_.before(event);
    const std::string bytes = plan_.writer->push(event, choice);
    if (!plan_.writer->finished()) {
      if (plan_.stream) said_ += bytes;
      return;
    }
    ended_ = true;
    forget_calls();
    said_ += bytes;
    std::string last = std::exchange(said_, {});
    if (!plan_.after) return complete(last);
    // What is to be stored is stored before the client hears of the end, and not by a thread that must not wait.
    const bool taken = workers_.run([self = shared_from_this(), last] {
      try {
        self->plan_.after(*self->plan_.writer);
      } catch (const std::exception& error) {
        log_warn("an answer could not be stored: {}", error.what());
      }
      self->complete(last);
    });
    if (!taken) complete(last);
  }

  void forget_calls() {
    std::vector<gateway::CallPtr> dropped;  // dies behind the lock
    const std::lock_guard lock(events_mutex_);
    over_ = true;
    dropped.swap(calls_);
  }

  // A comment: clients of event streams read over it, whoever looks at the wire sees how far it is, and no proxy takes
  // the line for dead.
  void tell_place(uint32_t ahead) {
    if (!plan_.stream || plan_.writer->content_type() != "text/event-stream") return;
    said_ += fmt::format(": waiting, {} before this one\n\n", ahead);
  }

  void complete(const std::string& last_bytes) {
    if (!plan_.stream) {
      if (plan_.passed) keep_bytes(plan_.writer->body());
      put();
      return send(plan_.writer->status(), plan_.writer->body());
    }
    // A stream that fails before its first byte is no stream: clients look for an error's words in a whole body.
    if (!begun_ && plan_.writer->status() != 200) return send(plan_.writer->status(), plan_.writer->body());
    write(last_bytes);
    put();
    exchange_->end();
  }

  void send(int status, std::string body) {
    net::ServerResponse response = json_response(status, std::move(body));
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    exchange_->send(std::move(response));
  }

  // For the cache: what ends well and is not too long.
  void keep(const chat::Event& event, uint32_t choice) {
    if (!cache_) return;
    const bool bad = event.kind == chat::Event::Kind::kError ||
                     (event.kind == chat::Event::Kind::kFinish &&
                      (event.finish == chat::Finish::kCancelled || event.finish == chat::Finish::kError));
    kept_bytes_ += event.text.size();
    if (bad || kept_bytes_ > cache_->most_bytes()) {
      cache_ = nullptr;
    } else if (!plan_.passed) {
      keep_event(kept_.choices[choice], event);
    }
  }

  void keep_bytes(std::string_view bytes) {
    if (!cache_) return;
    kept_.bytes += bytes;
    if (kept_.bytes.size() > cache_->most_bytes()) cache_ = nullptr;
  }

  void put() {
    if (!cache_ || plan_.writer->status() != 200) return;
    kept_.headers = headers_;
    std::erase_if(kept_.headers, [](const auto& header) { return header.first == "X-Shenbi-Cache"; });
    {
      const std::lock_guard lock(events_mutex_);
      kept_.rows = std::move(rows_);
    }
    cache_->put(plan_.cache_key, std::move(kept_));
  }

  void write(const std::string& bytes) {
    if (plan_.passed) keep_bytes(bytes);
    if (begun_) {
      exchange_->write(bytes);
      return;
    }
    begun_ = true;
    net::Headers headers = {{"Content-Type", std::string(plan_.writer->content_type())}, {"Cache-Control", "no-store"}};
    headers.insert(headers.end(), headers_.begin(), headers_.end());
    exchange_->begin(plan_.writer->status(), std::move(headers), plan_.writer->ping(), bytes);
  }

  // The router says with the first event of an answer who gives it and why (gateway/router.h).
  void note_who_answers(const chat::Event& event) {
    if (std::exchange(noted_, true) || event.kind == chat::Event::Kind::kToolCall || event.name.empty()) return;
    headers_.emplace_back("X-Shenbi-Model", header_text(event.name));
    headers_.emplace_back("X-Shenbi-Route", header_text(event.id));
  }

  // The answer will hold what was kept from the house: no copy of that is kept here either.
  void note_masked(const chat::Event& event) {
    cache_ = nullptr;
    std::erase_if(headers_, [](const auto& header) {  // each choice says it
      return header.first == "X-Shenbi-Cache" || header.first == "X-Shenbi-Masked";
    });
    headers_.emplace_back("X-Shenbi-Masked", header_text(event.text.substr(event.text.find(':') + 2)));
  }

  // Headers go out with the first byte: of an answer that has begun nobody can be told.
  void note_wait(const chat::Event& event) {
    if (event.status != 429 && event.status != 503) return;
    headers_.emplace_back("Retry-After", std::to_string(std::max(event.index, 1u)));
  }

  void cancel() {
    std::vector<gateway::CallPtr> calls;
    {
      std::lock_guard lock(events_mutex_);
      gone_ = true;
      calls = calls_;
    }
    for (const auto& call : calls) call->cancel();
  }

  AnswerPlan plan_;
  net::ExchangePtr exchange_;
  Workers& workers_;
  std::mutex mutex_;
  std::vector<Heard> saying_;
  std::string said_;  // and not written yet
  std::atomic<bool> begun_ = false;
  bool ended_ = false, noted_ = false;
  net::Headers headers_;
  std::mutex events_mutex_;  // held within mutex_, and for a moment; guards what follows
  std::vector<Heard> heard_;
  std::vector<gateway::CallPtr> calls_;
  bool over_ = false, gone_ = false;
  std::vector<ledger::Row> rows_;
  bool notes_rows_ = false;  // set before the first call

  AnswerCache* cache_;  // null: nothing is kept of this answer
  CachedAnswer kept_;
  uint64_t kept_bytes_ = 0;
};

// Of a body: to walk through it and to write it anew with another model's name takes some 30 us, in which nobody else's
// bytes move on this loop.
constexpr size_t kMostPassedAtOnce = 32 << 10;
// To read it, to make a prompt of it and to cut that into tokens takes up to half a millisecond.
constexpr size_t kMostAnsweredAtOnce = 4 << 10;

template <class Quick>
bool peeked_at_once(State& state, const net::ServerRequest& request, const Quick& quick) {
  if (request.body.size() > kMostPassedAtOnce || state.database.shared()) return false;
  try {
    return quick(chat::peek_request(request.body)) && !state.budgets.any();
  } catch (const Error&) {
    return false;  // the dialect's parser finds words for it
  }
}

bool is_quick(State& state, const net::ServerRequest& request, const chat::RequestPeek& peek) {
  return request.body.size() <= kMostAnsweredAtOnce && peek.plain && peek.answers == 1 &&
         state.provider->is_ready(peek.model);
}

// One row for each that was filed when the answer was made. Past the budgets, which nothing is taken of.
void file_again(RouteCall& call, const std::string& model, const CachedAnswer& answer) {
  for (ledger::Row row : answer.rows) {
    row.time_s = seconds_now();
    row.request_id = call.record->id();
    row.caller = call.caller.id;
    row.wanted = redacted(model);
    call.state.ledger.add(std::move(row));
  }
}

}  // namespace

void answer(RouteCall& call, AnswerPlan plan) {
  if (plan.cache_key.empty() && !plan.passed) plan.cache_key = cache_key(call);
  // A route may lead to another dialect by and by: its bytes are no answer to somebody who expects words to be told.
  if (!plan.cache_key.empty()) plan.cache_key += plan.passed ? 'p' : 't';
  const bool old = !plan.cache_key.empty() && !plan.after &&
                   call.request.header("cache-control").find("no-cache") == std::string_view::npos;
  const auto found = old ? call.state.answer_cache->find(plan.cache_key) : nullptr;
  if (found) file_again(call, plan.model, *found);
  const auto answering = std::make_shared<Answering>(std::move(plan), call.exchange, call.state);
  if (found) return answering->replay(*found);
  answering->start(call.state, call.caller);
}

bool can_answer_at_once(State& state, const net::ServerRequest& request) {
  return peeked_at_once(state, request, [&](const chat::RequestPeek& peek) { return is_quick(state, request, peek); });
}

RoutePredicate can_pass_at_once(gateway::Dialect dialect) {
  return [dialect](State& state, const net::ServerRequest& request) {
    return peeked_at_once(state, request, [&](const chat::RequestPeek& peek) {
      auto* const passing = dynamic_cast<gateway::Passing*>(state.provider.get());
      // Thinking that its maker signed may have to be taken out, and for that the body be read.
      const bool passes = passing && !peek.signatures && passing->passes_at_once(peek.model, dialect);
      return passes || is_quick(state, request, peek);
    });
  };
}

std::string cache_key(const RouteCall& call) {
  const bool wanted = call.request.header("cache-control").find("no-store") == std::string_view::npos;
  if (!call.state.answer_cache || !wanted || call.request.body.empty()) return "";
  return AnswerCache::key_of(call.caller.id, call.request);
}

void set_choice_seed(chat::Sampling& sampling, uint32_t index) {
  if (sampling.seed) *sampling.seed += index;
}

std::string header_text(std::string text) {
  constexpr size_t kMost = 300;
  if (text.size() > kMost) text.resize(kMost);
  for (char& c : text) c = c < 0x20 || c > 0x7e ? '?' : c;
  return text;
}

int64_t seconds_now() { return static_cast<int64_t>(wall_clock()); }

void mark_caller(const RouteCall& call, chat::Generation& request) {
  request.tenant = call.caller.id;
  request.priority += call.priority;
}

void check_caller(RouteCall& call, const std::string& model) {
  call.state.keys.check_model(call.caller, model);
  call.state.keys.check_quota(call.caller);
}

}  // namespace shenbi::server
