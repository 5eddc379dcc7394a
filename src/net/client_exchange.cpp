#include "net/client_exchange.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/limits.h"
#include "net/address.h"
#include "net/client_request.h"

namespace shenbi::net {
namespace {

// Buffers of one exchange in curl. The receive buffer is what an idle stream costs; an event of a model's stream has
// some 300 bytes, so 8 KB take dozens of them in one read, and a body of 1 MB costs 128 reads instead of 64.
constexpr long kReceiveBuffer = 8 << 10, kSendBuffer = 64 << 10;

extern "C" {
size_t client_header(char* data, size_t size, size_t count, void* self) {
  return static_cast<ClientExchange*>(self)->on_header({data, size * count});
}
size_t client_body(char* data, size_t size, size_t count, void* self) {
  return static_cast<ClientExchange*>(self)->on_body({data, size * count});
}
int client_connected(void* self, char* address, char*, int, int) {
  return static_cast<ClientExchange*>(self)->on_connected(address);
}
curl_socket_t client_open(void* self, curlsocktype, curl_sockaddr* address) {
  return static_cast<ClientExchange*>(self)->on_open(*address);
}
}

}  // namespace

// --- the mailbox ---

ClientMailbox::ClientMailbox() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw Error(Code::kInternal, "the HTTP client got no eventfd: too many open files");
}

ClientMailbox::~ClientMailbox() { ::close(wake_fd_); }

void ClientMailbox::post(std::shared_ptr<ClientExchange> exchange) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    first = letters_.empty();
    letters_.push_back(std::move(exchange));
  }
  if (first) wake();
}

bool ClientMailbox::lay_in(std::shared_ptr<ClientExchange> exchange) {
  const std::lock_guard lock(mutex_);
  if (!closed_) letters_.push_back(std::move(exchange));
  return !closed_;
}

std::vector<std::shared_ptr<ClientExchange>> ClientMailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(letters_, {});
}

void ClientMailbox::close() {
  std::vector<std::shared_ptr<ClientExchange>> dropped;  // goes behind the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(letters_);
}

void ClientMailbox::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);  // full means: woken already
}

// --- before the start, on the caller's thread ---

ClientExchange::ClientExchange(ClientRequest request, ClientEvents events, std::shared_ptr<ClientMailbox> mailbox)
    : request_(std::move(request)),
      events_(std::move(events)),
      mailbox_(std::move(mailbox)),
      url_(curl_url(), curl_url_cleanup),
      header_list_(nullptr, curl_slist_free_all) {
  read_url(url_.get(), request_.url);
  https_ = part_of(url_.get(), CURLUPART_SCHEME) == "https";
  host_ = part_of(url_.get(), CURLUPART_HOST);
  check_method(request_.method);
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    if (longer) list = longer;
    return longer != nullptr;
  };
  bool typed = false, whole = true;
  for (const auto& [name, value] : request_.headers) {
    check_header(name, value);
    const std::string small = lower(name);
    typed |= small == "content-type";
    decodes_ &= small != "accept-encoding";
  }
  for (const auto& [name, value] : request_.headers) {
    const std::string_view text = trimmed(value);
    whole &= add(text.empty() ? name + ";" : fmt::format("{}: {}", name, text));
  }
  if (!typed) whole &= add("Content-Type:");  // curl would call it a form
  whole &= add("Expect:");                    // else bodies over 1 MB wait a second for servers that know no 100
  header_list_.reset(list);
  if (!whole) throw Error(Code::kOutOfMemory, "no memory for the headers of a request");
}

ClientExchange::~ClientExchange() = default;

void ClientExchange::post() {
  if (!posted_.exchange(true)) mailbox_->post(shared_from_this());
}

void ClientExchange::cancel() {
  if (!cancelled_.exchange(true)) post();
}

void ClientExchange::pause() {
  if (!wants_pause_.exchange(true)) post();
}

void ClientExchange::resume() {
  if (wants_pause_.exchange(false)) post();
}

// --- on the loop's thread ---

void ClientExchange::prepare(CURL* handle, const std::string& ca_file) {
  easy = handle;
  phase = Phase::kConnecting;
  started_ = last_byte_ = ClientClock::now();
  const auto set = [handle](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_CURLU, url_.get());
  set(CURLOPT_HTTPHEADER, header_list_.get());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, message_);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // A new stream waits for a handshake under way, because the host may take it on the same connection.
  set(CURLOPT_HTTP_VERSION,
      https_ ? static_cast<long>(CURL_HTTP_VERSION_2TLS) : static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PIPEWAIT, https_ ? 1L : 0L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);  // models think for minutes; routers forget connections sooner
  set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
  // Our own timers decide; curl shares this time among the addresses of a host, so that a dead one does not eat all.
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(bounded(request_.connect_timeout).count()));
  if (decodes_) set(CURLOPT_ACCEPT_ENCODING, "gzip");
  if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
  set(CURLOPT_HEADERFUNCTION, client_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, client_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_PREREQFUNCTION, client_connected);
  set(CURLOPT_PREREQDATA, this);
  if (request_.public_only) {
    set(CURLOPT_OPENSOCKETFUNCTION, client_open);
    set(CURLOPT_OPENSOCKETDATA, this);
  }
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method == "POST" || !request_.body.empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.data());
  } else {
    set(CURLOPT_HTTPGET, 1L);
  }
  if (request_.method != "POST" && request_.method != "GET" && request_.method != "HEAD") {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method == "GET" && !request_.body.empty()) {
    set(CURLOPT_CUSTOMREQUEST, "GET");
  }
}

template <class Call>
bool ClientExchange::guarded(Call call) noexcept {
  try {
    call();
    return true;
  } catch (const std::exception& error) {  // no exception may cross curl's frames
    failure_.emplace(Code::kInternal, fmt::format("{}: the receiver of the answer failed: {}", host_, error.what()));
  } catch (...) {
    failure_.emplace(Code::kInternal, fmt::format("{}: the receiver of the answer failed", host_));
  }
  return false;
}

curl_socket_t ClientExchange::on_open(const curl_sockaddr& address) noexcept {
  if (is_private_address(address.addr)) {
    guarded([&] { refuse_private(); });
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

// Also for a connection that another exchange had opened, which on_open() has not seen.
int ClientExchange::on_connected(const char* address) noexcept {
  if (request_.public_only && is_private_address(std::string_view(address))) {
    guarded([&] { refuse_private(); });
    return CURL_PREREQFUNC_ABORT;
  }
  if (phase == Phase::kConnecting) phase = Phase::kHead;
  return CURL_PREREQFUNC_OK;
}

void ClientExchange::refuse_private() {
  failure_.emplace(Code::kInvalidArgument,
                   fmt::format("{}: leads to this machine or a private network, which is not allowed", host_));
}

// One line, or several at once where a pause had held them back.
size_t ClientExchange::on_header(std::string_view lines) noexcept {
  const bool told = guarded([&] {
    for (size_t at = 0; at < lines.size() && !failure_;) {
      const size_t end = std::min(lines.find('\n', at), lines.size() - 1) + 1;
      take_header_line(lines.substr(at, end - at));
      at = end;
    }
  });
  return told && !failure_ && !cancelled() ? lines.size() : 0;
}

// An empty one ends the head. Heads of status 1xx come before the one that counts, trailers after the body.
void ClientExchange::take_header_line(std::string_view line) {
  if (phase == Phase::kBody || phase == Phase::kDone) return;
  header_bytes_ += line.size();
  if (header_bytes_ > limits::kMaxUpstreamHeadBytes) {
    failure_.emplace(Code::kUpstream, fmt::format("{}: the head of the answer is longer than {} bytes", host_,
                                                  limits::kMaxUpstreamHeadBytes));
    return;
  }
  if (line.starts_with("HTTP/")) {
    headers_.clear();
    const size_t space = line.find(' ');
    status_ = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos && colon > 0) {
    headers_.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  } else if (trimmed(line).empty() && status_ >= 200) {
    tell_head();
  }
}

void ClientExchange::tell_head() {
  phase = Phase::kBody;
  last_byte_ = ClientClock::now();
  const auto encoded = [](const auto& header) { return header.first == "content-encoding"; };
  if (decodes_ && std::any_of(headers_.begin(), headers_.end(), encoded)) {
    std::erase_if(headers_, [&](const auto& header) { return encoded(header) || header.first == "content-length"; });
  }
  if (events_.on_head) events_.on_head(status_, headers_);
  headers_ = {};
}

size_t ClientExchange::on_body(std::string_view bytes) noexcept {
  if (cancelled()) return 0;
  if (wants_pause_.load()) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;  // curl keeps these bytes and hands them over when it goes on
  }
  last_byte_ = ClientClock::now();
  body_bytes_ += bytes.size();
  const bool told = guarded([&] {
    if (body_bytes_ > request_.max_bytes) {
      failure_.emplace(Code::kUpstream,
                       fmt::format("{}: the answer is longer than {} bytes", host_, request_.max_bytes));
      return;
    }
    if (events_.on_body) events_.on_body(bytes);
  });
  return told && !failure_ && !cancelled() ? bytes.size() : 0;
}

CURLcode ClientExchange::obey() {
  const bool wanted = wants_pause_.load();
  if (wanted == paused_) return CURLE_OK;
  paused_ = wanted;
  if (!wanted) last_byte_ = ClientClock::now();
  return curl_easy_pause(easy, wanted ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

ClientClock::time_point ClientExchange::next_look(ClientClock::time_point now) const noexcept {
  return std::min(deadline(), now + bounded(request_.idle_timeout));
}

bool ClientExchange::waits_for_answer() const noexcept {
  return request_.answer_timeout.count() > 0 && !answered_.load();
}

ClientClock::time_point ClientExchange::deadline() const noexcept {
  switch (phase) {
    case Phase::kNew:
    case Phase::kConnecting:
      return started_ + bounded(std::min(request_.connect_timeout, request_.head_timeout));
    case Phase::kHead:
      return started_ + bounded(request_.head_timeout);
    default:
      if (waits_for_answer() && !paused_) return started_ + bounded(request_.answer_timeout);
      return paused_ ? ClientClock::time_point::max() : last_byte_ + bounded(request_.idle_timeout);
  }
}

Error ClientExchange::timed_out() const {
  switch (phase) {
    case Phase::kNew:
    case Phase::kConnecting:
      return Error(Code::kUpstream,
                   fmt::format("{}: timed out while connecting: no connection within {}", host_,
                               seconds_text(std::min(request_.connect_timeout, request_.head_timeout))));
    case Phase::kHead:
      return Error(Code::kUpstream, fmt::format("{}: timed out while waiting for the answer: no status line within {}",
                                                host_, seconds_text(request_.head_timeout)));
    default:
      if (waits_for_answer()) {
        return Error(Code::kUpstream, fmt::format("{}: timed out while waiting for the answer: no word within {}",
                                                  host_, seconds_text(request_.answer_timeout)));
      }
      return Error(Code::kUpstream, fmt::format("{}: timed out inside the answer: no byte for {} after {} bytes", host_,
                                                seconds_text(request_.idle_timeout), body_bytes_));
  }
}

// Our own words where we have them; curl's where only it knows more (certificates, names). Never the URL.
Error ClientExchange::error_of(CURLcode outcome) const {
  const auto upstream = [this](std::string_view reason) {
    return Error(Code::kUpstream, fmt::format("{}: {}", host_, reason));
  };
  const std::string_view detail = *message_ ? message_ : curl_easy_strerror(outcome);
  switch (outcome) {
    case CURLE_COULDNT_CONNECT:
      return upstream(fmt::format("the connection was refused or failed ({})", detail));
    case CURLE_COULDNT_RESOLVE_HOST:
      return upstream("there is no such host");
    case CURLE_OPERATION_TIMEDOUT:
      return timed_out();
    case CURLE_PARTIAL_FILE:
      return upstream(fmt::format("the answer was cut after {} bytes", body_bytes_));
    case CURLE_GOT_NOTHING:
      return upstream("the connection was closed without an answer");
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      if (phase == Phase::kBody) return upstream(fmt::format("the answer was cut after {} bytes", body_bytes_));
      return upstream("the connection broke before an answer came");
    case CURLE_BAD_CONTENT_ENCODING:
      return upstream(fmt::format("the compressed answer is damaged after {} bytes", body_bytes_));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return upstream("the answer is no HTTP");
    case CURLE_OUT_OF_MEMORY:
      return Error(Code::kOutOfMemory, fmt::format("{}: no memory for the exchange", host_));
    default:
      return upstream(detail);
  }
}

void ClientExchange::end(CURLcode outcome) {
  if (cancelled()) return end(Error(Code::kCancelled, fmt::format("{}: cancelled", host_)));
  if (failure_) return end(Error(*failure_));
  if (outcome != CURLE_OK) return end(error_of(outcome));
  if (phase != Phase::kBody) return end(error_of(CURLE_GOT_NOTHING));
  phase = Phase::kDone;
  const ClientEvents events = std::exchange(events_, {});  // they may hold the handle, which holds this
  if (events.on_end) guarded([&] { events.on_end(nullptr); });
}

void ClientExchange::end(const Error& error) {
  phase = Phase::kDone;
  const ClientEvents events = std::exchange(events_, {});
  if (events.on_end) guarded([&] { events.on_end(&error); });
}

}  // namespace shenbi::net
