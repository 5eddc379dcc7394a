#include "net/server_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "base/computing_thread.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace shenbi::net {
namespace {

constexpr size_t kSourcePiece = 256u << 10;  // read at once: some 50 us from the page cache
// What follows this soon on bytes sent past the loop gathers for the loop: one wake-up for all of it costs less than a
// call of the system for each piece.
constexpr std::chrono::microseconds kGatherTime{100};

// IMF-fixdate of RFC 9110, made anew once a second and thread.
std::string_view date_now() {
  thread_local std::time_t shown = -1;
  thread_local std::array<char, 40> text;
  thread_local size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != shown) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    const auto end = fmt::format_to_n(text.data(), text.size(), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                                      kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900,
                                      parts.tm_hour, parts.tm_min, parts.tm_sec);
    size = end.size;
    shown = now;
  }
  return {text.data(), size};
}

// What we add ourselves, and what would change the framing.
bool is_ours(std::string_view name) noexcept {
  for (const std::string_view ours : {"content-length", "transfer-encoding", "connection", "date"}) {
    if (name.size() == ours.size() && std::equal(name.begin(), name.end(), ours.begin(), [](char a, char b) {
          return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
        }))
      return true;
  }
  return false;
}

// Text of a header that may come from a request: a line end in it would begin a header of the client's making.
void append_field_text(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
}

void append_head(std::string& out, const AnswerForm& form, int status, const Headers& headers) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, status_text(status), date_now());
  for (const auto& [name, value] : headers) {
    if (name.empty() || is_ours(name)) continue;
    append_field_text(out, name);
    out += ": ";
    append_field_text(out, value);
    out += "\r\n";
  }
  if (form.close)
    out += "Connection: close\r\n";
  else if (form.http10)
    out += "Connection: keep-alive\r\n";
}

constexpr bool has_no_body(int status) noexcept { return status == 204 || status == 304 || status < 200; }

void append_answer(std::string& out, const AnswerForm& form, const ServerResponse& response) {
  append_head(out, form, response.status, response.headers);
  if (!has_no_body(response.status))
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n",
                   response.source ? response.source->bytes() : response.body.size());
  out += "\r\n";
  if (!form.head_only && !has_no_body(response.status)) out += response.body;
}

void call_all(std::vector<std::function<void()>>& callbacks) {
  for (auto& callback : callbacks) {
    try {
      callback();
    } catch (const std::exception& error) {
      log_warn("a callback of a client that left failed: {}", error.what());
    } catch (...) {
      log_warn("a callback of a client that left failed");
    }
  }
}

}  // namespace

std::string wire_answer(const AnswerForm& form, const ServerResponse& response) {
  std::string out;
  append_answer(out, form, response);
  return out;
}

ServerResponse error_response(int status, std::string_view message, std::string_view code) {
  const std::string_view type = status == 401   ? "authentication_error"
                                : status == 403 ? "permission_error"
                                : status == 429 ? "rate_limit_error"
                                : status < 500  ? "invalid_request_error"
                                                : "server_error";
  const std::string_view name = !code.empty() ? code : status < 500 ? "bad_request" : "internal";
  const Json body = {{"error", {{"message", sanitize_utf8(message)}, {"type", type}, {"code", name}}}};
  return {status, {{"Content-Type", "application/json"}}, body.dump()};
}

ServerResponse response_of_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    const CodeInfo& info = code_info(error.code());
    return error_response(info.http_status, error.what(), info.name);
  } catch (const std::exception& error) {
    log_line(LogLevel::kError, fmt::format("a request failed: {}", error.what()));
  } catch (...) {
    log_line(LogLevel::kError, "a request failed with an exception of unknown type");
  }
  return error_response(500, "internal error");
}

Answer::Answer(AnswerForm form, uint64_t max_queued_bytes, const Line& line)
    : max_queued_bytes_(max_queued_bytes), form_(form), line_(&line) {}

// The maker has the mutex, and wakes the loop when it has it no more.
class Answer::Saying {
 public:
  explicit Saying(Answer& answer) : answer_(answer), lock_(answer.mutex_) {}
  ~Saying() {
    lock_.unlock();
    if (wake_) (*wake_)();
  }
  Saying(const Saying&) = delete;
  Saying& operator=(const Saying&) = delete;
  void wakes_loop() {
    if (answer_.line_ && !answer_.awaited_) wake_ = answer_.line_->wake;
    answer_.awaited_ = true;
  }

 private:
  Answer& answer_;
  std::unique_lock<std::mutex> lock_;
  std::shared_ptr<const std::function<void()>> wake_;
};

// Only while the loop has no bytes of this answer in hand, or they would overtake those. An error of the socket is left
// to the loop, which meets it with the bytes that remain.
void Answer::send_now_locked() {
  if (!line_ || !line_->send_now || awaited_ || source_ || queue_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - sent_now_at_ < kGatherTime) return;
  sent_now_at_ = now;
  const size_t size = line_->send_now(queue_);
  sent_now_ |= size > 0;
  queue_.erase(0, size);
}

void Answer::append_chunk_locked(std::string_view bytes) {
  if (form_.head_only || bytes.empty()) return;  // a chunk of zero bytes would end the body
  if (form_.http10) {
    queue_ += bytes;
    return;
  }
  fmt::format_to(std::back_inserter(queue_), "{:x}\r\n", bytes.size());
  queue_ += bytes;
  queue_ += "\r\n";
}

void Answer::send(ServerResponse response) {
  std::vector<std::function<void()>> dropped;  // dies after the lock: a callback may hold the last Exchange
  Saying saying(*this);
  if (stage_ != Stage::kWaiting || !line_) return;
  append_answer(queue_, form_, response);
  if (response.source && !form_.head_only && !has_no_body(response.status)) {
    source_ = std::move(response.source);
    source_left_ = source_->bytes();
  }
  stage_ = Stage::kFinished;
  dropped.swap(callbacks_);
  if (!this_thread_computes) send_now_locked();
  saying.wakes_loop();  // also with nothing left: the connection goes on to its next request
}

// One piece of the source behind what is in the batch. A source that fails breaks the answer off.
void Answer::append_source_locked(std::string& batch) {
  if (source_left_ > 0) {
    std::string piece;
    try {
      piece = source_->next(std::min<uint64_t>(source_left_, kSourcePiece));
    } catch (const std::exception& error) {
      log_warn("the body of an answer could not be read: {}", error.what());
    }
    broken_ = piece.empty() || piece.size() > source_left_;
    if (broken_) return;
    source_left_ -= piece.size();
    batch += piece;
  }
  if (source_left_ == 0) source_ = nullptr;
}

void Answer::begin(int status, Headers headers, std::string heartbeat, std::string_view first) {
  Saying saying(*this);
  if (stage_ != Stage::kWaiting || !line_) return;
  form_.close |= form_.http10;
  append_head(queue_, form_, status, headers);
  queue_ += form_.http10 ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n";
  append_chunk_locked(first);
  heartbeat_ = std::move(heartbeat);
  stage_ = Stage::kStreaming;
  send_now_locked();
  if (!queue_.empty()) saying.wakes_loop();
}

bool Answer::write(std::string_view bytes) {
  Saying saying(*this);
  if (stage_ != Stage::kStreaming || !line_ || broken_) return false;
  const size_t waiting = queue_.size() + in_flight_;
  if (waiting > 0 && waiting + bytes.size() > max_queued_bytes_) {
    broken_ = true;
    queue_.clear();
    awaited_ = false;  // the loop waits for the socket, which does not move
    saying.wakes_loop();
    return false;
  }
  append_chunk_locked(bytes);
  if (!this_thread_computes) send_now_locked();
  if (!queue_.empty()) saying.wakes_loop();
  return true;
}

void Answer::end() {
  std::vector<std::function<void()>> dropped;
  Saying saying(*this);
  if (stage_ != Stage::kStreaming || !line_) return;
  if (!form_.head_only && !form_.http10) queue_ += "0\r\n\r\n";
  stage_ = Stage::kFinished;
  dropped.swap(callbacks_);
  saying.wakes_loop();
}

bool Answer::ask(std::shared_ptr<Maker> maker) {
  Saying saying(*this);
  if (!line_ || stage_ == Stage::kFinished) return false;
  asked_ = std::move(maker);
  saying.wakes_loop();
  return true;
}

void Answer::let_speak() {
  std::shared_ptr<Maker> maker;
  {
    const std::lock_guard lock(mutex_);
    maker.swap(asked_);
  }
  if (maker) maker->make();
}

void Answer::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::kFinished) return;
    if (line_) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

void Answer::abandon() {
  {
    Saying saying(*this);
    if (stage_ == Stage::kStreaming) {
      broken_ = true;
      awaited_ = false;
      saying.wakes_loop();
    }
    if (stage_ != Stage::kWaiting || !line_) return;
  }
  send(error_response(500, "the request was dropped without an answer"));
}

Answer::Progress Answer::take(std::string& batch) {
  batch.clear();
  std::shared_ptr<Maker> done;  // dies behind the lock
  const std::lock_guard lock(mutex_);
  if (broken_) return Progress::kBroken;
  batch.swap(queue_);
  if (source_) append_source_locked(batch);
  if (broken_) return Progress::kBroken;
  awaited_ = !batch.empty();
  in_flight_ = batch.size();
  if (stage_ != Stage::kFinished || source_) return Progress::kOpen;
  done.swap(asked_);  // it asked while its last words were being told; kept, it would hold the answer that holds it
  line_ = nullptr;
  return Progress::kComplete;
}

void Answer::beat() {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::kStreaming || heartbeat_.empty() || !queue_.empty() || broken_) return;
  append_chunk_locked(heartbeat_);
}

bool Answer::take_sent_now() {
  const std::lock_guard lock(mutex_);
  return std::exchange(sent_now_, false);
}

bool Answer::finished() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::kFinished;
}

bool Answer::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

bool Answer::closes() const {
  const std::lock_guard lock(mutex_);
  return form_.close;
}

void Answer::client_left() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (!line_) return;
    line_ = nullptr;
    queue_ = {};
    source_ = nullptr;
    callbacks.swap(callbacks_);
    if (asked_) callbacks.emplace_back([maker = std::move(asked_)] { maker->make(); });
  }
  call_all(callbacks);
}

namespace {

class AnswerExchange final : public Exchange {
 public:
  explicit AnswerExchange(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~AnswerExchange() override { answer_->abandon(); }
  void send(ServerResponse response) override { answer_->send(std::move(response)); }
  void begin(int status, Headers headers, std::string heartbeat, std::string_view first) override {
    answer_->begin(status, std::move(headers), std::move(heartbeat), first);
  }
  bool write(std::string_view bytes) override { return answer_->write(bytes); }
  void end() override { answer_->end(); }
  bool ask(std::shared_ptr<Maker> maker) override { return answer_->ask(std::move(maker)); }
  void on_gone(std::function<void()> callback) override { answer_->on_gone(std::move(callback)); }

 private:
  const std::shared_ptr<Answer> answer_;
};

}  // namespace

ExchangePtr make_exchange(std::shared_ptr<Answer> answer) {
  return std::make_shared<AnswerExchange>(std::move(answer));
}

}  // namespace shenbi::net
