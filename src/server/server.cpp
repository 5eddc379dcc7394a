#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "server/access.h"
#include "server/batch_runner.h"
#include "server/conversations.h"
#include "server/running_answers.h"

namespace shenbi::server {
namespace {

using std::chrono::steady_clock;

// Counts and logs what a route answers, and puts the request's number on it.
class ObservedExchange final : public net::Exchange {
 public:
  ObservedExchange(net::ExchangePtr inner, State& state, std::string route, std::string method, std::string request_id,
                   std::vector<std::pair<std::string, std::string>> more)
      : inner_(std::move(inner)),
        state_(state),
        route_(std::move(route)),
        method_(std::move(method)),
        request_id_(std::move(request_id)),
        more_(std::move(more)) {}
  ~ObservedExchange() override { log(); }

  void send(net::ServerResponse response) override {
    note(response.status);
    complete(response.headers);
    inner_->send(std::move(response));
  }
  void begin(int status, net::Headers headers, std::string heartbeat) override {
    note(status);
    complete(headers);
    inner_->begin(status, std::move(headers), std::move(heartbeat));
  }
  bool write(std::string_view bytes) override { return inner_->write(bytes); }
  void end() override { inner_->end(); }
  void on_gone(std::function<void()> callback) override { inner_->on_gone(std::move(callback)); }

 private:
  void note(int status) {
    if (status_.exchange(status) == 0) state_.metrics.request(route_, status);
  }
  void complete(net::Headers& headers) const {
    headers.emplace_back("X-Request-Id", request_id_);
    headers.emplace_back("X-Content-Type-Options", "nosniff");
    headers.insert(headers.end(), more_.begin(), more_.end());
  }
  void log() const {
    const double ms = std::chrono::duration<double, std::milli>(steady_clock::now() - start_).count();
    log_info(R"({{"request":"{}","method":"{}","route":"{}","status":{},"ms":{:.1f}}})", request_id_, method_, route_,
             status_.load(), ms);
  }

  net::ExchangePtr inner_;
  State& state_;
  std::string route_, method_, request_id_;
  net::Headers more_;
  std::atomic<int> status_ = 0;
  steady_clock::time_point start_ = steady_clock::now();
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

}  // namespace

struct Server::Impl {
  State state;
  Access access;
  Router router;
  std::unique_ptr<net::HttpServer> http;
  BatchRunner batches;

  explicit Impl(const ServeOptions& options) : state(options), access(state), batches(state, router) {
    net::ServerOptions http_options;
    http_options.host = options.host;
    http_options.port = options.port;
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
    if (refused) state.metrics.request(found.route ? found.route->pattern() : "none", refused->status);
    return refused;
  }

  void handle(net::ServerRequest request, net::ExchangePtr exchange) {
    const std::string id = request_id(request);
    auto found = router.find(request.method, request.path);
    const std::string pattern = found.route ? found.route->pattern() : "none";
    auto observed = std::make_shared<ObservedExchange>(std::move(exchange), state, pattern, request.method, id,
                                                       access.cors_headers(request));
    if (!found.route) {  // admitted without a route: a preflight question
      return observed->send({.status = 204, .headers = {}, .body = {}});
    }
    auto call =
        std::make_shared<RouteCall>(RouteCall{state, std::move(request), observed, std::move(found.path), {}, id});
    const Route& route = *found.route;
    const auto run = [this, call, &route] {
      call->caller = access.caller(call->request);
      run_route(route, *call);
    };
    if (!state.workers.run(run)) {
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
  for (const std::string& model : impl_->state.options.models) {
    impl_->state.workers.run([this, model] {
      try {
        impl_->state.service->load(model);
      } catch (const std::exception& error) {
        log_warn("{}: {}", model, error.what());
      }
    });
  }
}

void Server::stop(std::chrono::milliseconds patience) {
  impl_->batches.stop();  // first: what it leaves undone is done at the next start, callers are not
  impl_->http->stop(patience);
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
