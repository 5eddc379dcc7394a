#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "server/access.h"
#include "server/batch_runner.h"
#include "server/conversations.h"
#include "server/media_runner.h"
#include "server/request_record.h"
#include "server/running_answers.h"
#include "store/instances.h"

namespace shenbi::server {
namespace {

using std::chrono::steady_clock;

// How many requests are being answered, and waiting for the last of them.
class OpenAnswers {
 public:
  void enter() {
    std::lock_guard lock(mutex_);
    ++count_;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  bool wait_for_none(steady_clock::time_point end) {
    std::unique_lock lock(mutex_);
    return none_.wait_until(lock, end, [&] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  size_t count_ = 0;
};

// What answers get that did not end in time: long enough to say so.
constexpr std::chrono::seconds kLastWords{2};
// One event loop a core: they handle what does not block themselves. Two at least, so that a request that takes its
// time is not in everybody's way; 16 at most, for each holds connections of its own to upstreams.
constexpr int kFewestLoops = 2, kMostLoops = 16;
constexpr std::string_view kStopping = "the server is stopping";

// Tells the request's record what a route answers, and puts the request's number on it.
class ObservedExchange final : public net::Exchange {
 public:
  ObservedExchange(net::ExchangePtr inner, State& state, RequestRecordPtr record, net::Headers more, OpenAnswers& open)
      : inner_(std::move(inner)), state_(state), record_(std::move(record)), more_(std::move(more)), open_(open) {
    open_.enter();
  }
  ~ObservedExchange() override {
    record_->finish();
    inner_ = nullptr;
    open_.leave();
  }

  void send(net::ServerResponse response) override {
    note(response.status);
    record_->add_bytes(response.source ? response.source->bytes() : response.body.size());
    complete(response.headers);
    inner_->send(std::move(response));
    record_->finish();
  }
  void begin(int status, net::Headers headers, std::string heartbeat, std::string_view first) override {
    note(status);
    complete(headers);
    record_->add_bytes(first.size());
    inner_->begin(status, std::move(headers), std::move(heartbeat), first);
  }
  bool write(std::string_view bytes) override {
    record_->add_bytes(bytes.size());
    return inner_->write(bytes);
  }
  void end() override {
    inner_->end();
    record_->finish();
  }
  bool ask(std::shared_ptr<net::Maker> maker) override { return inner_->ask(std::move(maker)); }
  void on_gone(std::function<void()> callback) override { inner_->on_gone(std::move(callback)); }

 private:
  void note(int status) {
    if (noted_.exchange(true)) return;
    record_->set_status(status);
    state_.metrics.request(record_->route().empty() ? "none" : record_->route(), status);
  }
  void complete(net::Headers& headers) const {
    headers.emplace_back("X-Request-Id", record_->id());
    headers.emplace_back("X-Content-Type-Options", "nosniff");
    headers.insert(headers.end(), more_.begin(), more_.end());
  }

  net::ExchangePtr inner_;
  State& state_;
  RequestRecordPtr record_;
  net::Headers more_;
  std::atomic<bool> noted_ = false;
  OpenAnswers& open_;
};

// The caller's own number if it reads like one, so that logs of both sides meet.
std::string request_id(const net::ServerRequest& request) {
  const auto given = request.header("x-request-id");
  const bool plain = !given.empty() && given.size() <= 64 && std::all_of(given.begin(), given.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  return plain ? std::string(given)
               : fmt::format("req-{:08x}-{}", static_cast<uint32_t>(::time(nullptr)), request.number);
}

// Probes and scrapes come every few seconds for ever, and files of the page say nothing about a model.
bool is_traced(const Router::Found& found) {
  return !found.route || (found.route->scope() && found.route->pattern() != "/metrics");
}

}  // namespace

struct Server::Impl {
  OpenAnswers open;  // first: whatever is left of answers ends before it
  State state;
  Access access;
  Router router;
  std::unique_ptr<net::HttpServer> http;
  BatchRunner batches;

  explicit Impl(const ServeOptions& options) : state(options), access(state), batches(state, router) {
    net::ServerOptions http_options;
    http_options.host = options.host;
    http_options.port = options.port;
    http_options.threads = std::clamp(thread_budget().threads, kFewestLoops, kMostLoops);
    http_options.certificate_file = options.certificate_file;
    http_options.key_file = options.key_file;
    http = std::make_unique<net::HttpServer>(
        http_options, [this](const net::ServerRequest& request) { return admit(request); },
        [this](net::ServerRequest request, net::ExchangePtr exchange) {
          handle(std::move(request), std::move(exchange));
        });
  }

  std::optional<net::ServerResponse> admit(const net::ServerRequest& request) {
    const auto found = router.find(request.method, request.path);
    auto refused = access.refuse(request, found);
    if (!refused && state.stopping && takes_work(found)) {
      refused = error_response(found.route->face(), Code::kUnavailable, kStopping);
    }
    if (!refused) return std::nullopt;
    const auto record = begin_record(request, found);
    state.metrics.request(found.route ? found.route->pattern() : "none", refused->status);
    record->set_status(refused->status);
    record->add_bytes(refused->body.size());
    record->fail("refused", false);
    refused->headers.emplace_back("X-Request-Id", record->id());
    return refused;
  }

  // All but the questions about the server itself.
  static bool takes_work(const Router::Found& found) {
    return found.route && found.route->scope() && found.route->pattern() != "/metrics";
  }

  // Answers that are being written, for a client or for the page's conversations.
  bool wait_for_answers(steady_clock::time_point end) {
    return state.running->wait_for_none(end) && open.wait_for_none(end);
  }

  RequestRecordPtr begin_record(const net::ServerRequest& request, const Router::Found& found) {
    return std::make_shared<RequestRecord>(request, request_id(request), found.route ? found.route->pattern() : "",
                                           is_traced(found) ? state.tracer.get() : nullptr);
  }

  void handle(net::ServerRequest request, net::ExchangePtr exchange) {
    auto found = router.find(request.method, request.path);
    const auto record = begin_record(request, found);
    auto observed =
        std::make_shared<ObservedExchange>(std::move(exchange), state, record, access.cors_headers(request), open);
    if (!found.route) {  // admitted without a route: a preflight question
      return observed->send({.status = 204, .headers = {}, .body = {}});
    }
    auto call = std::make_shared<RouteCall>(
        RouteCall{state, std::move(request), observed, std::move(found.path), {}, record->id(), 0, record});
    const Route& route = *found.route;
    const auto run = [this, call, &route] {
      const RequestRecord::Entered here(call->record);
      if (const auto refused = access.check_key(call->request, route)) {
        call->record->fail("refused", false);
        return call->exchange->send(*refused);
      }
      call->caller = access.caller(call->request);
      call->record->set_key(call->caller.name);
      run_route(route, *call);
    };
    if (route.is_quick(state, call->request)) return run();
    if (!state.workers.run(run)) {
      record->fail("busy", true);
      observed->send(error_response(route.face(), Code::kOutOfMemory, "too many requests wait already"));
    }
  }
};

Server::Server(const ServeOptions& options) : impl_(std::make_unique<Impl>(options)) {
  if (!is_loopback(options.host) && !impl_->state.keys.required()) {
    throw Error(
        Code::kInvalidArgument,
        fmt::format("--host {}: others can reach this address, so a key is needed: --api-key KEY, or make one with: "
                    "shenbi keys add NAME",
                    options.host));
  }
}

Server::~Server() {
  if (impl_) stop(std::chrono::milliseconds(0));
}

void Server::start() {
  impl_->http->start();
  impl_->batches.start();
  impl_->state.media_runner->start();
  impl_->state.database.instances().watch();
  for (const std::string& model : impl_->state.options.models) {
    impl_->state.workers.run([this, model] {
      try {
        impl_->state.service->load(model);
      } catch (const std::exception& error) {
        log_warn("{}: {}", model, error.what());
        impl_->state.note_failed_load(model, error.what());
      }
    });
  }
}

void Server::stop(std::chrono::milliseconds patience) {
  const auto end = steady_clock::now() + patience;
  impl_->state.stopping = true;
  impl_->state.service->stop_loading(std::string(kStopping));  // who waits for a load is not waited for
  impl_->batches.stop();  // first: what it leaves undone is done at the next start, callers are not
  impl_->state.media_runner->stop();
  if (patience.count() > 0 && !impl_->wait_for_answers(end)) {
    impl_->state.provider->end_all(Error(Code::kUnavailable, std::string(kStopping)));
    impl_->wait_for_answers(steady_clock::now() + kLastWords);
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
  impl_->http->stop(patience.count() > 0 ? std::max<std::chrono::milliseconds>(left, kLastWords) : left);
}
uint16_t Server::port() const noexcept { return impl_->http->port(); }
State& Server::state() noexcept { return impl_->state; }

std::string Server::address() const {
  const ServeOptions& options = impl_->state.options;
  const bool v6 = options.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", options.certificate_file.empty() ? "http" : "https", v6 ? "[" : "", options.host,
                     v6 ? "]" : "", port());
}

}  // namespace shenbi::server
