#include "net/server_conversation.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace shenbi::net {

Conversation::Conversation(ServerShared& shared, std::string peer, const Line& line)
    : shared_(shared), peer_(std::move(peer)), line_(line) {}

Conversation::~Conversation() {
  client_left();
  drop_parser();
}

void Conversation::receive(std::string_view bytes) {
  if (phase_ == Phase::kClosing) return;
  input_.append(bytes);
  advance();
}

// Reads on in what has come until it is used up or an answer must be waited for.
void Conversation::advance() {
  try {
    while ((phase_ == Phase::kHead && read_head()) || (phase_ == Phase::kBody && read_body())) {
    }
  } catch (...) {  // admit() failed, or memory is short
    refuse(response_of_current_exception());
  }
  if (used_ == input_.size()) {
    if (input_.capacity() > 16 << 10)
      input_ = {};  // a connection at rest holds no memory of its last upload
    else
      input_.clear();
    used_ = 0;
  } else if (used_ > input_.size() / 2) {
    input_.erase(0, used_);
    used_ = 0;
  }
}

bool Conversation::read_head() {
  if (used_ == input_.size()) return false;
  if (!parser_) {
    parser_ = std::make_unique<RequestParser>(shared_.options.max_head_bytes, shared_.options.max_body_bytes);
  }
  used_ += parser_->read_head(std::string_view(input_).substr(used_));
  if (parser_->step() == RequestParser::Step::kMore) return false;
  if (parser_->step() == RequestParser::Step::kRefused) return refuse_bad_request(), false;

  ServerRequest& request = parser_->request();
  request.peer = peer_;
  request.number = ++shared_.requests;
  request.secure = !shared_.options.certificate_file.empty();
  const bool has_body = parser_->has_body(), head_only = request.method == "HEAD";
  if (shared_.admit) {
    if (std::optional<ServerResponse> answer = shared_.admit(request)) {
      ++shared_.refused;
      refuse(*answer, head_only);
      return false;
    }
  }
  phase_ = Phase::kBody;
  parser_->read_body({});  // judges the announced length
  if (parser_->step() == RequestParser::Step::kRefused) return refuse_bad_request(), false;
  if (has_body && parser_->expects_continue() && !parser_->http10() && used_ == input_.size())
    output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

bool Conversation::read_body() {
  used_ += parser_->read_body(std::string_view(input_).substr(used_));
  if (parser_->step() == RequestParser::Step::kRefused) return refuse_bad_request(), false;
  if (!hold_body()) return refuse_overload("too many bytes of requests are being read"), false;
  if (parser_->step() == RequestParser::Step::kDone) dispatch();
  return false;
}

// Counts the body so far among those of all connections; false if together they are too long.
bool Conversation::hold_body() {
  const uint64_t now = parser_->request().body.size(), more = now - std::exchange(held_bytes_, now);
  return shared_.unhandled_bytes.fetch_add(more) + more <= shared_.options.max_unhandled_bytes;
}

void Conversation::drop_parser() {
  parser_.reset();
  shared_.unhandled_bytes -= std::exchange(held_bytes_, 0);
}

void Conversation::dispatch() {
  const AnswerForm form{.head_only = parser_->request().method == "HEAD",
                        .http10 = parser_->http10(),
                        .close = !parser_->keep_alive() || shared_.stopping.load(std::memory_order_relaxed)};
  ServerRequest request = std::move(parser_->request());
  drop_parser();
  phase_ = Phase::kAnswer;
  answer_complete_ = false;
  answer_ = std::make_shared<Answer>(form, shared_.options.max_queued_bytes, line_);
  ++shared_.open_requests;
  const ExchangePtr exchange = make_exchange(answer_);
  try {
    shared_.handle(std::move(request), exchange);
  } catch (...) {
    exchange->send(response_of_current_exception());  // ignored if a stream had begun: that one ends here, broken
  }
}

void Conversation::refuse(const ServerResponse& response, bool head_only) {
  output_ += wire_answer({.head_only = head_only, .close = true}, response);
  input_pending_ = true;
  drop_parser();
  input_ = {};
  used_ = 0;
  phase_ = Phase::kClosing;
}

void Conversation::refuse_bad_request() {
  ++shared_.bad_requests;
  const Refusal refusal = parser_->refusal();
  refuse(error_response(refusal.status, refusal.message));
}

void Conversation::refuse_connection() { refuse_overload("too many connections"); }

void Conversation::refuse_overload(std::string_view message) {
  ++shared_.refused;
  ServerResponse response = error_response(503, message, "overloaded");
  response.headers.emplace_back("Retry-After", "1");
  refuse(response);
}

void Conversation::time_out() {
  if (phase_ == Phase::kBody || (phase_ == Phase::kHead && head_begun())) {
    ++shared_.bad_requests;
    refuse(error_response(408,
                          phase_ == Phase::kBody ? "the body did not come in time" : "the head did not come in time"));
  } else {
    cut_ = true;  // an idle connection, or one that has had its time to close
  }
}

void Conversation::end_of_input() {
  input_ended_ = true;
  // Whoever closes while we still work does not wait for the answer. One that is finished is worth sending: it may have
  // been a client that only closed its sending side.
  if (phase_ == Phase::kClosing || (answer_ && answer_->finished())) return;
  cut_ = true;
  client_left();
}

void Conversation::client_left() {
  if (!answer_) return;
  const std::shared_ptr<Answer> answer = std::exchange(answer_, nullptr);
  --shared_.open_requests;
  answer->client_left();
  cut_ = true;
}

Conversation::Next Conversation::next(std::string& batch) {
  if (cut_) return Next::kCut;
  if (!output_.empty()) {
    batch = std::exchange(output_, {});
    return Next::kSend;
  }
  if (phase_ == Phase::kClosing) return Next::kClose;
  if (phase_ != Phase::kAnswer) {
    const bool idle = phase_ == Phase::kHead && !head_begun();
    return idle && shared_.stopping.load(std::memory_order_relaxed) ? Next::kCut : Next::kWait;
  }
  try {
    answer_->let_speak();
  } catch (const std::exception& error) {  // nobody can say how the answer goes on
    log_warn("an answer broke off: {}", error.what());
    client_left();
    return Next::kCut;
  }
  switch (answer_->take(batch)) {
    case Answer::Progress::kBroken:
      client_left();
      return Next::kCut;
    case Answer::Progress::kComplete:
      answer_complete_ = true;
      if (batch.empty()) {
        finish_answer();
        return next(batch);
      }
      return Next::kSend;
    case Answer::Progress::kOpen:
      break;
  }
  return batch.empty() ? Next::kWait : Next::kSend;
}

void Conversation::sent() {
  if (answer_ && answer_complete_) finish_answer();
}

void Conversation::finish_answer() {
  const bool close = answer_->closes() || input_ended_ || shared_.stopping.load(std::memory_order_relaxed);
  answer_.reset();
  --shared_.open_requests;
  phase_ = close ? Phase::kClosing : Phase::kHead;
  if (close) {
    input_pending_ = used_ < input_.size();
    input_ = {};
    used_ = 0;
  } else {
    advance();
  }
}

bool Conversation::wants_input() const noexcept {
  return !input_ended_ && (phase_ != Phase::kAnswer || input_.size() - used_ < shared_.options.max_head_bytes);
}

void Conversation::beat() {
  if (answer_ && !answer_complete_) answer_->beat();
}

}  // namespace shenbi::net
