#include "server/media_answering.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "server/answering.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using chat::Event;

// Bytes come in front of the event that says so (gateway/media.h), and the event says who sends them.
class MediaAnswer : public std::enable_shared_from_this<MediaAnswer> {
 public:
  MediaAnswer(net::ExchangePtr exchange, Face face) : exchange_(std::move(exchange)), face_(face) {}

  void start(State& state, const Caller& caller, const gateway::MediaRequest& request) {
    exchange_->on_gone([self = weak_from_this()] {
      if (const auto answer = self.lock()) answer->cancel();
    });
    const gateway::MediaWire wire{
        .head = [self = shared_from_this()](std::string_view type, bool whole) { self->take_head(type, whole); },
        .bytes = [self = shared_from_this()](std::string_view bytes) { self->take_bytes(bytes); }};
    auto call = state.provider->media(
        request, wire,
        measured(state, caller, request.model, [self = shared_from_this()](Event event) { self->take(event); }));
    bool gone = false;
    {
      std::lock_guard lock(mutex_);
      if (!ended_) call_ = call;  // one that has ended would only hold on to this
      gone = gone_;
    }
    if (gone) call->cancel();
  }

 private:
  void take_head(std::string_view type, bool whole) {
    std::lock_guard lock(mutex_);
    type_ = type;
    whole_ = whole;
  }

  void take_bytes(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    waiting_ += bytes;
  }

  void take(const Event& event) {
    gateway::CallPtr over;  // goes behind the lock
    std::lock_guard lock(mutex_);
    if (ended_) return;
    note_who_answers(event);
    if (event.kind == Event::Kind::kText && !whole_) return flow();
    if (event.kind != Event::Kind::kFinish && event.kind != Event::Kind::kError) return;
    ended_ = true;
    over = std::exchange(call_, nullptr);
    if (event.kind == Event::Kind::kError) return fail(event);
    if (whole_) return send();
    flow();
    exchange_->end();
  }

  void flow() {
    if (std::exchange(begun_, true)) {
      if (!waiting_.empty()) exchange_->write(waiting_);
    } else {
      exchange_->begin(200, headers(), {}, waiting_);
    }
    waiting_.clear();
  }

  void send() {
    if (type_.empty())  // cancelled before it began: nobody is there
      return exchange_->send(error_response(face_, Code::kCancelled, "the caller has left"));
    exchange_->send({.status = 200, .headers = headers(), .body = std::move(waiting_)});
  }

  // What has begun is broken off, so that nobody takes a part for the whole.
  void fail(const Event& event) {
    if (begun_) {
      exchange_ = nullptr;
      return;
    }
    auto response = error_response(face_, event.status, event.text, chat::facts_of(event));
    if ((event.status == 429 || event.status == 503) && event.index > 0) {
      std::erase_if(response.headers, [](const auto& header) { return header.first == "Retry-After"; });
      response.headers.emplace_back("Retry-After", std::to_string(event.index));
    }
    response.headers.insert(response.headers.end(), who_.begin(), who_.end());
    exchange_->send(std::move(response));
  }

  net::Headers headers() const {
    net::Headers all = {{"Content-Type", type_}, {"Cache-Control", "no-store"}};
    all.insert(all.end(), who_.begin(), who_.end());
    return all;
  }

  void note_who_answers(const Event& event) {
    if (std::exchange(noted_, true) || event.name.empty()) return;
    who_.emplace_back("X-Shenbi-Model", header_text(event.name));
    who_.emplace_back("X-Shenbi-Route", header_text(event.id));
  }

  void cancel() {
    gateway::CallPtr call;
    {
      std::lock_guard lock(mutex_);
      gone_ = true;
      call = call_;
    }
    if (call) call->cancel();
  }

  std::mutex mutex_;
  net::ExchangePtr exchange_;
  const Face face_;
  gateway::CallPtr call_;
  std::string type_, waiting_;
  bool whole_ = true, begun_ = false, ended_ = false, gone_ = false, noted_ = false;
  net::Headers who_;
};

}  // namespace

gateway::MediaRequest media_request(RouteCall& call, gateway::MediaKind kind) {
  auto request =
      gateway::read_media(kind, call.request.header("content-type"), std::exchange(call.request.body, std::string()));
  check_caller(call, request.model);
  request.tenant = call.caller.id;
  return request;
}

void answer_media(RouteCall& call, gateway::MediaKind kind) {
  const auto request = media_request(call, kind);
  std::make_shared<MediaAnswer>(call.exchange, Face::kOpenAi)->start(call.state, call.caller, request);
}

}  // namespace shenbi::server
