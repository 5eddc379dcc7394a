// Jobs at one upstream: submitted, looked at, cancelled and fetched, each a whole exchange that is waited for.
//
// A result lies at the house, behind our key, or at an address that the house names. Such an address is fetched without
// the key, and only from the public internet: whoever writes an answer could else have this program read what is on
// its own network. One exception: an upstream that the operator himself put on a private network may name its own
// address. Redirects of such a fetch follow the same rule, three at most.

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/exchange.h"
#include "gateway/remote_media.h"

namespace shenbi::gateway {
namespace {

constexpr size_t kMaxWaiting = 1u << 20;  // bytes of a download that nobody has written yet
constexpr int kMaxRedirects = 3;
constexpr size_t kMaxLinkBytes = 8192;  // signed links have up to 2 kB

Code code_of(int status) {
  if (status == 429) return Code::kRateLimited;
  if (status == 404 || status == 410) return Code::kNotFound;
  if (status == 400 || status == 413 || status == 422) return Code::kInvalidArgument;
  return status == 503 ? Code::kUnavailable : Code::kUpstream;
}

// An answer that is waited for in one piece, or written down as it comes. The exchange stands still while more than a
// piece waits to be written.
class Awaited {
 public:
  struct Head {
    int status = 0;
    net::Headers headers;
  };

  Awaited(net::Client& client, net::ClientRequest request, std::stop_token stop) : shared_(std::make_shared<Shared>()) {
    call_ = client.start(std::move(request),
                         {.on_head = [s = shared_](int status, const net::Headers& h) { s->head(status, h); },
                          .on_body = [s = shared_](std::string_view bytes) { s->body(bytes); },
                          .on_end = [s = shared_](const Error* error) { s->end(error); }});
    {
      std::lock_guard lock(shared_->mutex);
      shared_->call = call_;
    }
    on_stop_.emplace(std::move(stop), Cancel{call_});
  }
  ~Awaited() {
    on_stop_.reset();
    call_->cancel();
  }

  /// Blocks until the status line is there. Throws what ended the exchange before.
  Head head() {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->told.status > 0 || shared_->ended; });
    if (shared_->told.status == 0) throw shared_->failure.value_or(Error(Code::kUpstream, "no answer"));
    return shared_->told;
  }

  /// The next bytes; empty at the end. Throws what ended the exchange too early.
  std::string next() {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return !shared_->waiting.empty() || shared_->ended; });
    if (shared_->waiting.empty() && shared_->failure) throw Error(*shared_->failure);
    std::string bytes = std::exchange(shared_->waiting, {});
    const bool paused = std::exchange(shared_->paused, false);
    lock.unlock();
    if (paused) call_->resume();
    return bytes;
  }

  std::string whole() {
    std::string all;
    while (true) {
      const std::string more = next();
      if (more.empty()) return all;
      all += more;
    }
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::weak_ptr<net::ClientCall> call;
    Head told;
    std::string waiting;
    bool paused = false, ended = false;
    std::optional<Error> failure;

    void head(int status, const net::Headers& headers) {
      std::lock_guard lock(mutex);
      told = {status, headers};
      changed.notify_all();
    }
    void body(std::string_view bytes) {
      std::shared_ptr<net::ClientCall> full;
      {
        std::lock_guard lock(mutex);
        waiting += bytes;
        if (waiting.size() > kMaxWaiting && !paused) full = call.lock();
        paused = paused || full;
        changed.notify_all();
      }
      if (full) full->pause();
    }
    void end(const Error* error) {
      std::lock_guard lock(mutex);
      if (error) failure = *error;
      ended = true;
      changed.notify_all();
    }
  };
  struct Cancel {
    std::shared_ptr<net::ClientCall> call;
    void operator()() const { call->cancel(); }
  };

  std::shared_ptr<Shared> shared_;
  std::shared_ptr<net::ClientCall> call_;
  std::optional<std::stop_callback<Cancel>> on_stop_;
};

// Scheme, host and port of an address; nothing if it is none that may be fetched.
std::optional<std::string> fetchable_origin(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (url.size() > kMaxLinkBytes || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&](CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, flags) != CURLUE_OK) return std::string();
    std::string value = text;
    curl_free(text);
    return value;
  };
  const std::string scheme = part(CURLUPART_SCHEME), host = part(CURLUPART_HOST);
  if ((scheme != "https" && scheme != "http") || host.empty() || !part(CURLUPART_USER).empty()) return {};
  return fmt::format("{}://{}:{}", scheme, host, part(CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

// `url` may be relative to the address that redirects.
std::string joined(const std::string& base, const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return {};
  char* text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) return {};
  std::string value = text;
  curl_free(text);
  return value;
}

const JobWay& way_of(const House& house, MediaKind kind) {
  const auto way = house.jobs.find(kind);
  if (way == house.jobs.end())
    throw Error(Code::kUnsupported, fmt::format("model: {} offers no {} here", house.title, media_name(kind)));
  return way->second;
}

}  // namespace

JobAnswer take_job_answer(const Remote::Prepared& prepared, int status, const net::Headers& headers, std::string body) {
  const auto json = chat::OrderedJson::parse(body, nullptr, false);
  const bool good = status >= 200 && status < 300;
  // A job that failed tells its error in a state of its own.
  const bool state = json.is_object() && (json.contains("status") || json.contains("task_status"));
  const auto told = good && !state && json.is_object() ? chat::error_in(json, 200, {}) : std::nullopt;
  if (good && !told) {
    prepared.on_finished({200, std::nullopt, true});
    return {.body = prepared.secrets.hidden(std::move(body)),
            .error = std::nullopt,
            .retry_after = std::nullopt,
            .reason = {}};
  }
  JobAnswer answer{.body = {},
                   .error = told ? *told : prepared.error(status, body),
                   .retry_after = retry_after(headers),
                   .reason = {}};
  answer.reason = facts_for_caller(chat::read_error_facts(status, body), status, nullptr, prepared.secrets).reason;
  if (!told) answer.error->status = status;
  prepared.on_finished({answer.error->status, answer.retry_after, false});
  answer.error->message = fmt::format("{} (status {})", prepared.secrets.hidden(answer.error->message), status);
  return answer;
}

// A whole answer. `key`: which one asks; set to the one that did.
std::string Remote::exchange(HouseCall call, std::optional<uint32_t>& key, std::stop_token stop) const {
  Prepared ready = prepared(std::move(call), key);
  key = ready.key;
  ready.request.max_bytes = kMaxJobAnswerBytes;
  ready.request.head_timeout = std::min(ready.request.head_timeout, kLongestJobAnswer);
  Awaited::Head head;
  std::string body;
  try {
    Awaited awaited(client(), std::move(ready.request), std::move(stop));
    head = awaited.head();
    body = awaited.whole();
  } catch (const Error& error) {
    if (error.code() != Code::kCancelled) ready.on_finished({0, std::nullopt, false});
    throw Error(error.code(), fmt::format("{}: {}", upstream().name, ready.secrets.hidden(error.what())));
  }
  JobAnswer answer = take_job_answer(ready, head.status, head.headers, std::move(body));
  if (answer.error)
    throw ReasonedError(code_of(answer.error->status), answer.reason,
                        fmt::format("{}: {}", upstream().name, answer.error->message));
  return std::move(answer.body);
}

// With the upstream's name in front, once.
Error Remote::named(const Error& error) const {
  const std::string name = upstream().name + ": ";
  return std::string_view(error.what()).starts_with(name) ? error : Error(error.code(), name + error.what());
}

MediaJob Remote::submit(const MediaRequest& request, std::stop_token stop) {
  check_model_name(upstream().name, request.model);
  const JobWay& way = way_of(house(), request.kind);
  refuse_personal_data(request.words);
  MediaJob job{.kind = request.kind, .upstream = upstream().name, .model = request.model};
  std::optional<uint32_t> key;
  const std::string body = exchange(way.submit(request, request.model), key, std::move(stop));
  job.key = key.value_or(0);
  try {
    way.read(body, job);
  } catch (const Error& error) {
    throw named(error);
  }
  return job;
}

MediaJob Remote::look(const MediaJob& job, std::stop_token stop) {
  const JobWay& way = way_of(house(), job.kind);
  std::optional<uint32_t> key = job.key;
  const std::string body = exchange(way.look(job), key, stop);
  MediaJob now = job;
  try {
    way.read(body, now);
    if (now.state == JobState::kDone && way.result)
      way.read_result(exchange(way.result(now, body), key, std::move(stop)), now);
  } catch (const Error& error) {
    throw named(error);
  }
  return now;
}

bool Remote::cancel(const MediaJob& job, std::stop_token stop) {
  const JobWay& way = way_of(house(), job.kind);
  if (!way.cancel) return false;
  std::optional<uint32_t> key = job.key;
  exchange(way.cancel(job), key, std::move(stop));
  return true;
}

std::string Remote::fetch(const MediaJob& job, const MediaWriter& write, std::stop_token stop) {
  const JobWay& way = way_of(house(), job.kind);
  if (job.link.empty()) {
    if (!way.content)
      throw Error(Code::kUpstream, fmt::format("{}: it names no address of the result", upstream().name));
    Prepared ready = prepared(way.content(job), job.key);
    return download(std::move(ready.request), false, write, std::move(stop));
  }
  return download({.method = "GET", .url = job.link, .idle_timeout = std::chrono::seconds(60)}, true, write,
                  std::move(stop));
}

std::string Remote::download(net::ClientRequest request, bool link, const MediaWriter& write,
                             std::stop_token stop) const {
  const auto own = fetchable_origin(house().base_url);
  const auto named = [&](const auto& work) {
    try {
      return work();
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", upstream().name, error.what()));
    }
  };
  for (int hop = 0;; ++hop) {
    const auto origin = fetchable_origin(request.url);
    if (!origin)
      throw Error(Code::kUpstream, fmt::format("{}: its link is no address that can be fetched", upstream().name));
    request.public_only = !(upstream().private_network && origin == own);
    request.max_bytes = kMaxMediaFileBytes;
    const std::string url = request.url;
    Awaited awaited(client(), std::move(request), stop);
    const auto head = named([&] { return awaited.head(); });
    if (head.status == 200) {
      uint64_t bytes = 0;
      while (true) {
        const std::string piece = named([&] { return awaited.next(); });
        if (piece.empty()) break;
        bytes += piece.size();
        write(piece);
      }
      if (bytes == 0) throw Error(Code::kUpstream, fmt::format("{}: its result is empty", upstream().name));
      return header_of(head.headers, "content-type");
    }
    const std::string next = header_of(head.headers, "location");
    const bool redirect = head.status >= 301 && head.status <= 308 && head.status != 304 && !next.empty();
    if (!redirect || hop >= kMaxRedirects) {
      // A signed link that has expired is refused, and says nothing of the key.
      const bool expired = head.status == 403 && link;
      throw Error(expired ? Code::kNotFound : code_of(head.status),
                  fmt::format("{}: its result cannot be fetched (status {}{})", upstream().name, head.status,
                              redirect  ? ", one redirect too many"
                              : expired ? ", the link may have expired"
                                        : ""));
    }
    // Elsewhere nobody is told who we are.
    request = {.method = "GET", .url = joined(url, next), .idle_timeout = std::chrono::seconds(60)};
  }
}

}  // namespace shenbi::gateway
