#include "net/client_loop.h"
#include "base/scheduling.h"
#include "net/signals.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace shenbi::net {
namespace {

constexpr size_t kSpareHandles = 256;  // about 6 KB each
constexpr int kRoundsOfATurn = 8;      // then the host's own connections have theirs; what is left makes it readable

extern "C" {
int client_watch(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  static_cast<ClientLoop*>(self)->watch(socket, what, known != nullptr);
  return 0;
}
int client_timer(CURLM*, long timeout_ms, void* self) {
  static_cast<ClientLoop*>(self)->call_again(timeout_ms);
  return 0;
}
}

ClientExchange& exchange_of(CURL* easy) {
  char* pointer = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer);
  return *reinterpret_cast<ClientExchange*>(pointer);
}

}  // namespace

ClientLoop::ClientLoop(const ClientOptions& options)
    : ca_file_(options.ca_file),
      max_idle_(options.max_idle_connections),
      mailbox_(std::make_shared<ClientMailbox>()),
      multi_(curl_multi_init()),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (multi_ == nullptr || epoll_fd_ < 0) {
    if (multi_) curl_multi_cleanup(multi_);
    if (epoll_fd_ >= 0) ::close(epoll_fd_);
    throw Error(Code::kInternal, "the HTTP client got no epoll: too many open files");
  }
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, client_watch);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, client_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  const uint32_t threads = static_cast<uint32_t>(std::max(1, options.threads));
  const uint32_t most = std::max<uint32_t>(1, options.max_connections_per_host / threads);
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(most));
  epoll_event event{.events = EPOLLIN, .data = {.fd = mailbox_->descriptor()}};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, mailbox_->descriptor(), &event);
}

ClientLoop::~ClientLoop() {
  leave();
  ::close(epoll_fd_);
}

void ClientLoop::stop() {
  stopping_ = true;
  if (runs_on_.load() == std::this_thread::get_id()) return leave();
  mailbox_->wake();
  std::unique_lock lock(leaving_);
  gone_.wait(lock, [&] { return left_; });
}

bool ClientLoop::has_left() const {
  const std::lock_guard lock(leaving_);
  return left_;
}

void ClientLoop::leave() {
  if (has_left()) return;
  finish_all();
  mailbox_->close();
  for (CURL* easy : spare_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);  // here, for it says goodbye to TLS hosts
  const std::lock_guard lock(leaving_);
  left_ = true;
  gone_.notify_all();  // under the lock: whoever waits may destroy this
}

void ClientLoop::watch(curl_socket_t socket, int what, bool known) {
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, socket, nullptr);
    curl_multi_assign(multi_, socket, nullptr);
    return;
  }
  epoll_event event{.events = 0, .data = {.fd = socket}};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  // A descriptor that was closed and given out again is not in the epoll any more, whatever curl remembers.
  if (::epoll_ctl(epoll_fd_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0) {
    ::epoll_ctl(epoll_fd_, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  }
  curl_multi_assign(multi_, socket, this);
}

void ClientLoop::call_again(long timeout_ms) {
  curl_time_ =
      timeout_ms < 0 ? ClientClock::time_point::max() : ClientClock::now() + std::chrono::milliseconds(timeout_ms);
}

void ClientLoop::end_all(const Error& why) {
  std::call_once(end_once_, [&] {
    end_ = why;
    ending_ = true;
  });
  mailbox_->wake();
}

void ClientLoop::run() {
  wake_promptly();
  block_signals();
  runs_on_ = std::this_thread::get_id();
  while (!stopping_) {
    work_off();
    const auto due = next();
    int timeout_ms = -1;
    if (due != ClientClock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - ClientClock::now());
      timeout_ms = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
    }
    poll(timeout_ms);
  }
  leave();
}

bool ClientLoop::turn() {
  runs_on_ = std::this_thread::get_id();
  if (has_left()) return false;
  for (int i = 0; i < kRoundsOfATurn && !stopping_; ++i) {
    work_off();
    if (poll(0) == 0 && curl_time_ > ClientClock::now()) return true;
  }
  if (stopping_) leave();
  return !stopping_;
}

ClientClock::time_point ClientLoop::next() const {
  return std::min(curl_time_, timers_.empty() ? ClientClock::time_point::max() : timers_.begin()->first);
}

// What was asked for, and what is due by time.
void ClientLoop::work_off() {
  read_letters();
  while (ending_ && !live_.empty()) finish(*live_.back(), *end_);
  if (curl_time_ <= ClientClock::now()) act(CURL_SOCKET_TIMEOUT, 0);
  fire_timers();
}

// Returns how much there was.
int ClientLoop::poll(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == mailbox_->descriptor()) {
      uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(event.data.fd, &ignored, sizeof ignored);
      continue;
    }
    int what = 0;
    if (event.events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
    if (event.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (event.events & EPOLLERR) what |= CURL_CSELECT_ERR;
    act(event.data.fd, what);
  }
  return count;
}

void ClientLoop::act(curl_socket_t socket, int what) {
  if (socket == CURL_SOCKET_TIMEOUT) curl_time_ = ClientClock::time_point::max();  // curl sets it anew
  int running = 0;
  curl_multi_socket_action(multi_, socket, what, &running);
  collect_finished();
}

void ClientLoop::read_letters() {
  for (const Exchange& exchange : mailbox_->take()) {
    exchange->read_letter();
    if (exchange->phase == ClientExchange::Phase::kDone) continue;
    if (exchange->cancelled()) {
      finish(*exchange, CURLE_ABORTED_BY_CALLBACK);
    } else if (exchange->phase == ClientExchange::Phase::kNew) {
      if (ending_)
        exchange->end(*end_);
      else
        begin(exchange);
    } else {
      const CURLcode outcome = exchange->obey();
      if (outcome != CURLE_OK) finish(*exchange, outcome);
    }
  }
}

// The cache of connections counts those in use as well: its bound moves with them, so that `max_idle_` are kept beside.
void ClientLoop::keep_connections() const {
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(live_.size() + max_idle_));
}

void ClientLoop::begin(const Exchange& exchange) {
  CURL* easy = nullptr;
  if (spare_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = spare_.back();
    spare_.pop_back();
  }
  if (easy == nullptr) return exchange->end(Error(Code::kOutOfMemory, "no memory for an exchange"));
  exchange->prepare(easy, ca_file_);
  exchange->place = live_.size();
  live_.push_back(exchange);
  keep_connections();
  set_timer(*exchange, ClientClock::now());
  curl_multi_add_handle(multi_, easy);
}

void ClientLoop::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) finish(exchange_of(message->easy_handle), message->data.result);
  }
}

// Deadlines move on with each byte; the timer does not, it looks again when it fires.
void ClientLoop::set_timer(ClientExchange& exchange, ClientClock::time_point now) {
  const auto next = exchange.next_look(now);
  if (!exchange.timer) {
    exchange.timer = timers_.emplace(next, &exchange);
    return;
  }
  auto node = timers_.extract(*exchange.timer);
  node.key() = next;
  exchange.timer = timers_.insert(std::move(node));
}

void ClientLoop::fire_timers() {
  const auto now = ClientClock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    ClientExchange& exchange = *timers_.begin()->second;
    if (exchange.deadline() <= now) {
      finish(exchange, exchange.timed_out());
    } else {
      set_timer(exchange, now);
    }
  }
}

template <class Outcome>
void ClientLoop::finish(ClientExchange& exchange, const Outcome& outcome) {
  if (exchange.timer) timers_.erase(*std::exchange(exchange.timer, std::nullopt));
  CURL* easy = exchange.easy;
  if (easy == nullptr) return exchange.end(outcome);  // cancelled before it began
  const Exchange keep = live_[exchange.place];
  // The error's words may come from the handle, so it is told before the handle is taken apart; the connection must be
  // free again before the receiver starts the next exchange, so the handle leaves curl first of all.
  curl_multi_remove_handle(multi_, easy);
  live_[exchange.place] = live_.back();
  live_[exchange.place]->place = exchange.place;
  live_.pop_back();
  exchange.end(outcome);
  exchange.easy = nullptr;
  if (spare_.size() < kSpareHandles) {
    curl_easy_reset(easy);
    spare_.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
  keep_connections();
}

void ClientLoop::finish_all() {
  for (const Exchange& exchange : mailbox_->take()) {
    if (exchange->phase == ClientExchange::Phase::kNew) exchange->end(CURLE_ABORTED_BY_CALLBACK);
  }
  while (!live_.empty()) finish(*live_.back(), Error(Code::kCancelled, "the HTTP client is closing"));
}

}  // namespace shenbi::net
