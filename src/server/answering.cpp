#include "server/answering.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "base/log.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

class Answering : public std::enable_shared_from_this<Answering> {
 public:
  Answering(AnswerPlan plan, net::ExchangePtr exchange, Workers& workers)
      : plan_(std::move(plan)), exchange_(std::move(exchange)), workers_(workers) {}

  void start(State& state, const Caller& caller) {
    exchange_->on_gone([self = weak_from_this()] {
      if (const auto answering = self.lock()) answering->cancel();
    });
    for (uint32_t choice = 0; choice < plan_.starts.size(); ++choice) {
      const auto sink = measured(state, caller, plan_.model,
                                 [self = shared_from_this(), choice](chat::Event event) { self->take(event, choice); });
      try {
        gateway::CallPtr call = plan_.starts[choice](sink);
        bool gone = false;
        {
          std::lock_guard lock(mutex_);
          if (!ended_) calls_.push_back(call);  // one that has ended already would only hold on to this
          gone = gone_;
        }
        if (gone) call->cancel();  // not under the lock: its last event may come at once
      } catch (const Error& error) {
        if (choice == 0) throw;  // nothing has been said yet: the whole request fails
        take({.kind = chat::Event::Kind::kError, .text = error.what(), .status = code_info(error.code()).http_status},
             choice);
      }
    }
  }

 private:
  void take(const chat::Event& event, uint32_t choice) {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    note_who_answers(event);
    if (event.kind == chat::Event::Kind::kError) note_wait(event);
    if (event.kind == chat::Event::Kind::kQueued) return tell_place(event.index);
    if (plan_.before) plan_.before(event);
    const std::string bytes = plan_.writer->push(event, choice);
    if (!plan_.writer->finished()) {
      if (plan_.stream && !bytes.empty()) write(bytes);
      return;
    }
    ended_ = true;
    calls_.clear();
    if (!plan_.after) return complete(bytes);
    // What is to be stored is stored before the client hears of the end, and not by the thread that computes.
    const bool taken = workers_.run([self = shared_from_this(), bytes] {
      try {
        self->plan_.after(*self->plan_.writer);
      } catch (const std::exception& error) {
        log_warn("an answer could not be stored: {}", error.what());
      }
      self->complete(bytes);
    });
    if (!taken) complete(bytes);
  }

  // A comment: clients of event streams read over it, whoever looks at the wire sees how far it is, and no proxy takes
  // the line for dead.
  void tell_place(uint32_t ahead) {
    if (!plan_.stream || plan_.writer->content_type() != "text/event-stream") return;
    write(fmt::format(": waiting, {} before this one\n\n", ahead));
  }

  void complete(const std::string& last_bytes) {
    if (!plan_.stream) {
      net::ServerResponse response = json_response(plan_.writer->status(), plan_.writer->body());
      response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
      return exchange_->send(std::move(response));
    }
    write(last_bytes);
    exchange_->end();
  }

  void write(const std::string& bytes) {
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
    headers_ = {{"X-Shenbi-Model", plain(event.name)}, {"X-Shenbi-Route", plain(event.id)}};
  }

  // Headers go out with the first byte: of an answer that has begun nobody can be told.
  void note_wait(const chat::Event& event) {
    if (event.status != 429 && event.status != 503) return;
    headers_.emplace_back("Retry-After", std::to_string(std::max(event.index, 1u)));
  }

  // Names of models come from requests and from houses: a header has room for visible ASCII.
  static std::string plain(std::string text) {
    constexpr size_t kMost = 300;
    if (text.size() > kMost) text.resize(kMost);
    for (char& c : text) c = c < 0x20 || c > 0x7e ? '?' : c;
    return text;
  }

  void cancel() {
    std::vector<gateway::CallPtr> calls;
    {
      std::lock_guard lock(mutex_);
      gone_ = true;
      calls = calls_;
    }
    for (const auto& call : calls) call->cancel();
  }

  AnswerPlan plan_;
  net::ExchangePtr exchange_;
  Workers& workers_;
  std::mutex mutex_;
  std::vector<gateway::CallPtr> calls_;
  bool begun_ = false, ended_ = false, gone_ = false, noted_ = false;
  net::Headers headers_;
};

}  // namespace

void answer(RouteCall& call, AnswerPlan plan) {
  const auto answering = std::make_shared<Answering>(std::move(plan), call.exchange, call.state.workers);
  answering->start(call.state, call.caller);
}

void set_choice_seed(chat::Sampling& sampling, uint32_t index) {
  if (sampling.seed) *sampling.seed += index;
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
